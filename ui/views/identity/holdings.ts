// What is said about certificates and tokens, in which order and grouped by where the key is. Pure; times are arguments.
import type { CapabilityRow, CertifiedRow, IdentityRow, TokenRow } from "~/bridge/words";
import type { Fact } from "~/parts/Facts.svelte";
import { date, grouped } from "~/text/figures";
import { shown } from "~/text/shown";
import { region, t } from "~/text/text.svelte";
import { daysLeft, SOON_DAYS } from "./facts";

/** The capability without which no card is touched. */
export const CARDS = "sharedUserCertificates";

/** Parts of a subject such as `CN=Kim\, Min-ji,O=Ministry` (RFC 4514), in the order they stand. */
export function parts(subject: string): { type: string; value: string }[] {
  return (subject.match(/(?:\\.|[^\\,+])+/gs) ?? []).flatMap((part) => {
    const [, type, value] = /^\s*([A-Za-z][\w.-]*|[\d.]+)\s*=\s*(.*?)\s*$/s.exec(part) ?? [];
    if (type === undefined || value === undefined) return [];
    return [{ type: type.toUpperCase(), value: value.replace(/\\(?=[,+"\\<>;=#\s])/g, "") }];
  });
}

/** The name in a subject or an issuer: the common name, else what comes nearest to one, else all of it. */
export function nameIn(subject: string, max = 60): string {
  const found = parts(subject);
  for (const wanted of ["CN", "O", "OU", "EMAILADDRESS", "E", "UID"]) {
    const value = found.find((part) => part.type === wanted)?.value;
    if (value) return shown(value, max);
  }
  return shown(subject, max);
}

/** Who a certificate of ours says I am; the device's own key has no person's name. */
export const titleOf = (row: IdentityRow): string => (row.source === "local" ? t("cert.device") : nameIn(row.subject));

/** `rsa2048` as a person reads it. */
export function keyWords(key: string): string {
  if (key === "p256" || key === "p384" || key === "ed25519") return t(`key.${key}`);
  const bits = /^rsa(\d{3,5})$/.exec(key)?.[1];
  return bits ? t("key.rsa", { bits }) : shown(key, 40);
}

export type Tone = "plain" | "warn" | "bad";

/** Until when it is good, and how that is to be taken. `now` in milliseconds. */
export function standing(row: Pick<IdentityRow, "not_before" | "not_after" | "expired">, now: number): { says: string; tone: Tone } {
  const left = daysLeft(row.not_after, now);
  const day = (at: string) => date(at, region());
  if (row.expired || (left !== null && left < 0)) return { says: t("cert.expired", { date: day(row.not_after) }), tone: "bad" };
  if (Date.parse(row.not_before) > now) return { says: t("cert.early", { date: day(row.not_before) }), tone: "bad" };
  const until = t("cert.until", { date: day(row.not_after) });
  if (left === null || left >= SOON_DAYS) return { says: until, tone: "plain" };
  return { says: `${until} · ${t("cert.soon", { days: left })}`, tone: "warn" };
}

/** Where the private key is. */
export function whereabouts(row: IdentityRow, reader?: string): string {
  if (row.source === "card" || row.kept === "token") {
    const token = shown(row.token ?? "", 60);
    return reader ? t("cert.where.card", { token, reader: shown(reader, 60) }) : t("cert.where.token", { token });
  }
  if (row.kept === "secret-service") return t("cert.where.secret");
  return row.source === "local" ? t("cert.where.local") : t("cert.where.file");
}

export interface Wanted { query: string; hardware: boolean }

const folded = (text: string): string => text.normalize("NFKC").toLocaleLowerCase();

/** Each certificate once: two modules may reach the same card. */
export const distinct = (rows: readonly IdentityRow[]): IdentityRow[] => [...new Map(rows.map((row) => [row.id, row])).values()];

/** Certificates beside the device's own that fit. */
export function fitting(rows: readonly IdentityRow[], wanted: Wanted): IdentityRow[] {
  const query = folded(wanted.query.trim());
  return distinct(rows).filter(
    (row) =>
      row.source !== "local" && (!wanted.hardware || row.hardware) &&
      (query === "" || folded(`${row.subject} ${row.issuer} ${row.token ?? ""}`).includes(query)),
  );
}

/** Certificates by the token they are on; `token: null` are those of files, and stand last. */
export interface Group { label: string; token: TokenRow | null; rows: IdentityRow[] }

/**
 * Tokens in the order they are told, each with its certificates, then files. A certificate belongs to the token that
 * lists it; one whose token is not told (it has just gone) stands under its label.
 */
export function groupsOf(rows: readonly IdentityRow[], tokens: readonly TokenRow[]): Group[] {
  const groups: Group[] = tokens.map((token) => ({ label: token.token, token, rows: [] }));
  const strays = new Map<string, Group>();
  const files: IdentityRow[] = [];
  for (const row of rows) {
    if (row.token == null) {
      files.push(row);
      continue;
    }
    const home =
      groups.find((group) => group.token?.certificates.some((one) => one.id === row.id)) ??
      groups.find((group) => group.label === row.token);
    if (home) {
      home.rows.push(row);
      continue;
    }
    const stray = strays.get(row.token) ?? { label: row.token, token: null, rows: [] };
    stray.rows.push(row);
    strays.set(row.token, stray);
  }
  const placed = new Set(rows.map((row) => row.id));
  const shownElsewhere = ({ token, rows: mine }: Group) =>
    mine.length === 0 && token !== null && token.certificates.length > 0 && token.certificates.every((one) => placed.has(one.id));
  return [...groups.filter((group) => !shownElsewhere(group)), ...strays.values(), ...(files.length > 0 ? [{ label: "", token: null, rows: files }] : [])];
}

/** Whether cards may be used: `never` in this version, `off` by the person. */
export function cardsAllowed(row: CapabilityRow | undefined): "on" | "off" | "never" {
  if (row === undefined || !row.declared) return "never";
  return row.granted ? "on" : "off";
}

/** Everything a certificate that somebody showed says, and who vouches for it. */
export const certifiedFacts = (row: CertifiedRow): Fact[] => [
  { term: t("certified.vouched"), value: row.unvouched == null && row.authority != null ? row.authority : t("certified.nobody") },
  { term: t("safe.subject"), value: row.subject },
  ...(row.organisation ? [{ term: t("certified.organisation"), value: row.organisation }] : []),
  ...(row.email ? [{ term: t("certified.email"), value: row.email }] : []),
  { term: t("safe.issuer"), value: row.issuer },
  { term: t("cert.valid"), value: t("cert.until", { date: date(row.not_after, region()) }) },
  { term: t("identity.fingerprint"), value: grouped(row.fingerprint), mono: true },
  { term: t("safe.sha256"), value: grouped(row.sha256), mono: true },
];
