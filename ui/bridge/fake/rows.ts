// Rows for the scripted agent: believable people, devices and files. Deterministic: the same number gives the same row.
import type {
  CapabilityRow, CertificateFacts, CheckRow, HistoryRow, IdentityRow, ItemRow, LinkRow, MessageRow, PeerRow, QuestionRow,
  SessionRow, TransferRow, TrustRow,
} from "../words";

/** The clock of every scene: 14 March 2026, 10:26 UTC, in seconds. */
export const NOON = 1_773_483_960;

const hex = (seed: string, digits: number): string => {
  let state = 2166136261;
  let out = "";
  for (let round = 0; out.length < digits; round += 1) {
    for (const character of `${seed}${round}`) state = Math.imul(state ^ character.charCodeAt(0), 16777619) >>> 0;
    out += state.toString(16).padStart(8, "0");
  }
  return out.slice(0, digits);
};

export const peerId = (seed: string): string => hex(`peer ${seed}`, 64);
export const shortId = (seed: string, digits = 32): string => hex(`id ${seed}`, digits);
export const ME = peerId("me");

export const peer = (seed: string, more: Partial<PeerRow> = {}): PeerRow => ({
  peer: peerId(seed), name: seed, trust: "new", presence: "near", media: ["mdns"], routes: ["192.0.2.17:41641"], ...more,
});

export const certificate = (seed: string, more: Partial<CertificateFacts> = {}): CertificateFacts => ({
  subject: `CN=hither ${peerId(seed).slice(0, 8)}`,
  issuer: `CN=hither ${peerId(seed).slice(0, 8)}`,
  not_before: "2026-01-04T00:00:00Z",
  not_after: "2027-01-04T00:00:00Z",
  sha256: hex(`der ${seed}`, 64),
  spki_sha256: peerId(seed),
  key: "p256",
  source: "local",
  ...more,
});

export const session = (seed: string, more: Partial<SessionRow> = {}): SessionRow => ({
  session: shortId(`session ${seed}`), peer: peerId(seed), name: seed, verified: "code", state: "open",
  requested: "tls13",
  negotiated: { version: "TLS1.3", cipher: "TLS13_AES_256_GCM_SHA384", kx: "X25519MLKEM768", alpn: "hither/1" },
  local_certificate: certificate("me"), peer_certificate: certificate(seed), route: "192.0.2.17:41641", rtt_us: 2_350,
  bytes_in: 48_213_004, bytes_out: 1_204_331_008, opened: NOON - 1260, ...more,
});

export const message = (seed: string, number: number, text: string, more: Partial<MessageRow> = {}): MessageRow => ({
  session: shortId(`session ${seed}`), peer: peerId(seed), name: seed, direction: "in", text, delivered: true,
  at: NOON - 1200 + number * 60, number, ...more,
});

export const transfer = (seed: string, title: string, more: Partial<TransferRow> = {}): TransferRow => ({
  transfer: shortId(`transfer ${seed} ${title}`), peer: peerId(seed), name: seed, direction: "in", state: "kept", title,
  done: 4_200_000, total: 4_200_000, items_done: 1, items: 1, receipt: true, at: NOON - 900, ...more,
});

export const question = (seed: string, more: Partial<QuestionRow> = {}): QuestionRow => ({
  id: shortId(`question ${seed}`, 16), kind: "invite", peer: peerId(seed), name: seed, trust: "new", proven: "no",
  code: "482917", expires: 48, ...more,
});

const EXTENSIONS = ["jpg", "jpg", "jpg", "mov", "pdf", "raw", "xmp"];

export const item = (index: number): ItemRow => ({
  index,
  path: `Holiday 2026/${["Beach", "Old town", "Hike", "Dinner"][index % 4]}/IMG_${String(4000 + index)}.${EXTENSIONS[index % 7]}`,
  bytes: 120_000 + ((index * 7919) % 9_000_000),
  folder: false,
  state: index < 6100 ? (index % 997 === 13 ? "failed" : "kept") : index < 6104 ? "moving" : "waiting",
  ...(index % 997 === 13 && index < 6100 ? { why: "The source changed while it was being sent." } : {}),
});

export const capability = (name: string, allows: string, more: Partial<CapabilityRow> = {}): CapabilityRow => ({
  name, declared: true, granted: true, used_by: [], allows, ...more,
});

export const CAPABILITIES: CapabilityRow[] = [
  capability("proximity", "See devices near you, be seen by them, and connect to a device when you invite it or accept its invite.", {
    used_by: ["discovery", "listener", "session with Ana", "session with Workshop NAS"], last_used: NOON - 12, last_by: "session with Ana",
  }),
  capability("internetClient", "Open connections to servers on the Internet.", { last_used: NOON - 93_000, last_by: "hither connect" }),
  capability("internetClientServer", "Open connections to the Internet and accept connections from it.", { declared: false, granted: false }),
  capability("privateNetworkClientServer", "Open and accept connections on your home and work networks.", { granted: false }),
  capability("enterpriseAuthentication", "Sign in to servers of your organisation as you, without asking you.", { declared: false, granted: false }),
  capability("sharedUserCertificates", "Use your smart cards and the certificates you share between programs."),
];

export const IDENTITIES: IdentityRow[] = [{
  id: "device", subject: `CN=hither ${ME.slice(0, 8)}`, issuer: `CN=hither ${ME.slice(0, 8)}`,
  not_before: "2026-01-04T00:00:00Z", not_after: "2027-01-04T00:00:00Z", key: "p256", source: "local", usable: true,
  current: true, fingerprint: ME, kept: "file", hardware: false, expired: false,
}];

export const TRUST: TrustRow[] = [
  { peer: peerId("Ana"), name: "Ana", trust: "verified", verified: "code", since: NOON - 9_000_000, last_seen: NOON - 60, always: true },
  { peer: peerId("김서연"), name: "김서연", trust: "verified", verified: "link", since: NOON - 700_000, last_seen: NOON - 7200, always: false },
  { peer: peerId("Workshop NAS"), name: "Workshop NAS", trust: "known", verified: "no", since: NOON - 400_000, last_seen: NOON - 90_000, always: false },
  { peer: peerId("Nobody you know"), name: "Nobody you know", trust: "blocked", verified: "no", since: NOON - 90_000, last_seen: NOON - 90_000, always: false },
];

export const LINKS: LinkRow[] = [
  { invite: shortId("link 1"), expires: NOON + 520, uses_left: 1, state: "made" },
  { invite: shortId("link 2"), expires: NOON + 80_000, uses_left: 3, state: "proven" },
  { invite: shortId("link 3"), expires: NOON - 300, uses_left: 0, state: "consumed" },
  { invite: shortId("link 4"), expires: NOON - 9000, uses_left: 1, state: "expired" },
];

export const CHECKS: CheckRow[] = [
  { name: "capability", state: "ok", detail: "`proximity` is granted" },
  { name: "visibility", state: "warn", detail: "only devices met before recognise this one; strangers see an unnamed device and cannot invite it", fix: "run `hither visibility everyone --for 10m` to be found by somebody new" },
  { name: "interfaces", state: "ok", detail: "advertised on wlan0: 192.0.2.4 2001:db8::4; not used: docker0 (virtual)" },
  { name: "mdns", state: "ok", detail: "working; 7 device(s) near" },
  { name: "multicast wlan0", state: "ok", detail: "3 other device(s) answer" },
  { name: "port 5353", state: "ok", detail: "shared with avahi-daemon" },
  { name: "listening", state: "ok", detail: "[::]:41641" },
  { name: "bluetooth", state: "ok", detail: "working with the adapter 00:1A:7D:00:00:00" },
  { name: "firewall", state: "warn", detail: "ufw is active and does not allow port 41641", fix: "ufw allow 41641/tcp && ufw allow 5353/udp" },
  { name: "clock", state: "ok", detail: "set from the network" },
  { name: "inbox", state: "fail", detail: "/home/sam/hither: Permission denied (os error 13)", fix: "name a folder you can write to in settings.toml" },
  { name: "notifications", state: "ok", detail: "working" },
  { name: "sleep", state: "ok", detail: "working" },
];

const past = (ago: number, what: string, who: string | null, detail: string): HistoryRow => ({
  at: NOON - ago, what, ...(who === null ? {} : { peer: peerId(who), name: who }), detail,
});

export const HISTORY: HistoryRow[] = [
  past(60, "received", "Ana", "Plan for next week.pdf, 4200000 bytes, receipt signed"),
  past(400, "alarm", null, "a device called Ana shows another key than the Ana you met"),
  past(1260, "session", "Ana", "session opened, verified: stored"),
  past(9000, "trust", "김서연", "set by hand to verified"),
  past(9800, "session", "김서연", "session closed: the other side left"),
  past(10_400, "sent", "김서연", "회의 자료.zip, 31000000 bytes, receipt signed"),
  past(87_000, "invite", "Marek’s laptop", "nobody answered in time"),
  past(90_000, "trust", "Nobody you know", "blocked"),
  past(93_000, "capability", null, "internetClient granted"),
  past(200_000, "transfer", "Marek’s laptop", "thesis.tar.gz: the other person said no"),
  past(400_000, "met", "Workshop NAS", "met for the first time, verified: no"),
  past(700_000, "met", "김서연", "met for the first time, verified: link"),
  past(9_000_000, "met", "Ana", "met for the first time, verified: code"),
];

/** As long as it ever gets. */
export const longHistory = (): HistoryRow[] =>
  Array.from({ length: 2000 }, (_, at) => ({ ...HISTORY[at % HISTORY.length]!, at: NOON - at * 2400 }));
