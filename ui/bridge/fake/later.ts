// What the scripted agent keeps for later and for others: the outbox, grants, sockets held for programs, when it runs. It
// changes when it is asked to.
import type { Answer, Ask, Background, GrantRow, HeldRow, News, OutboxRow, PostTerms, When } from "../words";
import { NOON, peerId, shortId } from "./rows";

const DAY = 86_400;

const entry = (title: string, who: string, more: Partial<OutboxRow>): OutboxRow => ({
  entry: shortId(`entry ${title}`, 16), peer: peerId(who), name: who, title, state: "waiting", waits: "device", priority: "default",
  cost: "default", at: NOON - 4000, expires: NOON + 5 * DAY, ...more,
});

export const OUTBOX: OutboxRow[] = [
  entry("Slides for Monday.pdf and 2 more", "김서연", {}),
  entry("Raw footage", "Workshop NAS", { waits: "unmetered", cost: "unrestricted", priority: "low", at: NOON - 90_000 }),
  entry("Keys to the cabin.pdf", "Marek’s laptop", { waits: "word", why: "the other person declined", at: NOON - 9000 }),
  entry("Album.zip", "Ana", { waits: "person", priority: "high", at: NOON - 60, expires: NOON + 7000 }),
  entry("thesis.tar.gz", "Marek’s laptop", { state: "failed", waits: null, why: "the disk is full there", at: NOON - 200_000 }),
  entry("Invitation.odt", "Nobody you know", { state: "expired", waits: null, at: NOON - 9 * DAY, expires: NOON - 2 * DAY }),
];

const grant = (seed: string, who: string, more: Partial<GrantRow>): GrantRow =>
  ({ grant: shortId(`grant ${seed}`, 16), peer: peerId(who), name: who, used: 0, at: NOON - DAY, usable: true, allows: "files", ...more }) as GrantRow;

export const GRANTS: GrantRow[] = [
  grant("1", "Ana", { allows: "files", bytes: 2_000_000_000, to: "/home/sam/Inbox", used: 740_000_000, until: NOON + 4 * DAY, network: "Home" }),
  grant("2", "김서연", { allows: "service", service: "ssh", times: 2, used: 1, until: NOON + 2 * DAY }),
  grant("3", "Workshop NAS", { allows: "files", bytes: null, used: 31_000_000, network: "Workshop", usable: false }),
  grant("4", "Ana", { allows: "files", bytes: 100_000_000, used: 100_000_000, until: NOON + DAY, usable: false, over: "used", at: NOON - 3 * DAY }),
];

export const HELD: HeldRow[] = [
  { task: "org.example.chat", id: "inbox", kind: "listener", local: "127.0.0.1:7001", context: 12, at: NOON - 90_000, woken: 4 },
  { task: "org.example.sync", id: "peer-3", kind: "stream", local: "192.0.2.4:50112", remote: "192.0.2.17:7100", context: 40, at: NOON - 700, woken: 0, why: "the program ended with 1" },
];

export interface Later { outbox?: OutboxRow[]; grants?: GrantRow[]; held?: HeldRow[]; background?: Background }

export class Keeping {
  private outbox: OutboxRow[];
  private grants: GrantRow[];
  private readonly held: HeldRow[];
  background: Background;
  private count = 0;

  constructor(later: Later = {}) {
    this.outbox = later.outbox ?? [];
    this.grants = later.grants ?? [];
    this.held = later.held ?? [];
    this.background = later.background ?? { when: "always", by: "systemd" };
  }

  set(when: When): Background {
    return (this.background = { ...this.background, when });
  }

  post(to: readonly string[], title: string, items: number, terms: PostTerms, name: (peer: string) => string): Answer {
    const rows = to.map((peer) => entry(items > 1 ? `${title} and ${items - 1} more` : title, name(peer), {
      entry: shortId(`posted ${(this.count += 1)}`, 16), peer, priority: terms.priority ?? "default", cost: terms.cost ?? "default",
      at: NOON, expires: NOON + (terms.seconds ?? 7 * DAY),
    }));
    this.outbox = [...this.outbox, ...rows];
    return { answer: "outbox", rows, groups: [] };
  }

  /** The answer, if it is about something kept here. */
  answer(ask: Ask, tell: (news: News) => void): Answer | null {
    switch (ask.ask) {
      case "outbox":
        return this.asked(ask, tell);
      case "held":
        return { answer: "held", rows: this.held };
      case "grant": {
        if (ask.grant === "give") {
          const { ask: _, grant: __, peer, here, ...allows } = ask;
          const row = { ...grant(`given ${(this.count += 1)}`, "Ana", { at: NOON, network: here ? "Home" : null }), ...allows, peer } as GrantRow;
          this.grants = [...this.grants, row];
          tell({ event: "grant", ...row });
          return { answer: "grants", rows: [row] };
        }
        if (ask.grant === "revoke") {
          const row = this.grants.find((one) => one.grant === ask.id);
          if (row) tell({ event: "grant", ...row, over: "revoked", usable: false });
          return { answer: "grants", rows: row ? [row] : [] };
        }
        return { answer: "grants", rows: this.grants };
      }
      default:
        return null;
    }
  }

  private asked(ask: Extract<Ask, { ask: "outbox" }>, tell: (news: News) => void): Answer {
    const over = (row: OutboxRow) => row.state === "failed" || row.state === "expired" || row.state === "sent";
    if (ask.outbox === "change") {
      const { priority, cost, held, seconds } = ask;
      const changed = this.outbox.filter((row) => row.entry === ask.entry).map((row): OutboxRow => ({
        ...row, priority: priority ?? row.priority, cost: cost ?? row.cost, expires: seconds == null ? row.expires : NOON + seconds,
        ...(held == null ? {} : { state: "waiting", waits: held ? "word" : "device", why: null }),
      }));
      this.outbox = this.outbox.map((row) => changed.find((one) => one.entry === row.entry) ?? row);
      for (const row of changed) tell({ event: "outbox", ...row });
      return { answer: "outbox", rows: changed, groups: [] };
    }
    const gone = ask.outbox === "tidy" ? this.outbox.filter(over) : ask.outbox === "withdraw" ? this.outbox.filter((row) => row.entry === ask.entry) : [];
    this.outbox = this.outbox.filter((row) => !gone.includes(row));
    for (const row of gone) tell({ event: "outbox-gone", id: row.entry });
    return { answer: "outbox", rows: this.outbox, groups: [] };
  }
}
