// What a grant allows, in one sentence; how much of it is used; what a person can choose. Pure.
import type { GrantRow, GrantTerms, Picked } from "~/bridge/words";
import { bytes, ending } from "~/text/figures";
import { shown } from "~/text/shown";
import { t } from "~/text/text.svelte";

const GB = 1_000_000_000;
const DAY = 86_400;

/** Sizes that can be chosen; `all` has no limit. */
export const SIZES = { "100m": GB / 10, "1g": GB, "2g": 2 * GB, "10g": 10 * GB, "100g": 100 * GB, all: null } as const;
/** How long, in seconds; `ever` has no end. */
export const SPANS = { day: DAY, week: 7 * DAY, month: 30 * DAY, ever: null } as const;
export type Size = keyof typeof SIZES;
export type Span = keyof typeof SPANS;
export interface Chosen { size: Size; span: Span; here: boolean }

/** What stands there before anything is chosen: little, for a while, on this network. */
export const CAREFUL: Chosen = { size: "1g", span: "week", here: true };

/** The choice as it is asked for. `now` in milliseconds; `place`: another folder than the usual one. */
export function termsOf(chosen: Chosen, place: Picked | null, now: number): GrantTerms {
  const span = SPANS[chosen.span];
  const [size, until] = [SIZES[chosen.size], span === null ? null : Math.floor(now / 1000) + span];
  return { allows: "files", bytes: size, to: place?.token ?? null, until, here: chosen.here };
}

interface Said { name: string; now: number; tag: string; folder?: string | null; network?: string | null }

/** One sentence that says all that is allowed. */
export function sentence(terms: GrantTerms, { name, now, tag, folder = null, network = null }: Said): string {
  const net = !terms.here ? t("grant.net.any") : network === null ? t("grant.net.here") : t("grant.net.named", { network: shown(network, 40) });
  const until = terms.until == null ? t("grant.until.ever") : t("grant.until.time", { time: ending(terms.until, now, tag) });
  const who = shown(name, 60);
  if (terms.allows === "service") {
    const times = terms.times == null ? t("grant.times.all") : t("grant.times", { count: terms.times });
    return t("grant.service", { name: who, service: shown(terms.service, 40), times, net, until });
  }
  const much = terms.bytes == null ? t("grant.much.all") : t("grant.upTo", { size: bytes(terms.bytes, tag) });
  const where = folder === null ? t("grant.inbox") : t("grant.folder", { folder: shown(folder, 60) });
  return t("grant.files", { name: who, much, where, net, until });
}

/** The last part of a path. */
const last = (path: string): string => path.replace(/\/+$/, "").split("/").at(-1) || path;

export function rowSentence(row: GrantRow, now: number, tag: string): string {
  const { grant: _, peer, name, used, at, network, usable, over, ...allows } = row;
  void [peer, used, at, usable, over];
  const folder = row.allows === "files" && row.to != null ? last(row.to) : null;
  return sentence({ ...allows, here: network != null }, { name, now, tag, folder, network: network ?? null });
}

/** How much is used, of how much; and the share of it, where there is a limit. */
export function usedOf(row: GrantRow, tag: string): { says: string; done: number; total: number | null } {
  const { used } = row;
  if (row.allows === "service") {
    const says = row.times == null ? t("grant.used.some", { used }) : t("grant.used.times", { used, all: row.times });
    return { says, done: used, total: row.times ?? null };
  }
  if (row.bytes == null) return { says: t("grant.used.only", { used: bytes(used, tag) }), done: used, total: null };
  return { says: t("grant.used", { used: bytes(used, tag), all: bytes(row.bytes, tag) }), done: used, total: row.bytes };
}

/** Good ones first, newest first. */
export const grantList = (rows: Iterable<GrantRow>, peer: string | null = null): GrantRow[] =>
  [...rows]
    .filter((row) => peer === null || row.peer === peer)
    .sort((a, b) => Number(a.over != null) - Number(b.over != null) || b.at - a.at || (a.grant < b.grant ? -1 : 1));
