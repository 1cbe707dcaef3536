// What a line of the history says to a person, how lines are found and grouped, and what goes into a file. Pure.
import type { HistoryRow } from "~/bridge/words";
import { alarmText } from "~/text/alarms";
import { bytes, day } from "~/text/figures";
import { shown } from "~/text/shown";
import { t, type PlainKey } from "~/text/text.svelte";
import { titleOf } from "../capabilities/rights";

export const KINDS = ["all", "met", "talk", "files", "refused", "changes", "alarm"] as const;
export type Kind = (typeof KINDS)[number];

const KIND_OF: Record<string, Kind> = {
  met: "met", session: "talk", sent: "files", received: "files", transfer: "files", invite: "refused", declined: "refused",
  trust: "changes", capability: "changes", alarm: "alarm",
};

export const kindOf = (row: HistoryRow): Kind => (Object.hasOwn(KIND_OF, row.what) ? KIND_OF[row.what]! : "all");

export interface Story {
  /** A sentence. */
  says: string;
  /** What it is about: a file's name, how somebody was proven, a warning's words. */
  about: string | null;
}

export function story(row: HistoryRow, tag: string): Story {
  const name = row.name ? shown(row.name, 60) : t("history.somebody");
  const plain = (key: "history.met", about: string | null = null): Story => ({ says: t(key, { name }), about });
  switch (row.what) {
    case "met":
      return plain("history.met", proven(row.detail));
    case "session":
      if (row.detail.startsWith("session opened")) return plain("history.opened" as "history.met", proven(row.detail));
      return plain((row.detail.startsWith("session closed") ? "history.closed" : "history.session") as "history.met");
    case "sent":
    case "received":
      return plain(`history.${row.what}` as "history.met", files(row.detail, tag));
    case "transfer":
    case "invite":
    case "declined":
      return plain(`history.${row.what}` as "history.met");
    case "trust":
      // Whose word counts about people: no device is meant.
      if (!row.peer) return { says: t("history.authority"), about: shown(row.detail) };
      return plain(trust(row.detail) as "history.met");
    case "capability": {
      const [what = "", change] = row.detail.split(" ");
      if (change !== "granted" && change !== "revoked") return { says: t("history.capability"), about: shown(row.detail) };
      return { says: t(`history.${change}`, { what: titleOf(what) }), about: null };
    }
    case "alarm":
      return { says: t("history.alarm"), about: alarmText(row.detail) };
    default:
      return { says: shown(row.detail, 200), about: row.name ? name : null };
  }
}

/** `…, verified: code` as a sentence. */
function proven(detail: string): string | null {
  const how = /verified: (code|link|stored|certificate|no)\b/.exec(detail)?.[1];
  return how ? t(`proven.${how}` as PlainKey) : null;
}

/** `Title, 4200000 bytes, receipt signed`: the title and its size. */
function files(detail: string, tag: string): string | null {
  const found = /^(.*), (\d{1,16}) bytes, receipt signed$/s.exec(detail);
  return found ? `${shown(found[1] ?? "", 120)} · ${bytes(Number(found[2]), tag)}` : null;
}

function trust(detail: string): PlainKey | "history.trust" {
  const to = /^(?:set by hand to )?(verified|known|blocked|forget)$/.exec(detail)?.[1];
  return to ? (`history.trust.${to}` as PlainKey) : "history.trust";
}

export interface Wanted { peer: string | null; kind: Kind; query: string }

/** Newest first, as the agent gives them. The search looks into what is shown and into the agent's words. */
export function chosen(rows: readonly HistoryRow[], wanted: Wanted, tag: string): HistoryRow[] {
  const words = wanted.query.trim().toLocaleLowerCase();
  return rows.filter((row) => {
    if (wanted.peer !== null && row.peer !== wanted.peer) return false;
    if (wanted.kind !== "all" && kindOf(row) !== wanted.kind) return false;
    if (words === "") return true;
    const told = story(row, tag);
    return [told.says, told.about ?? "", row.name ?? "", row.detail].some((text) => text.toLocaleLowerCase().includes(words));
  });
}

export type Entry =
  | { is: "day"; key: string; at: number }
  | { is: "row"; key: string; row: HistoryRow };

/** The lines with a heading wherever a day begins. */
export function byDay(rows: readonly HistoryRow[]): Entry[] {
  const entries: Entry[] = [];
  let last = Number.NaN;
  rows.forEach((row, at) => {
    const here = day(row.at);
    if (here !== last) entries.push({ is: "day", key: `day ${here} ${at}`, at: row.at });
    last = here;
    entries.push({ is: "row", key: `row ${row.at} ${at}`, row });
  });
  return entries;
}

/** Everybody in it, under the name they had last. */
export function peopleIn(rows: readonly HistoryRow[], tag: string): { peer: string; name: string }[] {
  const names = new Map<string, string>();
  for (const row of rows) if (row.peer && row.name && !names.has(row.peer)) names.set(row.peer, row.name);
  const collator = new Intl.Collator(tag, { sensitivity: "base", numeric: true });
  return [...names].map(([peer, name]) => ({ peer, name })).sort((a, b) => collator.compare(a.name, b.name));
}

/** Comma-separated lines. A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function table(rows: readonly HistoryRow[]): string {
  const cell = (text: string) => {
    const safe = shown(text, 2000);
    return `"${(/^[=+\-@\t]/.test(safe) ? `'${safe}` : safe).replace(/"/g, '""')}"`;
  };
  const line = (cells: string[]) => cells.map(cell).join(",");
  const time = (at: number) => {
    const date = new Date(at * 1000);
    return Number.isNaN(date.getTime()) ? String(at) : date.toISOString();
  };
  const body = rows.map((row) => line([time(row.at), row.what, row.name ?? "", row.peer ?? "", row.detail]));
  return [line(["time", "what", "name", "fingerprint", "detail"]), ...body].join("\r\n") + "\r\n";
}
