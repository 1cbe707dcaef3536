// Pictures derived from the world: what lists show, in which order. Pure.
import type { MessageRow, Nearness, PeerRow, QuestionRow, SessionRow, TransferRow, Trust } from "~/bridge/words";
import { isOver } from "./reduce";
import type { OpenQuestion, World } from "./world";

const RANK: Record<Trust, number> = { verified: 0, known: 1, new: 2, changed: 3, blocked: 4 };
const folded = (text: string): string => text.normalize("NFKC").toLocaleLowerCase();

const CLOSE: Record<Nearness, number> = { touching: 0, near: 1, "in-range": 2 };
/** Of a device that no radio hears nothing is known: it stands with those in range. */
const close = (row: PeerRow): number => CLOSE[row.nearness ?? "in-range"];
/** Those not to be met by mistake stand at the end, however near they are. */
const doubtful = (row: PeerRow): number => Number(RANK[row.trust] > RANK.new);

/**
 * Devices in the order shown: connected, then those beside or near this one, then by trust, then by name. It follows the
 * words for nearness, which are steady, and never the strength of a signal.
 */
export function nearList(world: Pick<World, "peers" | "sessions">, query: string, tag: string): PeerRow[] {
  const wanted = folded(query.trim());
  const talking = new Set([...world.sessions.values()].map((row) => row.peer));
  const order = new Intl.Collator(tag, { numeric: true });
  return [...world.peers.values()]
    .filter((row) => wanted === "" || folded(row.name).includes(wanted))
    .sort((a, b) => {
      const first = Number(talking.has(b.peer)) - Number(talking.has(a.peer));
      return first || doubtful(a) - doubtful(b) || close(a) - close(b) || RANK[a.trust] - RANK[b.trust] || order.compare(a.name, b.name) || (a.peer < b.peer ? -1 : 1);
    });
}

/** The same rows, those that were shown before in the order they had, new ones after them: for a list being pointed at. */
export function held(rows: readonly PeerRow[], before: readonly string[]): PeerRow[] {
  const place = new Map(before.map((peer, at) => [peer, at]));
  const at = (row: PeerRow) => place.get(row.peer) ?? before.length;
  return rows.toSorted((a, b) => at(a) - at(b));
}

/** The session with a device: an open one, else one that ended while we watched. */
export function sessionWith(world: Pick<World, "sessions" | "ended">, peer: string): SessionRow | null {
  for (const row of world.sessions.values()) if (row.peer === peer) return row;
  return world.ended.get(peer) ?? null;
}

export const isLive = (row: SessionRow | null): boolean => row !== null && row.state !== "closed";

/** Whether nothing but Bluetooth joins the two. */
export const byRadio = (row: SessionRow): boolean => row.route === "bluetooth";

/** Whether a web server stands in between. */
export const byWeb = (row: SessionRow): boolean => row.route === "websocket";

/** Questions in the order they lapse. */
export function questionList(world: Pick<World, "questions">): OpenQuestion[] {
  return [...world.questions.values()].sort((a, b) => a.until - b.until);
}

/** Whether a question comes of what the person here does: a PIN, a certificate to choose, a card to insert. */
export const isOwn = (row: QuestionRow): boolean =>
  row.kind === "pin" || row.kind === "choose-certificate" || row.kind === "insert-card";

export type TransferFilter = "all" | "active" | "finished" | "failed";

export const hasTrouble = (row: TransferRow): boolean => row.state === "dropped" || (row.failed?.length ?? 0) > 0;

/** Transfers: those under way first, then newest first. */
export function transferList(transfers: World["transfers"], filter: TransferFilter): TransferRow[] {
  const wanted: Record<TransferFilter, (row: TransferRow) => boolean> = {
    all: () => true,
    active: (row) => !isOver(row.state),
    finished: (row) => row.state === "kept" && !hasTrouble(row),
    failed: hasTrouble,
  };
  return [...transfers.values()]
    .filter(wanted[filter])
    .sort((a, b) => Number(isOver(a.state)) - Number(isOver(b.state)) || b.at - a.at);
}

export type Entry =
  | { is: "message"; at: number; key: string; message: MessageRow }
  | { is: "transfer"; at: number; key: string; transfer: TransferRow };

/** A conversation: messages and transfers by time. */
export function timeline(messages: readonly MessageRow[], transfers: World["transfers"], peer: string): Entry[] {
  const entries: Entry[] = messages.map((message) => ({
    is: "message", at: message.at, key: `m ${message.session} ${message.direction} ${message.number}`, message,
  }));
  for (const transfer of transfers.values()) {
    if (transfer.peer === peer) {
      entries.push({ is: "transfer", at: transfer.at, key: `t ${transfer.transfer}`, transfer });
    }
  }
  return entries.sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1));
}

/** What can be done with a transfer, in the order buttons stand. */
export type TransferDeed = "answer" | "pause" | "resume" | "retry" | "open" | "show" | "cancel";

export function deedsFor(row: TransferRow): TransferDeed[] {
  const incoming = row.direction === "in";
  switch (row.state) {
    case "offered":
      return incoming ? ["answer"] : ["cancel"];
    case "accepted":
    case "checking":
      return ["cancel"];
    case "moving":
      return ["pause", "cancel"];
    case "paused":
      return ["resume", "cancel"];
    case "kept":
      return [...(hasTrouble(row) ? (["retry"] as const) : []), ...(incoming ? (["open", "show"] as const) : [])];
    case "dropped":
      return [...(row.failed?.length ? (["retry"] as const) : []), ...(incoming && row.path ? (["show"] as const) : [])];
  }
}
