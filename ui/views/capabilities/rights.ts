// What is said about a capability: its words by name, what uses it, and what ends with it. Pure.
import type { CapabilityRow } from "~/bridge/words";
import { shown } from "~/text/shown";
import { t } from "~/text/text.svelte";

const KNOWN = [
  "proximity", "internetClient", "internetClientServer", "privateNetworkClientServer", "enterpriseAuthentication",
  "sharedUserCertificates",
] as const;
type Known = (typeof KNOWN)[number];

const isKnown = (name: string): name is Known => (KNOWN as readonly string[]).includes(name);

/** Its title in the person's language; the name itself when a newer agent has one that is not known here. */
export const titleOf = (name: string): string => (isKnown(name) ? t(`may.${name}`) : shown(name, 60));

export const bodyOf = (row: CapabilityRow): string => (isKnown(row.name) ? t(`may.${row.name}.body`) : shown(row.allows, 300));

/** The agent's word for a user of a capability, in the person's language. */
export function userText(user: string): string {
  if (user === "discovery") return t("may.user.discovery");
  if (user === "listener") return t("may.user.listener");
  const card = /^the card "(.*)"$/s.exec(user);
  if (card) return t("may.user.card", { token: shown(card[1] ?? "", 40) });
  const session = /^session with (.*)$/s.exec(user);
  return session ? t("may.user.session", { name: shown(session[1] ?? "", 40) }) : shown(user, 60);
}

export const usersText = (users: readonly string[]): string => users.map(userText).join(", ");

/** The rows as they were listed, with what news told since. */
export function merged(rows: readonly CapabilityRow[], news: ReadonlyMap<string, CapabilityRow>): CapabilityRow[] {
  return rows.map((row) => news.get(row.name) ?? row);
}

/** Whether taking it away ends something, so that it is asked first. */
export const endsSomething = (row: CapabilityRow): boolean => row.name === "proximity" || row.used_by.length > 0;
