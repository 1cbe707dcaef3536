// Rows about certificates for the scripted agent: a card in a reader, a file, authorities, and what others proved.
import type { AuthorityRow, CertifiedRow, IdentityRow, PinRow, QuestionRow, TokenFault, TokenRow } from "../words";
import { peerId, question, shortId } from "./rows";

export const MINISTRY = "CN=Ministry CA 3,O=Ministry of the Interior,C=EX";

export const identity = (seed: string, more: Partial<IdentityRow> = {}): IdentityRow => ({
  id: shortId(`identity ${seed}`, 16), subject: `CN=${seed},O=Ministry of the Interior,C=EX`, issuer: MINISTRY,
  not_before: "2025-05-03T00:00:00Z", not_after: "2028-05-03T00:00:00Z", key: "p256", source: "card", usable: true, current: false,
  fingerprint: peerId(`identity ${seed}`), token: "Ministry staff card", kept: "token", hardware: true, expired: false, ...more,
});

const onFile = { source: "file", token: null, kept: "secret-service", hardware: false } as const;

export const CARD_IDENTITIES: IdentityRow[] = [
  identity("Kim Min-ji"),
  identity("Kim Min-ji (signature)", {
    key: "rsa2048", usable: "the certificate is not for signing in (no clientAuth)", not_after: "2026-04-01T00:00:00Z",
  }),
  identity("Sam Weber", { ...onFile, issuer: "CN=Weber Family CA", subject: "CN=Sam Weber\\, home", key: "rsa3072", not_after: "2026-04-02T00:00:00Z" }),
];

export const OLD_IDENTITY = identity("Kim Min-ji (2022)", {
  ...onFile, kept: "file", not_before: "2022-05-03T00:00:00Z", not_after: "2025-05-03T00:00:00Z", expired: true,
  usable: "the certificate expired on 2025-05-03T00:00:00Z",
});

export const token = (label: string, certificates: IdentityRow[], more: Partial<TokenRow> = {}): TokenRow => ({
  token: label, serial: shortId(`token ${label}`, 12), reader: "Gemalto USB Smart Card Reader 00 00", manufacturer: "Example AG",
  model: "PIV II", state: "locked", tries: "plenty", pad: false, hardware: true, certificates, ...more,
});

export const TOKENS: TokenRow[] = [
  token("Ministry staff card", CARD_IDENTITIES.filter((row) => row.token != null)),
  token("Old badge", [], { reader: "Cherry ST-2000", state: "blocked", tries: "blocked" }),
];

export const FAULTS: TokenFault[] = [
  { module: "vendor-pkcs11", why: "/usr/lib/vendor-pkcs11.so is not a usable PKCS#11 module: cannot open shared object file" },
];
export const NO_SERVICE: TokenFault = { module: "pcscd", why: "the service for card readers (pcscd) is not running" };

export const AUTHORITIES: AuthorityRow[] = [
  {
    id: peerId("authority ministry"), subject: MINISTRY, not_after: "2034-01-01T00:00:00Z", invite: true, codeless: false,
    crl_until: "2026-03-20T00:00:00Z", crl_stale: false,
  },
  {
    id: peerId("authority lab"), subject: "CN=Lab Root,O=Institute", not_after: "2030-06-01T00:00:00Z", invite: false, codeless: false,
    crl_until: "2026-03-01T00:00:00Z", crl_stale: true,
  },
];

export const certified = (name: string, more: Partial<CertifiedRow> = {}): CertifiedRow => ({
  name, organisation: "Ministry of the Interior", email: "minji.kim@ministry.example", subject: `CN=${name},O=Ministry of the Interior,C=EX`,
  issuer: MINISTRY, not_after: "2028-05-03T00:00:00Z", sha256: peerId(`certificate ${name}`), fingerprint: peerId(`key ${name}`),
  authority: "Ministry CA 3", ...more,
});

export const unvouched = (name: string, why = "no authority you trust vouches for the certificate"): CertifiedRow => {
  const { authority: _, ...row } = certified(name, { organisation: null, email: null, issuer: "CN=Nobody Root" });
  return { ...row, unvouched: why };
};

export const pin = (more: Partial<PinRow> = {}): PinRow => ({
  token: "Ministry staff card", reader: "Gemalto USB Smart Card Reader 00 00", subject: CARD_IDENTITIES[0]!.subject,
  reason: "to invite Marek’s laptop", tries: "plenty", pad: false, min: 6, max: 8, ...more,
});

/** A question about a card of one's own, of an invite to Marek. */
export const own = (kind: "pin" | "insert-card" | "choose-certificate", more: Partial<QuestionRow> = {}): QuestionRow =>
  question("Marek’s laptop", {
    id: shortId(`own ${kind}`, 16), kind, code: null, invite: shortId("invite 1"), expires: 90,
    ...(kind === "choose-certificate" ? {} : { pin: pin() }), ...more,
  });
