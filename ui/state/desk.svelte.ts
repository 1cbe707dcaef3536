// The page's one store. It is fed by a snapshot and news, keeps no truth of its own, and is the place where views find the
// bridge. Slices are derived fields: a view that reads `desk.peers` is redrawn when peers change, and only then.
import { createContext, untrack } from "svelte";
import type { Bridge } from "~/bridge/bridge";
import { failureOf } from "~/bridge/bridge";
import type { Answer, Desktop, ErrorCode, Failure, Picked, PostTerms, QuestionRow, WindowNews } from "~/bridge/words";
import { known } from "~/text/plainly";
import { shown } from "~/text/shown";
import { languageFor, setLanguage, t, type Language } from "~/text/text.svelte";
import { Invitation, type Target } from "./invitation.svelte";
import { isOwn, questionList, sessionWith } from "./pictures";
import { reduce } from "./reduce";
import { router } from "./route.svelte";
import { toasts } from "./toasts.svelte";
import { emptyWorld } from "./world";

/** What is open above the views. Questions have their own place and need no entry here. */
export type Sheet =
  | { is: "invite"; invitation: Invitation }
  | { is: "link"; url: string }
  | { is: "send"; picked: readonly Picked[] }
  | { is: "post"; picked: readonly Picked[]; to: readonly Target[] }
  | { is: "items"; transfer: string }
  | { is: "visible" }
  | { is: "keys" };

export class Desk {
  private world = $state.raw(emptyWorld());
  readonly agent = $derived(this.world.agent);
  readonly me = $derived(this.world.me);
  readonly peers = $derived(this.world.peers);
  readonly questions = $derived(this.world.questions);
  readonly sessions = $derived(this.world.sessions);
  readonly ended = $derived(this.world.ended);
  readonly transfers = $derived(this.world.transfers);
  readonly speeds = $derived(this.world.speeds);
  readonly reasons = $derived(this.world.reasons);
  readonly invites = $derived(this.world.invites);
  readonly messages = $derived(this.world.messages);
  readonly unread = $derived(this.world.unread);
  readonly media = $derived(this.world.media);
  readonly capabilities = $derived(this.world.capabilities);
  readonly alarms = $derived(this.world.alarms);
  readonly identities = $derived(this.world.identities);
  readonly lending = $derived(this.world.lending);
  readonly outbox = $derived(this.world.outbox);
  readonly grants = $derived(this.world.grants);
  /** Why what is to be sent, or what is allowed, could not be listed. */
  unlisted = $state.raw<{ outbox: Failure | null; grants: Failure | null }>({ outbox: null, grants: null });

  /** Milliseconds since 1970, once a second: for countdowns. */
  now = $state(0);
  desktop = $state.raw<Desktop | null>(null);
  sheet = $state.raw<Sheet | null>(null);
  /** Questions the person put off; they stay open until they lapse. */
  private putOff = $state.raw<ReadonlySet<string>>(new Set());
  /** Questions that got a yes for which a card has to be unlocked yet: they are not asked a second time meanwhile. */
  private answered = $state.raw<ReadonlySet<string>>(new Set());
  readonly openQuestions = $derived(questionList(this.world));
  /** Those about a card or certificate of one's own stand above everything and are not put off. */
  readonly own = $derived(this.openQuestions.filter((question) => isOwn(question.row)));
  readonly asking = $derived(this.openQuestions.filter(({ row }) => this.waits(row) && !this.putOff.has(row.id)));
  /** How many questions of others were put off. */
  readonly later = $derived(this.openQuestions.filter(({ row }) => this.waits(row) && this.putOff.has(row.id)).length);
  /** Whether the agent has ever been heard. */
  readonly met = $derived(this.me !== null);

  private queue: WindowNews[] = [];
  private scheduled = false;
  private drawn = false;
  private lastLink = "";

  constructor(
    readonly bridge: Bridge,
    readonly clock: () => number = () => Date.now(),
  ) {
    this.now = clock();
  }

  /** Connects to the shell. Call once. */
  async start(): Promise<void> {
    setInterval(() => (this.now = this.clock()), 1000);
    const asked = this.bridge.desktop().catch(() => null);
    // All listeners are there before `ready`, which is when the shell tells what waited.
    const listening = Promise.all([
      this.bridge.onDesktop((desktop) => (this.desktop = desktop)),
      this.bridge.onOffer((offer) => this.open({ is: "send", picked: offer.picked })),
      this.bridge.onLink(() => void this.followLink()),
      this.bridge.onGo((go) => this.go(go.view, go.id ?? null)),
    ]);
    this.desktop = await asked;
    setLanguage(this.chosenLanguage(), this.locales());
    await listening;
    await this.bridge
      .watch((news) => this.hear(news))
      .catch((thrown: unknown) => this.hear({ event: "agent-lost", failure: failureOf(thrown), retrying: false }));
    void this.followLink();
  }

  private locales(): readonly string[] {
    return this.desktop?.languages ?? navigator.languages;
  }

  private chosenLanguage(): Language {
    const { desktop } = this;
    return languageFor(desktop?.chosen_language ?? this.locales()[0] ?? "en");
  }

  /** The person's choice of a language; the shell remembers it. */
  speak(tag: Language): void {
    setLanguage(tag, this.locales());
    void this.attempt(this.bridge.setLanguage(tag));
  }

  /** News are taken together once a frame. */
  hear(news: WindowNews): void {
    this.queue.push(news);
    if (this.scheduled) return;
    this.scheduled = true;
    const flush = () => this.flush();
    if (document.visibilityState === "visible") requestAnimationFrame(flush);
    else setTimeout(flush, 50);
  }

  flush(): void {
    this.scheduled = false;
    const news = this.queue;
    this.queue = [];
    if (!this.drawn) {
      // The first picture there is: once it is painted, the window can be used.
      this.drawn = true;
      requestAnimationFrame(() => setTimeout(() => void this.bridge.ready().catch(() => undefined)));
    }
    for (const piece of news) this.followYes(piece);
    const wasLost = this.world.agent.is === "lost";
    this.world = reduce(this.world, news, this.clock());
    if (wasLost && this.world.agent.is === "here") toasts.say(t("lost.back"), "good");
    if (news.some((piece) => piece.event === "snapshot")) void this.loadLists();
    for (const piece of news) if (piece.event === "show") this.go(piece.view, piece.id ?? null);
  }

  /** Which conversation is on the screen: its messages are read. */
  view(peer: string | null): void {
    untrack(() => {
      const unread = new Map(this.world.unread);
      if (peer !== null) unread.delete(peer);
      this.world = { ...this.world, viewing: peer, unread };
    });
  }

  dropAlarm(number: number): void {
    this.world = { ...this.world, alarms: this.world.alarms.filter((alarm) => alarm.number !== number) };
  }

  // ---- asking -------------------------------------------------------------------------------------------------------

  /** Waits; a failure becomes a toast and `null`. */
  async attempt<T>(work: Promise<T>): Promise<T | null> {
    try {
      return await work;
    } catch (thrown) {
      this.complain(failureOf(thrown));
      return null;
    }
  }

  complain(failure: Failure): void {
    // A code for many things says little; what it means here may be known.
    toasts.say((failure.code === "Misuse" ? known(failure.message) : null) ?? failureText(failure), "bad");
  }

  /** All messages with a device, from the agent. */
  async loadMessages(peer: string): Promise<void> {
    const answer = await this.bridge.proximity({ ask: "messages", session: peer }).catch(() => null);
    if (answer?.answer !== "messages") return;
    for (const row of answer.rows) this.queue.push({ event: "message", ...row });
    const unread = this.world.unread;
    this.flush();
    this.world = { ...this.world, unread };
  }

  /** What the snapshot does not tell: the outbox and the grants. News keep both right from then on. */
  async loadLists(): Promise<void> {
    const [outbox, grants] = await Promise.all([
      this.bridge.proximity({ ask: "outbox", outbox: "list" }).catch(failureOf),
      this.bridge.proximity({ ask: "grant", grant: "list" }).catch(failureOf),
    ]);
    if ("answer" in outbox && outbox.answer === "outbox") {
      this.world = { ...this.world, outbox: new Map(outbox.rows.map((row) => [row.entry, row])) };
    }
    if ("answer" in grants && grants.answer === "grants") {
      this.world = { ...this.world, grants: new Map(grants.rows.map((row) => [row.grant, row])) };
    }
    this.unlisted = { outbox: "code" in outbox ? outbox : null, grants: "code" in grants ? grants : null };
  }

  /** A name to show for a device, whatever we know of it. */
  nameOf(peer: string): string {
    const row = this.peers.get(peer) ?? sessionWith(this.world, peer);
    return shown(row?.name ?? peer.slice(0, 8));
  }

  sessionWith(peer: string) {
    return sessionWith(this.world, peer);
  }

  // ---- sheets -------------------------------------------------------------------------------------------------------

  open(sheet: Sheet): void {
    this.sheet = sheet;
  }

  close(): void {
    const was = this.sheet;
    this.sheet = null;
    if (was?.is === "link" || was?.is === "invite") void this.followLink();
  }

  putOffQuestion(id: string): void {
    this.putOff = new Set([...this.putOff, id]);
  }

  /** A yes is on its way. If it comes to nothing, the agent asks again. */
  answerQuestion(id: string): void {
    this.answered = new Set([...this.answered, id]);
  }

  private waits(row: QuestionRow): boolean {
    return !isOwn(row) && !this.answered.has(row.id);
  }

  /**
   * What becomes of a yes that needs a card: a question that is told again counts again, and why it came to nothing is
   * said here, since no sheet of ours is open to say it.
   */
  private followYes(news: WindowNews): void {
    if (news.event === "question") {
      if (this.answered.has(news.id)) this.answered = new Set([...this.answered].filter((id) => id !== news.id));
    } else if (news.event === "question-gone") {
      const row = this.world.questions.get(news.id)?.row;
      if (!row || !isOwn(row) || row.invite != null || !news.code || !FINAL.has(news.code)) return;
      toasts.say(known(news.why) ?? t(`error.${news.code}` as "error.Internal"), "bad");
    }
  }

  showQuestions(): void {
    this.putOff = new Set();
  }

  /** Starts an invite; what was picked is offered once it is accepted. */
  invite(target: Target, options: { picked?: readonly Picked[]; note?: boolean } = {}): void {
    const invitation = new Invitation(this, target, options.picked ?? []);
    this.sheet = { is: "invite", invitation };
    if (!options.note) void invitation.begin();
  }

  /** Offers to a device: at once when connected, else after inviting it. */
  async offer(target: Target, picked: readonly Picked[]): Promise<void> {
    if (picked.length === 0) return;
    const state = this.sessionWith(target.peer)?.state ?? "closed";
    // A conversation may be waiting for a device that was switched off.
    const later = this.isAway(target.peer) && this.isMet(target);
    if (later && (state === "closed" || state === "reconnecting")) return this.open({ is: "post", picked, to: [target] });
    if (state === "closed") return this.invite(target, { picked });
    await this.send(target.peer, target.name, picked);
  }

  /** Whether a device is not heard at the moment. */
  isAway(peer: string): boolean {
    return (this.peers.get(peer)?.presence ?? "gone") === "gone";
  }

  /** Whether it was met, and may be met again without anybody watching. */
  isMet({ peer, trust }: Target): boolean {
    return trust === "known" || trust === "verified" || (this.sessionWith(peer)?.verified ?? "no") !== "no";
  }

  /** Puts what was picked into the outbox; whether that worked. */
  async post(to: readonly Target[], picked: readonly Picked[], terms: PostTerms): Promise<boolean> {
    const tokens = picked.map((one) => one.token);
    const answer = await this.attempt(this.bridge.postPicked(to.map((one) => one.peer), tokens, terms));
    if (answer?.answer !== "outbox") return false;
    const fresh = new Map(this.world.outbox);
    for (const row of answer.rows) if (!fresh.has(row.entry)) fresh.set(row.entry, row);
    this.world = { ...this.world, outbox: fresh };
    const said = t("post.posted", { people: to.length, name: shown(to[0]?.name ?? "", 60) });
    toasts.say(said, "good", { label: t("post.show"), run: () => router.go("transfers") });
    return true;
  }

  async send(peer: string, name: string, picked: readonly Picked[]): Promise<Answer | null> {
    const answer = await this.attempt(this.bridge.sendPicked(peer, picked.map((one) => one.token)));
    if (answer?.answer !== "offered") return answer;
    toasts.say(t("send.offered", { name: shown(name, 60) }), "good");
    if (answer.skipped.length > 0) toasts.say(t("send.skipped", { count: answer.skipped.length }), "bad");
    return answer;
  }

  /** One link at a time, whatever arrives (50 links in a second are one question). */
  private async followLink(): Promise<void> {
    if (this.sheet !== null) return;
    const found = await this.bridge.takeLink().catch(() => null);
    if (!found || this.sheet !== null || found.url === this.lastLink) return;
    this.lastLink = found.url;
    this.sheet = { is: "link", url: found.url };
  }

  private go(view: string, id: string | null): void {
    if (view === "question") return this.showQuestions();
    if (view === "session") {
      const peer = id ? (this.sessions.get(id)?.peer ?? id) : null;
      return peer ? router.go("session", peer) : router.go("near");
    }
    if (view === "transfer") return router.go("transfers", id);
    location.hash = `#/${view}`;
  }
}

/** What ends it all, where a PIN or a card was asked for; after other failures the agent asks again. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "AccessDenied", "PinBlocked", "KeyUnusable", "CertificateRefused", "StorageFailed", "TimedOut", "Internal",
]);

/** A failure as a sentence in the person's language. */
export function failureText(failure: Failure): string {
  return codeText(failure.code);
}

export function codeText(code: ErrorCode): string {
  return t(`error.${code}`);
}

export const [useDesk, provideDesk] = createContext<Desk>();
