// What the scripted agent keeps besides its snapshot: links, people, capabilities, checks, history. It changes
// when it is asked to, so that a page can be used and not only looked at. Four fillings: full, bare, hostile, many.
import type { Answer, Ask, CapabilityRow, CheckRow, ErrorCode, Failure, HistoryRow, LinkRow, News, TrustRow } from "../words";
import { certified, unvouched } from "./cards";
import { CAPABILITIES, CHECKS, HISTORY, LINKS, NOON, TRUST, longHistory, peerId, shortId } from "./rows";

export type Filling = "full" | "bare" | "hostile" | "many";

const refuse = (code: ErrorCode, message: string): Failure => ({ code, message });

export class Shelf {
  private links: LinkRow[];
  private trust: TrustRow[];
  private capabilities: CapabilityRow[];
  private readonly checks: CheckRow[];
  private readonly history: HistoryRow[];

  constructor(filling: Filling, bad: readonly string[] = []) {
    const bare = filling === "bare";
    this.links = bare ? [] : LINKS;
    this.trust = bare ? [] : filling === "hostile" ? bad.map(stranger) : TRUST.map(proved);
    this.capabilities = CAPABILITIES;
    this.checks = bare
      ? CHECKS.map(({ fix: _, ...row }) => ({ ...row, state: "ok" as const }))
      : filling === "hostile"
        ? bad.map((text, at) => ({ name: at % 2 ? text : "firewall", state: at % 3 ? ("warn" as const) : ("fail" as const), detail: text, fix: text }))
        : CHECKS;
    this.history = bare ? [] : filling === "many" ? longHistory() : filling === "hostile" ? bad.map(strange) : HISTORY;
  }

  /** A capability is not granted to begin with. */
  take(name: string): void {
    this.capabilities = this.capabilities.map((row) => (row.name === name ? { ...row, granted: false } : row));
  }

  rights(): CapabilityRow[] {
    return this.capabilities;
  }

  /** The answer, if it is about something kept here. */
  answer(ask: Ask, tell: (news: News) => void): Answer | null {
    switch (ask.ask) {
      case "links":
        return { answer: "links", rows: this.links };
      case "make-link":
        return this.make(ask.expires ?? 600, ask.uses ?? 1);
      case "revoke-link":
        this.links = this.links.map((row) => (row.invite === ask.invite ? { ...row, state: "revoked" } : row));
        return { answer: "done" };
      case "export-certificate":
        return { answer: "certificate", pem: "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n" };
      case "trust-list":
        return { answer: "trust", rows: this.trust };
      case "trust-set":
        return this.judge(ask.peer, ask.to);
      case "capabilities":
        return { answer: "capabilities", rows: this.capabilities };
      case "set-capability": {
        const change = (row: CapabilityRow) =>
          row.name === ask.name ? { ...row, granted: ask.granted, used_by: ask.granted ? row.used_by : [] } : row;
        this.capabilities = this.capabilities.map(change);
        const row = this.capabilities.find((one) => one.name === ask.name);
        if (row) tell({ event: "capability", ...row });
        return { answer: "capabilities", rows: this.capabilities };
      }
      case "doctor":
        return { answer: "checks", rows: ask.peer ? [...this.checks, ...aboutPeer(ask.peer)] : this.checks };
      case "history":
        return { answer: "history", rows: this.history.slice(0, ask.limit) };
      default:
        return null;
    }
  }

  private make(seconds: number, uses: number): Answer {
    const invite = shortId(`made ${this.links.length}`);
    const expires = NOON + seconds;
    this.links = [...this.links, { invite, expires, uses_left: uses, state: "made" }];
    return { answer: "link", invite, url: `hither://i/1/${invite}?a=192.0.2.4:41641&a=198.51.100.7:41641#${shortId("secret", 43)}`, expires };
  }

  private judge(peer: string, to: "verified" | "known" | "blocked" | "forget"): Answer {
    const row = this.trust.find((one) => one.peer === peer);
    if (!row) throw refuse("UnknownId", "there is no such device");
    if (to === "verified" && row.verified === "no") throw refuse("Misuse", "never met with a code or a link");
    if (to === "forget") this.trust = this.trust.filter((one) => one.peer !== peer);
    else this.trust = this.trust.map((one) => (one.peer === peer ? { ...one, trust: to } : one));
    return { answer: "done" };
  }
}

const aboutPeer = (peer: string): CheckRow[] =>
  peer === peerId("Workshop NAS")
    ? [
        { name: "peer", state: "ok", detail: "Workshop NAS can be tried at 192.0.2.40:41641" },
        { name: "reachable", state: "fail", detail: "Workshop NAS does not reach our port: timed out", fix: "allow the listening port in this machine's firewall, see the line about it" },
      ]
    : [{ name: "peer", state: "ok", detail: "it can be tried at 192.0.2.17:41641" }];

/** Two of the people showed a certificate when they were met. */
const proved = (row: TrustRow): TrustRow => {
  if (row.name === "Ana") return { ...row, certified: certified("Ana Silva") };
  return row.name === "Workshop NAS" ? { ...row, certified: unvouched("Workshop") } : row;
};

const stranger = (name: string, at: number): TrustRow => ({
  peer: peerId(`bad ${at}`), name, trust: at % 2 ? "known" : "verified", verified: at % 2 ? "no" : "code", since: NOON - at * 90_000,
  last_seen: NOON - at * 60, always: at % 3 === 0,
  certified: at % 2 ? certified(name, { authority: name }) : unvouched(name, name),
});

const WHATS = ["met", "session", "received", "transfer", "invite", "trust", "capability", "alarm", "toString", "sent"];
const strange = (text: string, at: number): HistoryRow => ({
  at: NOON - at * 20_000, what: WHATS[at % WHATS.length]!, peer: peerId(`bad ${at}`), name: text, detail: text,
});
