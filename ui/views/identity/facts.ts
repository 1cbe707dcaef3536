// What is said about a certificate and a fingerprint. Pure; times are arguments.
import type { TrustRow } from "~/bridge/words";

/** Days before its end from which a certificate is said to end soon. */
export const SOON_DAYS = 30;

/** Whole days until an RFC 3339 moment; negative when it has passed; `null` if it is not a moment. `now` in milliseconds. */
export function daysLeft(until: string, now: number): number | null {
  const end = Date.parse(until);
  return Number.isNaN(end) ? null : Math.floor((end - now) / 86_400_000);
}

/** `["a1b2", "c3d4", …]` */
export const groups = (hex: string): string[] => hex.match(/.{1,4}/g) ?? [];

/** A fingerprint as a reader must say it: sign by sign, with a pause after each group. */
export const spokenGroups = (hex: string): string => groups(hex).map((group) => [...group].join(" ")).join(", ");

const WEIGHT = { changed: 0, verified: 1, known: 2, new: 3, blocked: 4 } as const;

/** People by what is thought of them, then by name; `query` looks into names and beginnings of fingerprints. */
export function peopleList(rows: readonly TrustRow[], query: string, tag: string): TrustRow[] {
  const wanted = query.trim().toLocaleLowerCase();
  const fits = (row: TrustRow) =>
    wanted === "" || row.name.toLocaleLowerCase().includes(wanted) || row.peer.startsWith(wanted.replace(/\s/g, ""));
  const collator = new Intl.Collator(tag, { sensitivity: "base", numeric: true });
  return rows
    .filter(fits)
    .sort((a, b) => WEIGHT[a.trust] - WEIGHT[b.trust] || collator.compare(a.name, b.name) || (a.peer < b.peer ? -1 : 1));
}

/** Whether somebody can be marked as verified by hand: their key must have been proven once. */
export const canVerify = (row: TrustRow): boolean => row.verified !== "no";
