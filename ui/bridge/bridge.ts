// What the page may ask of the shell: one function a command. The page knows no other way out.
// `tauri.ts` is the real thing, `fake/` a scripted agent for tests and for a normal browser.
import type {
  Answer, Ask, Background, Desktop, Drop, Failure, Go, LendTerms, Offer, Pasted, PickKind, Picked, PostTerms, TakenLink, When,
  WindowNews,
} from "./words";

/** Ends a subscription. */
export type Stop = () => void;

export interface Bridge {
  /** Near, invites, sessions, messages, transfers, trust, doctor. Rejects with a `Failure`. */
  proximity(ask: Ask): Promise<Answer>;
  /** Identities: list, renew, export. */
  certificates(ask: Ask): Promise<Answer>;
  /** Status, settings, capabilities, history, stop. */
  settings(ask: Ask): Promise<Answer>;
  /** Starts the agent, when the shell has given up trying by itself. */
  startAgent(): Promise<void>;
  /** A snapshot first, then changes. */
  watch(tell: (news: WindowNews) => void): Promise<void>;
  /** Offers what the person dropped, chose or pasted; the page sees tokens, never paths. */
  sendPicked(to: string, tokens: string[]): Promise<Answer>;
  /** Puts what was picked into the outbox for devices, connected or away. */
  postPicked(to: string[], tokens: string[], terms: PostTerms): Promise<Answer>;
  /** Lends a service of this machine, once the person said yes in a dialog of the shell; `null` if they said no. */
  lend(terms: LendTerms): Promise<Answer | null>;
  /** The system's own chooser; empty when the person changed their mind. */
  pick(kind: PickKind): Promise<Picked[]>;
  /** The clipboard, on the person's key press. */
  paste(): Promise<Pasted>;
  /** Opens what was received; the shell never opens programs. */
  openKept(transfer: string): Promise<void>;
  /** Shows what was received in the file manager. */
  showKept(transfer: string): Promise<void>;
  /** Drags what was received out of the window, while the person holds the button. */
  dragKept(transfer: string): Promise<void>;
  desktop(): Promise<Desktop>;
  setAutostart(on: boolean): Promise<void>;
  /** When the agent runs without a window. */
  background(): Promise<Background>;
  /** The agent starts anew by it. */
  setBackground(when: When): Promise<Background>;
  setLanguage(tag: string): Promise<void>;
  /** The window can be used: called once, and timed. */
  ready(): Promise<unknown>;
  /** Only on a click. `secret` keeps it out of clipboard histories. */
  copyText(text: string, secret: boolean): Promise<void>;
  /** Asks where, then writes a text file there; whether it did. */
  saveText(name: string, text: string): Promise<boolean>;
  /** The link that waits to be confirmed, once. */
  takeLink(): Promise<TakenLink | null>;
  onDrop(tell: (drop: Drop) => void): Promise<Stop>;
  /** "Send with hither" in a file manager. */
  onOffer(tell: (offer: Offer) => void): Promise<Stop>;
  /** The desktop's settings changed. */
  onDesktop(tell: (desktop: Desktop) => void): Promise<Stop>;
  onLink(tell: () => void): Promise<Stop>;
  onGo(tell: (go: Go) => void): Promise<Stop>;
}

/** Whatever was thrown, as a `Failure`. */
export function failureOf(thrown: unknown): Failure {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown) {
    return thrown as Failure;
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const denied = /not allowed/.test(message);
  return { code: denied ? "AccessDenied" : "Internal", message };
}
