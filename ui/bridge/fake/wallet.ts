// The scripted agent's certificates, tokens and authorities. PIN 123456 is right; a file's password is "secret". It changes
// when it is asked to, and tells so, so that a page can be used and not only looked at.
import type {
  Answer, Ask, AuthorityRow, ErrorCode, Failure, IdentityRow, News, PinRow, QuestionRow, TokenFault, TokenRow, TokenTries,
} from "../words";
import { AUTHORITIES, CARD_IDENTITIES, FAULTS, NO_SERVICE, OLD_IDENTITY, TOKENS, identity, token } from "./cards";
import { IDENTITIES, peerId } from "./rows";

/** What there is: a card and a file, none, no service, or bad texts. */
export type Cards = "none" | "some" | "no-service" | "faults" | "hostile";

type Tell = (news: News) => void;
const refuse = (code: ErrorCode, message: string): Failure => ({ code, message });
const AFTER: Record<TokenTries, TokenTries> = { plenty: "few", few: "last", last: "blocked", blocked: "blocked" };
const WRONG: Record<TokenTries, string> = {
  plenty: "the PIN was wrong", few: "the PIN was wrong: few tries are left", last: "the PIN was wrong: one try is left", blocked: "",
};

export class Wallet {
  identities: IdentityRow[];
  tokens: TokenRow[];
  faults: TokenFault[];
  authorities: AuthorityRow[];

  constructor(cards: Cards, bad: readonly string[]) {
    const some = cards === "some" || cards === "faults";
    const strange = bad.map((text, at) =>
      identity(`bad ${at}`, { subject: `CN=${text}`, issuer: text, token: text, key: text, usable: at % 2 ? text : true, id: `bad${at}` }));
    this.identities = [...IDENTITIES, ...(some ? CARD_IDENTITIES : cards === "hostile" ? strange : [])];
    this.tokens = some ? TOKENS : cards === "hostile" ? bad.map((text, at) => token(text, [strange[at]!], { reader: text })) : [];
    this.faults = cards === "faults" ? FAULTS : cards === "no-service" ? [NO_SERVICE]
      : cards === "hostile" ? bad.map((text) => ({ module: text, why: text })) : [];
    this.authorities = some ? AUTHORITIES : cards === "hostile"
      ? bad.map((text, at) => ({ ...AUTHORITIES[1]!, id: peerId(`bad authority ${at}`), subject: text, crl_stale: at % 2 === 0 })) : [];
  }

  /** A card is inserted, or taken out. */
  put(rows: TokenRow[], tell: Tell): void {
    this.tokens = rows;
    const there = new Set(rows.flatMap((row) => row.certificates.map((one) => one.id)));
    const kept = this.identities.filter((row) => row.token == null || there.has(row.id));
    const fresh = rows.flatMap((row) => row.certificates).filter((one) => !kept.some((row) => row.id === one.id));
    this.identities = [...kept, ...fresh];
    tell({ event: "identities" });
  }

  /** The answer, if it is about something kept here. `questions` are those that wait. */
  answer(ask: Ask, tell: Tell, questions: Map<string, QuestionRow>, granted: boolean): Answer | null {
    switch (ask.ask) {
      case "identities": {
        const rows = granted ? this.identities : this.identities.filter((row) => row.source !== "card");
        return { answer: "identities", rows: ask.all && rows.length > 1 ? [...rows, OLD_IDENTITY] : rows };
      }
      case "tokens":
        if (!granted) throw refuse("AccessDenied", "`sharedUserCertificates` is not granted");
        return { answer: "tokens", rows: this.tokens, faults: this.faults };
      case "use-identity":
        this.identities = this.identities.map((row) => ({
          ...row, current: row.id === ask.identity || (ask.identity === "local" && row.source === "local"),
        }));
        return this.changed(tell);
      case "import-identity":
        return this.take(ask.password ?? "", tell);
      case "remove-identity":
        this.identities = this.identities.filter((row) => row.id !== ask.identity);
        if (!this.identities.some((row) => row.current)) this.identities = this.identities.map((row, at) => ({ ...row, current: at === 0 }));
        return this.changed(tell);
      case "renew-certificate":
        this.identities = this.identities.map((row) => (row.source === "local" ? { ...row, not_after: "2028-03-14T00:00:00Z" } : row));
        return { answer: "identities", rows: this.identities };
      case "pin":
        return this.unlock(ask, tell, questions);
      case "choose":
        tell({ event: "question-gone", id: ask.question, why: "answered" });
        return { answer: "answered", question: ask.question };
      default:
        return this.trusted(ask, tell);
    }
  }

  private changed(tell: Tell): Answer {
    tell({ event: "identities" });
    return { answer: "done" };
  }

  private take(password: string, tell: Tell): Answer {
    if (password === "") throw refuse("TokenLocked", "the file has a password");
    if (password !== "secret") throw refuse("PinWrong", "the password is wrong");
    const row = identity("Lee Seo-yeon", { source: "file", token: null, kept: "secret-service", hardware: false });
    this.identities = [...this.identities, row];
    return this.changed(tell);
  }

  private unlock(ask: Ask & { ask: "pin" }, tell: Tell, questions: Map<string, QuestionRow>): Answer {
    const row = questions.get(ask.question);
    if (!row?.pin) throw refuse("UnknownId", "there is no such question");
    if (row.pin.tries === "last" && !ask.last_try) throw refuse("TokenLocked", "one try is left: a wrong PIN now blocks it");
    if (row.pin.pad || ask.pin === "123456") tell({ event: "question-gone", id: row.id, why: "answered" });
    else {
      const tries = AFTER[row.pin.tries];
      const pin: PinRow = { ...row.pin, tries, before: tries === "blocked" ? `"${row.pin.token}" is blocked after too many wrong PINs` : WRONG[tries] };
      tell({ event: "question", ...row, pin });
    }
    return { answer: "answered", question: row.id };
  }

  private trusted(ask: Ask, tell: Tell): Answer | null {
    switch (ask.ask) {
      case "authorities":
        break;
      case "add-authority": {
        if (!ask.certificate.includes("BEGIN CERTIFICATE")) throw refuse("CertificateRefused", "the file is not a certificate in PEM or DER, or it is damaged");
        const row = { id: peerId(`authority ${this.authorities.length}`), subject: "CN=Partner CA,O=Partner", not_after: "2031-01-01T00:00:00Z" };
        this.authorities = [...this.authorities, { ...row, invite: false, codeless: false, crl_stale: false }];
        break;
      }
      case "set-authority":
        this.authorities = this.authorities.map((row) =>
          row.id === ask.authority ? { ...row, invite: ask.invite ?? row.invite, codeless: ask.codeless ?? row.codeless } : row);
        break;
      case "remove-authority":
        this.authorities = this.authorities.filter((row) => row.id !== ask.authority);
        break;
      case "add-revocations":
        if (!ask.crl.includes("BEGIN X509 CRL")) throw refuse("CertificateRefused", "the revocation list is not by a trusted authority");
        this.authorities = this.authorities.map((row) => ({ ...row, crl_until: "2026-04-01T00:00:00Z", crl_stale: false }));
        break;
      default:
        return null;
    }
    if (ask.ask !== "authorities") tell({ event: "identities" });
    return { answer: "authorities", rows: this.authorities };
  }
}
