// What is said about links: which still work, how long, in which order. Pure; `now` in milliseconds.
import type { LinkRow } from "~/bridge/words";
import type { PlainKey } from "~/text/text.svelte";

const OVER = ["consumed", "expired", "revoked", "burned"] as const;
const ALL = ["made", "proven", "confirmed", ...OVER] as const;
export type LinkState = (typeof ALL)[number];

const known = (state: string): LinkState => ((ALL as readonly string[]).includes(state) ? (state as LinkState) : "expired");

/** Where a link stands now: time may have passed since it was listed. */
export function stateOf(row: LinkRow, now: number): LinkState {
  const state = known(row.state);
  return (OVER as readonly string[]).includes(state) || row.expires * 1000 > now ? state : "expired";
}

export const isOut = (row: LinkRow, now: number): boolean => !(OVER as readonly string[]).includes(stateOf(row, now));

/** Those that work, the one that ends first on top; then the others, newest end first. */
export function linkLists(rows: readonly LinkRow[], now: number): { out: LinkRow[]; ended: LinkRow[] } {
  return {
    out: rows.filter((row) => isOut(row, now)).sort((a, b) => a.expires - b.expires),
    ended: rows.filter((row) => !isOut(row, now)).sort((a, b) => b.expires - a.expires),
  };
}

/** What is told when a link that is being shown ends; nothing when the person ended it. */
export function goneKey(state: LinkState): PlainKey | null {
  if (state === "consumed" || state === "expired" || state === "burned") return `links.gone.${state}`;
  return null;
}

/** Below this many seconds, time is told by a clock that runs; above, by the moment of the end. */
export const CLOCK_BELOW = 3600;
