// The views of the window, in the order of the sidebar. A view is one folder under ui/views with one component, which gets
// `id` (the part of the address after its name) and finds everything else through `useDesk()`.
import ArrowLeftRight from "@lucide/svelte/icons/arrow-left-right";
import History from "@lucide/svelte/icons/history";
import IdCard from "@lucide/svelte/icons/id-card";
import KeyRound from "@lucide/svelte/icons/key-round";
import Link from "@lucide/svelte/icons/link";
import Radar from "@lucide/svelte/icons/radar";
import Settings from "@lucide/svelte/icons/settings";
import Stethoscope from "@lucide/svelte/icons/stethoscope";
import type { Component } from "svelte";
import type { ViewId } from "~/state/route.svelte";
import type { PlainKey } from "~/text/text.svelte";
import CapabilitiesView from "./capabilities/Capabilities.svelte";
import DoctorView from "./doctor/Doctor.svelte";
import HistoryView from "./history/History.svelte";
import IdentityView from "./identity/Identity.svelte";
import LinksView from "./links/Links.svelte";
import NearView from "./near/Near.svelte";
import SessionView from "./session/Session.svelte";
import SettingsView from "./settings/Settings.svelte";
import TransfersView from "./transfers/Transfers.svelte";

export type View = Component<{ id: string | null }>;

export interface NavEntry { id: ViewId; label: PlainKey; icon: Component; main: boolean }

/** What the sidebar lists; Ctrl+1 … Ctrl+8 follow this order. `main` ones stay visible in a narrow window. */
export const NAV: readonly NavEntry[] = [
  { id: "near", label: "nav.near", icon: Radar, main: true },
  { id: "transfers", label: "nav.transfers", icon: ArrowLeftRight, main: true },
  { id: "links", label: "nav.links", icon: Link, main: true },
  { id: "history", label: "nav.history", icon: History, main: true },
  { id: "identity", label: "nav.identity", icon: IdCard, main: false },
  { id: "capabilities", label: "nav.capabilities", icon: KeyRound, main: false },
  { id: "doctor", label: "nav.doctor", icon: Stethoscope, main: false },
  { id: "settings", label: "nav.settings", icon: Settings, main: false },
];

export const VIEW: Record<ViewId, View> = {
  near: NearView,
  session: SessionView,
  transfers: TransfersView,
  links: LinksView,
  history: HistoryView,
  identity: IdentityView,
  capabilities: CapabilitiesView,
  doctor: DoctorView,
  settings: SettingsView,
};
