// A scripted agent behind the bridge's interface: for tests, and for `npm run dev` in a normal browser. Never shipped.
// It keeps a log of what it was asked, answers like the real one, and plays invites and transfers out on timers whose
// pace can be set (0: only what a test tells it to).
import type { Bridge } from "../bridge";
import type {
  Answer, Ask, Background, Contrast, Desktop, Drop, ErrorCode, Failure, Go, LendTerms, News, Offer, Pasted, Picked, PostTerms,
  QuestionRow, SettingsRow, StatusRow, When, WindowNews,
} from "../words";
import { Keeping } from "./later";
import { ME, NOON, item, session, shortId } from "./rows";
import { BAD, type Scene } from "./scenes";
import { Shelf } from "./shelf";
import { Wallet } from "./wallet";

export interface FakeOptions { scene: Scene; language?: string | null; pace?: number }

type Tell<T> = (payload: T) => void;

export class FakeAgent implements Bridge {
  /** Everything that was asked, newest last. */
  readonly asked: Ask[] = [];
  readonly copied: string[] = [];
  readonly dragged: string[] = [];
  link: string | null = null;
  pasted: Pasted = { text: "pasted text" };
  picked: Picked[] = [
    { token: "t1", name: "Slides for Monday.pdf", bytes: 2_400_000, folder: false },
    { token: "t2", name: "Pictures", bytes: null, folder: true },
  ];
  private watcher: Tell<WindowNews> | null = null;
  private readonly drops: Tell<Drop>[] = [];
  private readonly offers: Tell<Offer>[] = [];
  private readonly links: Tell<void>[] = [];
  private readonly goes: Tell<Go>[] = [];
  private readonly scene: Scene;
  private readonly shelf: Shelf;
  readonly wallet: Wallet;
  readonly keeping: Keeping;
  /** What the person says when the shell asks before something is lent. */
  says = true;
  /** Questions that were told and not yet taken back. */
  private readonly questions = new Map<string, QuestionRow>();
  private lent: NonNullable<Scene["lent"]>;
  private readonly pace: number;
  /** The invite that was begun last. */
  lastInvite = "";
  private count = 0;
  private settingsRow: SettingsRow = {
    inbox: "/home/sam/hither", allow_tls12: false, notifications: true,
    interfaces: { include: [], exclude: ["docker0"], virtual: false },
    organisation: false, card_bound: false, modules: [], stale_crl: false, bluetooth: true, near_only: false,
  };

  constructor(private readonly options: FakeOptions) {
    this.scene = options.scene;
    this.lent = options.scene.lent ?? { exposed: [], forwarding: [] };
    this.shelf = new Shelf(options.scene.shelf ?? "full", BAD);
    this.wallet = new Wallet(options.scene.cards ?? "none", BAD);
    this.keeping = new Keeping(options.scene.later);
    if (options.scene.refuse) this.shelf.take(options.scene.refuse);
    this.pace = options.pace ?? 700;
  }

  // ---- for tests ----------------------------------------------------------------------------------------------------

  tell(news: WindowNews): void {
    if (news.event === "question") {
      const { event: _, ...row } = news;
      this.questions.set(row.id, row);
    } else if (news.event === "question-gone") this.questions.delete(news.id);
    this.watcher?.(news);
  }
  drop(drop: Drop): void {
    for (const tell of this.drops) tell(drop);
  }
  offer(offer: Offer): void {
    for (const tell of this.offers) tell(offer);
  }
  go(go: Go): void {
    for (const tell of this.goes) tell(go);
  }
  arrive(url: string): void {
    this.link = url;
    for (const tell of this.links) tell();
  }

  private later(steps: number, news: News): void {
    if (this.pace > 0) setTimeout(() => this.tell(news), steps * this.pace);
  }

  // ---- the bridge ---------------------------------------------------------------------------------------------------

  async proximity(ask: Ask): Promise<Answer> {
    return this.answer(ask);
  }
  async certificates(ask: Ask): Promise<Answer> {
    return this.answer(ask);
  }
  async settings(ask: Ask): Promise<Answer> {
    return this.answer(ask);
  }
  async startAgent(): Promise<void> {
    this.tell({ event: "agent-back" });
    this.tell(this.scene.snapshot);
  }
  async watch(tell: Tell<WindowNews>): Promise<void> {
    this.watcher = tell;
    if (this.scene.dead) {
      tell({ event: "agent-lost", failure: fail("NoAgent", "no agent is running"), retrying: false });
      return;
    }
    tell(this.scene.snapshot);
    for (const news of this.scene.then ?? []) this.tell(news);
  }
  async sendPicked(to: string, tokens: string[]): Promise<Answer> {
    this.asked.push({ ask: "send", peer: to, paths: tokens });
    if (this.scene.broken) throw fail("Unreachable", "no way to the other device");
    const transfer = shortId(`sent ${(this.count += 1)}`);
    const row = this.scene.snapshot.sessions.find((one) => one.peer === to);
    this.tell({
      event: "transfer", transfer, peer: to, name: row?.name ?? "somebody", direction: "out", state: "offered",
      title: this.picked[0]?.name ?? "something", done: 0, total: 2_400_000, items_done: 0, items: tokens.length,
      receipt: false, at: NOON,
    });
    return { answer: "offered", transfer, items: tokens.length, bytes: 2_400_000, skipped: [] };
  }
  async postPicked(to: string[], tokens: string[], terms: PostTerms): Promise<Answer> {
    this.asked.push({ ask: "outbox", outbox: "post", to, paths: tokens, ...terms });
    if (this.scene.broken) throw fail("Unreachable", "no way to the other device");
    const title = this.picked.find((one) => one.token === tokens[0])?.name ?? "something";
    const nameOf = (peer: string) => this.scene.snapshot.peers.find((row) => row.peer === peer)?.name ?? "somebody";
    return this.keeping.post(to, title, tokens.length, terms, nameOf);
  }
  async lend({ peer, name, port, lasts, seconds }: LendTerms): Promise<Answer | null> {
    if (!this.says) return null;
    const target = `127.0.0.1:${port}`;
    this.asked.push({ ask: "expose", name, target, to: [peer], lasts, seconds: seconds ?? null });
    const who = this.scene.snapshot.sessions.find((row) => row.peer === peer)?.name ?? "somebody";
    const row = { name, target, open: 0, served: 0, to: [{ peer, name: who, lasts, until: null, open: 0 }] };
    this.lent = { ...this.lent, exposed: [...this.lent.exposed, row] };
    this.tell({ event: "exposed", ...row });
    return { answer: "lent", ...this.lent };
  }
  async background(): Promise<Background> {
    return this.keeping.background;
  }
  async setBackground(when: When): Promise<Background> {
    return this.keeping.set(when);
  }
  async pick(kind: "files" | "folder"): Promise<Picked[]> {
    return this.picked.filter((one) => one.folder === (kind === "folder"));
  }
  async paste(): Promise<Pasted> {
    return this.pasted;
  }
  async openKept(): Promise<void> {}
  async showKept(): Promise<void> {}
  async dragKept(transfer: string): Promise<void> {
    this.dragged.push(transfer);
  }
  async desktop(): Promise<Desktop> {
    const prefers = (what: string) => matchMedia(`(prefers-${what})`).matches;
    const contrast: Contrast = prefers("contrast: more") ? "more" : "normal";
    return {
      chosen_language: this.options.language ?? null, languages: [navigator.language], scale: devicePixelRatio,
      dark: prefers("color-scheme: dark"), contrast, reduced_motion: prefers("reduced-motion: reduce"), tray: true,
      autostart: false, version: "0.1.0",
    };
  }
  async setAutostart(): Promise<void> {}
  async setLanguage(): Promise<void> {}
  async ready(): Promise<void> {}
  async copyText(text: string): Promise<void> {
    this.copied.push(text);
  }
  async saveText(): Promise<boolean> {
    return true;
  }
  async takeLink(): Promise<{ url: string } | null> {
    const url = this.link;
    this.link = null;
    return url === null ? null : { url };
  }
  onDrop = (tell: Tell<Drop>) => subscribe(this.drops, tell);
  onOffer = (tell: Tell<Offer>) => subscribe(this.offers, tell);
  onLink = (tell: Tell<void>) => subscribe(this.links, tell);
  onGo = (tell: Tell<Go>) => subscribe(this.goes, tell);
  onDesktop = async () => () => undefined;

  // ---- answers ------------------------------------------------------------------------------------------------------

  private answer(ask: Ask): Answer {
    this.asked.push(ask);
    if (this.scene.broken) throw fail("Unreachable", "no way to the other device");
    const kept = this.shelf.answer(ask, (news) => this.tell(news));
    if (kept) return this.withRadio(kept);
    const granted = this.shelf.rights().some((row) => row.name === "sharedUserCertificates" && row.granted);
    const proven = this.wallet.answer(ask, (news) => this.tell(news), this.questions, granted);
    if (proven) return proven;
    const later = this.keeping.answer(ask, (news) => this.tell(news));
    if (later) return later;
    const { snapshot } = this.scene;
    switch (ask.ask) {
      case "status":
        return { answer: "status", status: this.status() };
      case "near":
        return { answer: "peers", rows: snapshot.peers };
      case "inbox":
        return { answer: "questions", rows: snapshot.questions };
      case "sessions":
      case "session":
        return { answer: "sessions", rows: snapshot.sessions };
      case "transfers":
      case "transfer":
        return { answer: "transfers", rows: snapshot.transfers };
      case "items": {
        const total = 10_000;
        const rows = Array.from({ length: Math.max(0, Math.min(ask.limit, total - ask.after)) }, (_, at) => item(ask.after + at));
        return { answer: "items", rows, total };
      }
      case "messages":
        return { answer: "messages", rows: this.scene.messages.filter((row) => !ask.session || row.peer === ask.session) };
      case "settings":
        return { answer: "settings", settings: this.settingsRow };
      case "lent":
        return { answer: "lent", ...this.lent };
      default:
        return this.deed(ask);
    }
  }

  /** The doctor's line about Bluetooth says what this scene's radio does. */
  private withRadio(answer: Answer): Answer {
    const radio = this.scene.radio;
    if (answer.answer !== "checks" || !radio) return answer;
    const [detail = "", fix = ""] = radio.split(": ");
    return { ...answer, rows: answer.rows.map((row) => (row.name === "bluetooth" ? { ...row, state: "warn" as const, detail, fix } : row)) };
  }

  private deed(ask: Ask): Answer {
    switch (ask.ask) {
      case "set-visibility": {
        const name = ask.name ?? this.scene.snapshot.me.name;
        this.tell({ event: "me", peer: ME, name, visibility: ask.visibility, until: ask.seconds ? NOON + ask.seconds : null });
        return { answer: "done" };
      }
      case "invite":
      case "open-link": {
        const invite = (this.lastInvite = shortId(`invite ${(this.count += 1)}`));
        const peer = ask.ask === "invite" ? ask.peer : shortId("advert marek");
        this.later(1, { event: "invite-sent", invite, peer });
        this.later(3, { event: "code", invite, code: "482917" });
        return { answer: "inviting", invite };
      }
      case "confirm-code":
        if (ask.same) this.connect(ask.invite, 2);
        else this.later(0, { event: "invite-ended", invite: ask.invite, failure: fail("Canceled", "the codes differ") });
        return { answer: "done" };
      case "withdraw":
        this.later(0, { event: "invite-ended", invite: ask.invite, failure: fail("Canceled", "taken back") });
        return { answer: "done" };
      case "unexpose":
        this.lent = { ...this.lent, exposed: this.lent.exposed.filter((row) => row.name !== ask.name) };
        this.tell({ event: "unexposed", name: ask.name, why: "taken back" });
        return { answer: "done" };
      case "forward": {
        const peer_name = this.scene.snapshot.sessions.find((row) => row.peer === ask.peer)?.name ?? "somebody";
        const row = { name: ask.name, peer: ask.peer, peer_name, bind: "127.0.0.1:34567", open: 0, served: 0, trouble: null };
        this.lent = { ...this.lent, forwarding: [...this.lent.forwarding, row] };
        this.tell({ event: "forwarding", ...row });
        return { answer: "lent", ...this.lent };
      }
      case "unforward":
        this.lent = { ...this.lent, forwarding: this.lent.forwarding.filter((row) => row.bind !== ask.what) };
        this.tell({ event: "forwarding-ended", name: "", peer: "", bind: ask.what, why: "stopped" });
        return { answer: "done" };
      case "accept":
      case "decline":
        this.tell({ event: "question-gone", id: ask.question, why: ask.ask === "accept" ? "accepted" : "declined" });
        return { answer: "answered", question: ask.question };
      case "say":
        return this.said(ask.to, ask.text);
      case "pause":
      case "resume":
      case "cancel": {
        const row = this.scene.snapshot.transfers.find((one) => one.transfer === ask.transfer);
        const state = { pause: "paused", resume: "moving", cancel: "dropped" } as const;
        if (row) this.tell({ event: "transfer", ...row, state: state[ask.ask] });
        return { answer: "done" };
      }
      case "set":
        this.settingsRow = { ...this.settingsRow, ...(ask.change as Partial<SettingsRow>) };
        return { answer: "done" };
      default:
        return { answer: "done" };
    }
  }

  private connect(invite: string, steps: number): void {
    const row = session("Marek’s laptop", { opened: NOON });
    this.later(steps, { event: "session", ...row });
    this.later(steps, { event: "accepted", invite, session: row.session, peer: row.peer, verified: "code" });
  }

  private said(to: string, text: string): Answer {
    const row = this.scene.snapshot.sessions.find((one) => one.peer === to || one.session === to) ?? session("Marek’s laptop");
    const number = 100 + (this.count += 1);
    const common = { session: row.session, peer: row.peer, name: row.name, direction: "out" as const, text };
    this.tell({ event: "message", ...common, delivered: false, at: NOON, number });
    this.later(1, { event: "message-delivered", session: row.session, number });
    return { answer: "said", session: row.session, number };
  }

  private status(): StatusRow {
    const { me, sessions, transfers, peers, questions } = this.scene.snapshot;
    return {
      version: "0.1.0", state: "serving", peer: ME, name: me.name, visibility: me.visibility, until: me.until ?? null,
      listen: ["[::]:41641"], media: { mdns: "on", ble: this.settingsRow.bluetooth ? (this.scene.radio ?? "on") : "off" }, desktop: { notifications: "on", sleep: "on" },
      capabilities: this.shelf.rights(), sessions, transfers, questions: questions.length, near: peers.length,
      ...this.lent, inbox: this.settingsRow.inbox,
    };
  }
}

const fail = (code: ErrorCode, message: string): Failure => ({ code, message });

async function subscribe<T>(list: Tell<T>[], tell: Tell<T>): Promise<() => void> {
  list.push(tell);
  return () => void list.splice(list.indexOf(tell), 1);
}
