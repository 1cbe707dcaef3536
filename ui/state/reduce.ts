// From one picture of the world and some news to the next. Pure: `now` (milliseconds) is an argument, and slices that did
// not change keep their identity, so that the page redraws only what changed.
import type { MessageRow, TransferRow, TransferState, WindowNews } from "~/bridge/words";
import { type Alarm, type World, emptyWorld } from "./world";

type MapKey = { [K in keyof World]: World[K] extends ReadonlyMap<string, unknown> ? K : never }[keyof World];
type Writable<M> = M extends ReadonlyMap<infer K, infer V> ? Map<K, V> : never;

/** A world being changed: each map is copied once, when it is first written. */
class Draft {
  readonly world: World;
  private readonly own = new Set<MapKey>();

  constructor(from: World) {
    this.world = { ...from };
  }

  map<K extends MapKey>(key: K): Writable<World[K]> {
    if (!this.own.has(key)) {
      this.own.add(key);
      (this.world as Record<MapKey, unknown>)[key] = new Map(this.world[key] as ReadonlyMap<string, unknown>);
    }
    return this.world[key] as unknown as Writable<World[K]>;
  }
}

export function reduce(world: World, news: readonly WindowNews[], now: number): World {
  const draft = new Draft(world);
  for (const piece of news) apply(draft, piece, now);
  return draft.world;
}

/** States in which a transfer is over. */
export const isOver = (state: TransferState): boolean => state === "kept" || state === "dropped";

const RINGS = 20;

function apply(draft: Draft, news: WindowNews, now: number): void {
  switch (news.event) {
    case "snapshot":
      return snapshot(draft, news, now);
    case "me":
      draft.world.me = { peer: news.peer, name: news.name, visibility: news.visibility, until: news.until };
      return;
    case "peer-added":
    case "peer-updated": {
      const { event: _, ...row } = news;
      draft.map("peers").set(row.peer, row);
      return;
    }
    case "peer-removed":
      draft.map("peers").delete(news.peer);
      return;
    case "question": {
      const { event: _, ...row } = news;
      draft.map("questions").set(row.id, { row, until: now + row.expires * 1000 });
      return;
    }
    case "question-gone":
      draft.map("questions").delete(news.id);
      return;
    case "capability": {
      const { event: _, ...row } = news;
      draft.map("capabilities").set(row.name, row);
      return;
    }
    case "alarm": {
      const number = (draft.world.alarms.at(-1)?.number ?? 0) + 1;
      const alarm: Alarm = { number, message: news.message, peer: news.peer ?? null };
      draft.world.alarms = [...draft.world.alarms, alarm].slice(-RINGS);
      return;
    }
    case "identities":
      draft.world.identities += 1;
      return;
    case "exposed":
    case "unexposed":
    case "forwarding":
    case "forwarding-ended":
      draft.world.lending += 1;
      return;
    case "outbox": {
      const { event: _, ...row } = news;
      draft.map("outbox").set(row.entry, row);
      return;
    }
    case "outbox-gone":
      draft.map("outbox").delete(news.id);
      return;
    case "grant":
      draft.map("grants").set(news.grant, news);
      return;
    case "stopping":
      draft.world.agent = { is: "stopping" };
      return;
    case "agent-lost":
      draft.world.agent = { is: "lost", failure: news.failure, retrying: news.retrying };
      return;
    case "agent-back":
      draft.world.agent = { is: "here" };
      return;
    case "medium":
      draft.map("media").set(news.medium, news.state);
      return;
    case "show":
      return;
    default:
      return talk(draft, news) ?? move(draft, news);
  }
}

function snapshot(draft: Draft, news: WindowNews & { event: "snapshot" }, now: number): void {
  const { world } = draft;
  const fresh = emptyWorld();
  world.agent = { is: "here" };
  world.me = news.me;
  world.peers = new Map(news.peers.map((row) => [row.peer, row]));
  world.questions = new Map(news.questions.map((row) => [row.id, { row, until: now + row.expires * 1000 }]));
  world.sessions = new Map(news.sessions.map((row) => [row.session, row]));
  world.transfers = new Map(news.transfers.map((row) => [row.transfer, row]));
  world.speeds = fresh.speeds;
  world.media = fresh.media;
}

type Talk = Extract<WindowNews, {
  event: "invite-sent" | "invite-waiting" | "code" | "accepted" | "invite-ended" | "session" | "session-closed"
    | "message" | "message-delivered";
}>;
type Move = Extract<WindowNews, {
  event: "offered" | "transfer" | "progress" | "kept" | "item-failed" | "done" | "dropped";
}>;

/** Invites, sessions, messages. Gives `undefined` once done, so that `??` goes on for other news. */
function talk(draft: Draft, news: Talk | Move): void | undefined {
  switch (news.event) {
    case "invite-sent":
      draft.map("invites").set(news.invite, { is: "sent" });
      return;
    case "invite-waiting":
      draft.map("invites").set(news.invite, { is: "waiting" });
      return;
    case "code":
      draft.map("invites").set(news.invite, { is: "code", code: news.code });
      return;
    case "accepted":
      if (news.invite == null) return;
      draft.map("invites").set(news.invite, {
        is: "done", session: news.session, peer: news.peer, verified: news.verified,
      });
      return;
    case "invite-ended":
      draft.map("invites").set(news.invite, { is: "ended", failure: news.failure });
      return;
    case "session": {
      const { event: _, ...row } = news;
      if (row.state === "closed") return close(draft, row.session);
      draft.map("sessions").set(row.session, row);
      if (draft.world.ended.has(row.peer)) draft.map("ended").delete(row.peer);
      return;
    }
    case "session-closed":
      return close(draft, news.session);
    case "message": {
      const { event: _, ...row } = news;
      const before = draft.world.messages.get(row.peer) ?? [];
      const known = before.some((other) => sameMessage(other, row));
      draft.map("messages").set(row.peer, mergeMessages(before, [row]));
      if (!known && row.direction === "in" && draft.world.viewing !== row.peer) {
        draft.map("unread").set(row.peer, (draft.world.unread.get(row.peer) ?? 0) + 1);
      }
      return;
    }
    case "message-delivered":
      for (const [peer, rows] of draft.world.messages) {
        const at = rows.findIndex((row) => {
          return row.session === news.session && row.direction === "out" && row.number === news.number;
        });
        const row = rows[at];
        if (row) draft.map("messages").set(peer, rows.with(at, { ...row, delivered: true }));
      }
      return;
  }
}

function close(draft: Draft, session: string): void {
  const row = draft.world.sessions.get(session);
  if (!row) return;
  draft.map("sessions").delete(session);
  draft.map("ended").set(row.peer, { ...row, state: "closed" });
}

function move(draft: Draft, news: Talk | Move): void {
  switch (news.event) {
    case "transfer": {
      const { event: _, ...row } = news;
      draft.map("transfers").set(row.transfer, row);
      if (row.state !== "moving" && draft.world.speeds.has(row.transfer)) draft.map("speeds").delete(row.transfer);
      return;
    }
    case "progress":
      draft.map("speeds").set(news.transfer, {
        done: news.done, total: news.total, bytesPerSecond: news.bytes_per_s,
      });
      return;
    case "kept":
      return change(draft, news.transfer, (row) => {
        return { items_done: Math.min(row.items, row.items_done + news.items) };
      });
    case "item-failed":
      return change(draft, news.transfer, (row) => ({
        failed: [...(row.failed ?? []), { path: news.path, code: news.code, why: news.why }].slice(0, 1000),
      }));
    case "done":
      draft.map("speeds").delete(news.transfer);
      return change(draft, news.transfer, (row) => ({
        state: "kept", done: row.total, items_done: row.items, receipt: true, path: news.path ?? row.path,
      }));
    case "dropped":
      draft.map("speeds").delete(news.transfer);
      draft.map("reasons").set(news.transfer, news.failure.code);
      return change(draft, news.transfer, () => ({ state: "dropped", why: news.failure.message }));
    default:
      return;
  }
}

function change(draft: Draft, transfer: string, to: (row: TransferRow) => Partial<TransferRow>): void {
  const row = draft.world.transfers.get(transfer);
  if (row) draft.map("transfers").set(transfer, { ...row, ...to(row) });
}

const sameMessage = (a: MessageRow, b: MessageRow): boolean =>
  a.session === b.session && a.direction === b.direction && a.number === b.number;

/** Both lists in one, each message once (the later one counts), in order of time. */
export function mergeMessages(old: readonly MessageRow[], fresh: readonly MessageRow[]): MessageRow[] {
  const all = new Map<string, MessageRow>();
  for (const row of [...old, ...fresh]) all.set(`${row.session} ${row.direction} ${row.number}`, row);
  return [...all.values()].sort((a, b) => a.at - b.at || a.number - b.number);
}
