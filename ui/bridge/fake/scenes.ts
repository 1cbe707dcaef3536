// The scenes of the scripted agent: what a snapshot holds, and how it answers. Chosen by `?scene=` in the address.
import type { ExposedRow, ForwardingRow, MessageRow, News } from "../words";
import { IDENTITIES, ME, NOON, message, peer, peerId, question, session, shortId, transfer } from "./rows";
import { GRANTS, HELD, OUTBOX, type Later } from "./later";
import { certified, own, pin, unvouched, CARD_IDENTITIES, OLD_IDENTITY } from "./cards";
import type { Filling } from "./shelf";
import type { Cards } from "./wallet";

export type Snapshot = Extract<News, { event: "snapshot" }>;

export interface Scene {
  snapshot: Snapshot;
  messages: MessageRow[];
  /** Comes after the snapshot. */
  then?: News[];
  /** No agent at all. */
  dead?: boolean;
  /** Every request fails. */
  broken?: boolean;
  /** What is kept besides the snapshot: links, people, history … Full if absent. */
  shelf?: Filling;
  /** Which cards and certificates there are. None but the device's own if absent. */
  cards?: Cards;
  /** Services that are lent and used. None if absent. */
  lent?: { exposed: ExposedRow[]; forwarding: ForwardingRow[] };
  /** The state of Bluetooth: `on` if absent. */
  radio?: string;
  /** A capability that is not granted. */
  refuse?: string;
  /** The outbox, grants and what is held. */
  later?: Later;
}

const people = () => [
  peer("Ana", { trust: "verified", media: ["mdns", "ble"], nearness: "near", rssi: -64, metres: 2 }),
  peer("김서연", { trust: "verified", media: ["mdns"] }),
  peer("Workshop NAS", { trust: "known", media: ["route"] }),
  peer("Marek’s laptop", { peer: shortId("advert marek"), media: ["ble"], routes: [], nearness: "touching", rssi: -47, metres: 0.4 }),
  peer("Conference room projector, second floor, east wing", { peer: shortId("advert room"), media: ["mdns", "ble"], presence: "fading", nearness: "in-range", rssi: -88, metres: 14 }),
  peer("Αna", { peer: shortId("advert ana"), trust: "changed", resembles: "Ana" }),
  peer("Nobody you know", { trust: "blocked" }),
];

const talk = (): MessageRow[] => [
  message("Ana", 1, "Hi! I have the pictures from Saturday."),
  message("Ana", 1, "Great, please send them over. All of them if you can.", { direction: "out", at: NOON - 1130 }),
  message("Ana", 2, "사진이랑 영상 다 보낼게요 📷\nThe whole folder is about 1.2 GB, so it may take a minute.", { at: NOON - 1090 }),
  message("Ana", 2, "No problem.", { direction: "out", at: NOON - 1020 }),
  message("Ana", 3, "And here is the plan for next week. Have a look when you have time.", { at: NOON - 400 }),
  message("Ana", 3, "Will do. Sending you the contract.", { direction: "out", at: NOON - 90, delivered: false }),
];

const moves = () => [
  transfer("Ana", "Holiday 2026 and 127 more", {
    state: "moving", done: 742_000_000, total: 1_214_000_000, items_done: 61, items: 128, receipt: false, at: NOON - 1000,
  }),
  transfer("Ana", "Plan for next week.pdf", { at: NOON - 395, path: "/home/sam/hither/Plan for next week.pdf" }),
  transfer("Ana", "Contract, final version, signed by everybody concerned (2026-03-13).odt", {
    direction: "out", state: "offered", done: 0, total: 84_000, items_done: 0, receipt: false, at: NOON - 60,
  }),
  transfer("Workshop NAS", "Backups and 4 more", {
    direction: "out", state: "paused", why: "waiting for the other device", done: 91_000_000, total: 310_000_000,
    items_done: 2, items: 5, receipt: false, at: NOON - 4000,
  }),
  transfer("김서연", "회의 자료.zip", { direction: "in", state: "checking", done: 31_000_000, total: 31_000_000, receipt: false, items_done: 0, at: NOON - 20 }),
  transfer("김서연", "Interview recordings and 11 more", {
    state: "kept", items: 12, items_done: 10, done: 640_000_000, total: 731_000_000, at: NOON - 90_000,
    path: "/home/sam/hither/Interview recordings",
    failed: [
      { path: "Interview recordings/take 7.wav", code: "SourceChanged", why: "the file changed while it was being sent" },
      { path: "Interview recordings/take 9.wav", code: "DigestWrong", why: "what arrived is not what was sent" },
    ],
  }),
  transfer("Marek’s laptop", "thesis.tar.gz", {
    direction: "out", state: "dropped", why: "declined", done: 0, items_done: 0, receipt: false, at: NOON - 200_000,
  }),
  transfer("Ana", "budget.ods", { direction: "out", at: NOON - 260_000, total: 120_000, done: 120_000 }),
];

const base = (): Snapshot => ({
  event: "snapshot",
  me: { peer: ME, name: "Sam", visibility: "everyone", until: NOON + 540 },
  peers: people(),
  questions: [],
  sessions: [session("Ana"), session("Workshop NAS", { verified: "no", state: "reconnecting", peer: peerId("Workshop NAS") })],
  transfers: moves(),
});

const speed: News = {
  event: "progress", transfer: shortId("transfer Ana Holiday 2026 and 127 more"), done: 742_000_000,
  total: 1_214_000_000, bytes_per_s: 31_400_000,
};

const busy = (): Scene => ({ snapshot: base(), messages: talk(), then: [speed] });

const bare = (more: Partial<Snapshot> = {}): Scene => ({
  snapshot: { ...base(), peers: [], sessions: [], transfers: [], ...more },
  messages: [],
  shelf: "bare",
});

export const BAD = [
  '<img src=x onerror="alert(1)">', "<script>window.hacked = true</script>", "javascript:alert(1)", "{{7*7}} {name} # ${1}",
  "photo\u202egpj.exe", "a\u0000b\u001b[31mred\u0007", "x".repeat(10_000), "👩‍💻🏳️‍🌈".repeat(40), "ㅤ\u200b\u2066\u2069", "한".repeat(400),
];

const hostile = (): Scene => {
  const names = BAD.map((text, at) => ({ ...peer(`bad ${at}`), name: text, trust: at % 2 ? ("new" as const) : ("known" as const), resembles: at === 3 ? BAD[0]! : null }));
  const first = names[0]!;
  const sessions = names.slice(0, 4).map((row, at) => session(`bad ${at}`, { name: row.name, certified: at % 2 ? unvouched(row.name, BAD[0]!) : certified(row.name, { authority: BAD[0]!, organisation: BAD[5]!, email: BAD[4]! }) }));
  return {
    snapshot: {
      ...base(),
      me: { peer: ME, name: "Sam", visibility: "known" },
      peers: names,
      sessions,
      transfers: BAD.map((text, at) => transfer("bad 0", text, {
        name: first.name, at: NOON - at * 30, state: at % 3 === 0 ? "moving" : at % 3 === 1 ? "kept" : "dropped",
        why: text, failed: [{ path: text, code: "NameRefused", why: text }], done: 5, total: 10, transfer: shortId(`bad transfer ${at}`),
      })),
    },
    shelf: "hostile",
    later: {
      outbox: BAD.map((text, at) => ({ ...OUTBOX[at % OUTBOX.length]!, entry: shortId(`bad entry ${at}`, 16), name: text, title: text, why: text })),
      grants: BAD.map((text, at) => ({ ...GRANTS[at % GRANTS.length]!, grant: shortId(`bad grant ${at}`, 16), name: text, network: text })),
      held: BAD.map((text, at) => ({ ...HELD[at % HELD.length]!, task: text, id: `${at} ${text}`, local: text, why: text })),
    },
    cards: "hostile",
    messages: BAD.map((text, at) => message("bad 0", at + 1, text, { name: first.name })),
    then: [{ event: "question", ...question("bad 0", { name: BAD[0]!, message: BAD[6]!, names: BAD, kind: "transfer", items: BAD.length, bytes: 99, code: null, proven: "stored", transfer: shortId("bad transfer 0") }) }],
  };
};

const many = (): Scene => ({
  snapshot: {
    ...base(),
    peers: Array.from({ length: 500 }, (_, at) => peer(`Device ${at + 1}`, { trust: at < 20 ? "known" : "new" })),
    transfers: Array.from({ length: 10_000 }, (_, at) => transfer("Ana", `Set ${at + 1}.zip`, { at: NOON - at * 60 })),
  },
  shelf: "many",
  messages: talk(),
});

/** Asked by somebody unknown, by somebody known with files, and by somebody who changed. */
const asked = (kind: "invite" | "transfer" | "changed"): Scene => {
  const questions = {
    invite: question("Marek’s laptop", { message: "Hi, it’s me at the next table. Can I send you the slides?" }),
    transfer: question("Ana", {
      kind: "transfer", trust: "verified", proven: "stored", code: null, items: 128, bytes: 1_214_000_000, expires: 290, executables: true,
      names: ["Holiday 2026", "Route.gpx", "Notes about everything that happened on the second day.txt"],
      transfer: shortId("transfer Ana Holiday 2026 and 127 more"),
    }),
    changed: question("Αna", { name: "Ana", kind: "key-changed", trust: "changed" }),
  };
  return { ...busy(), then: [speed, { event: "question", ...questions[kind] }] };
};

/** Somebody with a card and a file. */
const carded = (more: Partial<Scene> = {}): Scene => ({ ...busy(), cards: "some", ...more });

/** The person's own card or certificate is asked about. */
const mine = (row: ReturnType<typeof own>): Scene => carded({ then: [speed, { event: "question", ...row }] });

/** Somebody shows a certificate with their invite. */
const shows = (row: ReturnType<typeof certified>): Scene =>
  carded({ then: [speed, { event: "question", ...question("Marek’s laptop", { certified: row, expires: 48 }) }] });

/** A conversation with somebody certified. */
const talking = (): Scene => {
  const { snapshot, ...rest } = carded();
  const sessions = snapshot.sessions.map((row) =>
    row.name === "Ana" ? { ...row, verified: "certificate" as const, certified: certified("Ana Silva") } : { ...row, certified: unvouched("Workshop") });
  return { ...rest, snapshot: { ...snapshot, sessions } };
};

const bad = (text: string) => own("pin", { name: text, pin: pin({ token: text, reader: text, subject: text, reason: text, before: text, tries: "last" }) });

export const SCENES = {
  busy,
  empty: () => bare({ me: { peer: ME, name: "Sam", visibility: "known" } }),
  hidden: () => bare({ me: { peer: ME, name: "Sam", visibility: "nobody" } }),
  first: () => bare({ me: { peer: ME, name: null, visibility: "nobody" } }),
  many,
  hostile,
  "asked-invite": () => asked("invite"),
  "asked-transfer": () => asked("transfer"),
  "asked-changed": () => asked("changed"),
  dead: (): Scene => ({ ...bare(), dead: true }),
  broken: (): Scene => ({ ...busy(), broken: true }),
  "radio-dark": (): Scene => ({ ...busy(), radio: "Bluetooth is switched off: switch it on in the system's settings, or with `bluetoothctl power on`" }),
  "radio-dark-empty": (): Scene => ({ ...bare({ me: { peer: ME, name: "Sam", visibility: "known" } }), radio: "Bluetooth is switched off" }),
  "radio-only": (): Scene => {
    const scene = busy();
    const sessions = scene.snapshot.sessions.map((row) => ({ ...row, route: "bluetooth", rtt_us: 0 }));
    return { ...scene, snapshot: { ...scene.snapshot, sessions } };
  },
  later: (): Scene => ({ ...busy(), later: { outbox: OUTBOX, grants: GRANTS, held: HELD } }),
  "later-empty": (): Scene => ({ ...bare({ me: { peer: ME, name: "Sam", visibility: "known" } }), later: { outbox: OUTBOX.slice(0, 2), background: { when: "off", by: "autostart" } } }),
  "talk-web": (): Scene => {
    const scene = busy();
    return { ...scene, snapshot: { ...scene.snapshot, sessions: scene.snapshot.sessions.map((row) => ({ ...row, route: "websocket" })) } };
  },
  "radio-none": (): Scene => ({ ...busy(), radio: "there is no Bluetooth adapter: plug one in" }),
  lent: (): Scene => ({
    ...busy(),
    lent: {
      exposed: [{
        name: "wiki", target: "127.0.0.1:8080", open: 0, served: 3,
        to: [{ peer: peerId("Ana"), name: "Ana", lasts: "until-closed", until: null, open: 0 }],
      }],
      forwarding: [{ name: "ssh", peer: peerId("Ana"), peer_name: "Ana", bind: "127.0.0.1:2222", open: 0, served: 0, trouble: null }],
    },
  }),
  alarm: (): Scene => ({ ...busy(), then: [speed, { event: "alarm", message: "Ana shows another key than before", peer: peerId("Ana") }] }),
  cards: () => carded(),
  "cards-none": (): Scene => ({ ...busy(), cards: "none" }),
  "cards-off": (): Scene => ({ ...busy(), cards: "some", refuse: "sharedUserCertificates" }),
  "cards-service": (): Scene => ({ ...busy(), cards: "no-service" }),
  "cards-faults": () => carded({ cards: "faults" }),
  "asked-pin": () => mine(own("pin")),
  "asked-pin-wrong": () => mine(own("pin", { pin: pin({ tries: "few", before: "the PIN was wrong: few tries are left" }) })),
  "asked-pin-last": () => mine(own("pin", { pin: pin({ tries: "last", before: "the PIN was wrong: one try is left" }) })),
  "asked-pin-blocked": () => mine(own("pin", { pin: pin({ tries: "blocked" }) })),
  "asked-pin-pad": () => mine(own("pin", { pin: pin({ pad: true, min: 0, max: 0 }) })),
  "asked-insert": () => mine(own("insert-card")),
  "asked-choose": () => mine(own("choose-certificate", { choices: [...IDENTITIES, ...CARD_IDENTITIES, OLD_IDENTITY] })),
  "asked-bad-pin": () => mine(bad(BAD[0]!)),
  "asked-certified": () => shows(certified("Marek Nowak")),
  "asked-unvouched": () => shows(unvouched("Marek Nowak", "the certificate names the authority \"Ministry CA 3\", but is not signed by the one you trust")),
  "talk-certified": talking,
} satisfies Record<string, () => Scene>;

export type SceneName = keyof typeof SCENES;
export const isScene = (name: string): name is SceneName => name in SCENES;
