// What the doctor's lines mean: their words by name, the order in which to look at them, the verdict, the report. Pure.
import type { CheckRow, CheckState } from "~/bridge/words";
import { known as knownReason } from "~/text/plainly";
import { radioDo, radioOf, radioText } from "~/text/radio";
import { shown } from "~/text/shown";
import { t, type PlainKey } from "~/text/text.svelte";

/** By weight: what comes first explains what follows. Those before `bluetooth` decide whether devices see each other. */
const ORDER = [
  "peer", "capability", "visibility", "interfaces", "firewall", "reachable", "mdns", "multicast", "listening", "organisation",
  "bluetooth", "bluetoothService", "bluetoothAdapter", "clock", "authorities", "cards", "bluetoothAddress", "inbox", "notifications",
  "sleep", "port",
] as const;
type Known = (typeof ORDER)[number];
const ASIDE: readonly Known[] = ORDER.slice(ORDER.indexOf("bluetooth"));
/** Those about the state of the radio. */
const RADIO = ["bluetooth", "bluetoothService", "bluetoothAdapter"] as const satisfies readonly Known[];
const isRadio = (known: Known | null): known is (typeof RADIO)[number] => (RADIO as readonly (Known | null)[]).includes(known);
/** Names of more than a word, or that are no word here. */
const NAMED: ReadonlyMap<string, Known> = new Map([
  ["bluetoothd", "bluetoothService"], ["bluetooth adapter", "bluetoothAdapter"], ["bluetooth address", "bluetoothAddress"],
]);
const WEIGHT: Record<CheckState, number> = { fail: 0, warn: 1, ok: 2 };

/** Where in the window something can be done about it. */
export type Deed = "permissions" | "visible" | "settings" | "networks" | "links" | "identity";
const DEEDS: Partial<Record<Known, Deed>> = {
  capability: "permissions", listening: "permissions", visibility: "visible", mdns: "visible", interfaces: "networks",
  inbox: "settings", multicast: "links", peer: "links",
  organisation: "identity", authorities: "identity", cards: "identity",
};

const SAYS: Partial<Record<Known, Partial<Record<"warn" | "fail", PlainKey>>>> = {
  capability: { fail: "doctor.capability.fail" },
  visibility: { warn: "doctor.visibility.warn", fail: "doctor.visibility.fail" },
  interfaces: { warn: "doctor.interfaces.warn", fail: "doctor.interfaces.fail" },
  firewall: { warn: "doctor.firewall.warn", fail: "doctor.firewall.warn" },
  mdns: { warn: "doctor.mdns.warn", fail: "doctor.mdns.fail" },
  multicast: { warn: "doctor.multicast.warn", fail: "doctor.multicast.fail" },
  port: { warn: "doctor.port.warn" },
  listening: { fail: "doctor.listening.fail" },
  organisation: { fail: "doctor.organisation.fail" },
  authorities: { warn: "doctor.authorities.warn" },
  cards: { warn: "doctor.cards.warn" },
  bluetoothAddress: { warn: "doctor.bluetoothAddress.warn" },
  clock: { warn: "doctor.clock.warn", fail: "doctor.clock.fail" },
  inbox: { warn: "doctor.inbox.warn", fail: "doctor.inbox.fail" },
  peer: { fail: "doctor.peer.fail" },
  reachable: { warn: "doctor.reachable.warn", fail: "doctor.reachable.fail" },
  notifications: { warn: "doctor.notifications.warn" },
  sleep: { warn: "doctor.sleep.warn" },
};

/** A name such as `multicast wlan0`, `port 5353` or `bluetooth address`: what it is about, and where. */
function split(name: string): { known: Known | null; place: string } {
  const named = NAMED.get(name);
  if (named) return { known: named, place: "" };
  const [first = "", ...rest] = name.split(" ");
  const known = (ORDER as readonly string[]).includes(first) ? (first as Known) : null;
  return { known, place: known === "multicast" ? rest.join(" ") : "" };
}

export interface Finding {
  key: string;
  state: CheckState;
  title: string;
  /** What is wrong, for a person; absent when it works. */
  says: string | null;
  /** What to do about it. */
  todo: string | null;
  deed: Deed | null;
  /** A command line to run. */
  command: string | null;
  /** Whether it can keep devices from each other. */
  reason: boolean;
  /** The agent's own words. */
  detail: string;
}

/** `met`: it is about a device that recognises this one, so that what strangers see is no reason. */
export function finding(row: CheckRow, at = 0, met = false): Finding {
  const { known, place } = split(row.name);
  const small = known !== null && (ASIDE.includes(known) || (met && known === "visibility" && row.state === "warn"));
  const bad = row.state === "ok" ? null : row.state;
  const said = known && bad ? SAYS[known]?.[bad] : undefined;
  const radio = isRadio(known) && bad ? radioOf(row.detail) : null;
  // Of cards and the radio the agent has many things to say, each with its words.
  const reason = radio ? radioText(radio) : known === "cards" ? knownReason(row.detail) : null;
  const lesser: PlainKey | null =
    known === null || isRadio(known) ? null : known === "multicast" && bad === "fail" ? "doctor.multicast.do.fail" : `doctor.${known}.do`;
  const fix = row.fix ? shown(row.fix, 400) : null;
  return {
    key: `${row.name} ${at}`,
    state: row.state,
    title: known === null ? t("doctor.other", { name: shown(row.name, 60) }) : place ? t("doctor.multicast.at", { place: shown(place, 20) }) : t(`doctor.${known}`),
    says: bad === null ? null : (reason ?? (said ? t(said) : shown(row.detail, 300))),
    todo: bad === null ? null : radio ? radioDo(radio) : lesser ? t(lesser) : fix,
    deed: radio === "off" ? "settings" : bad !== null && known ? (DEEDS[known] ?? null) : null,
    command: bad === null ? null : known === "firewall" ? command(fix) : radio ? radioCommand(`${row.detail} ${fix}`) : null,
    reason: bad !== null && !small,
    detail: shown(row.detail, 600),
  };
}

/** The command in a hint such as `allow it, such as: nft add …`. */
function command(fix: string | null): string | null {
  return fix === null ? null : fix.replace(/^[^:]*such as: /, "");
}

const RADIO_COMMANDS = ["systemctl start bluetooth", "systemctl restart bluetooth", "rfkill unblock bluetooth", "bluetoothctl power on"];

/** The command in a hint about Bluetooth: one of those known here, and no other. */
function radioCommand(hint: string): string | null {
  return RADIO_COMMANDS.find((line) => hint.includes(`\`${line}\``)) ?? null;
}

/** Whether another line says the same about the radio: the service and the adapter are why Bluetooth as a whole does not work. */
function saidAlready(row: CheckRow, rows: readonly CheckRow[]): boolean {
  const { known } = split(row.name);
  if (row.state === "ok" || known === "bluetooth" || !isRadio(known)) return false;
  return rows.some((other) => other.name === "bluetooth" && other.state !== "ok" && radioOf(other.detail) === radioOf(row.detail));
}

/** The reason first: what fails before what may, and what explains others before what follows from it. */
export function findings(rows: readonly CheckRow[], met = false): Finding[] {
  const rank = (row: CheckRow) => {
    const { known } = split(row.name);
    return known === null ? ORDER.length : ORDER.indexOf(known);
  };
  const aside = (row: CheckRow) => Number(!finding(row, 0, met).reason);
  return rows
    .filter((row) => !saidAlready(row, rows))
    .map((row, at) => ({ row, at }))
    .sort((a, b) =>
      (a.row.state === "ok" ? 1 : 0) - (b.row.state === "ok" ? 1 : 0) || aside(a.row) - aside(b.row) ||
      WEIGHT[a.row.state] - WEIGHT[b.row.state] || rank(a.row) - rank(b.row) || a.at - b.at)
    .map(({ row, at }) => finding(row, at, met));
}

export interface Verdict { tone: "good" | "warn" | "bad"; title: string; body: string }

/** One line that says it all. `name`: the device it is about, if any. */
export function verdict(found: readonly Finding[], name: string | null): Verdict {
  const reasons = found.filter((one) => one.reason);
  const rest = found.filter((one) => one.state !== "ok" && !one.reason).length;
  if (reasons.length > 0) {
    const count = reasons.length;
    return {
      tone: reasons.some((one) => one.state === "fail") ? "bad" : "warn",
      title: name === null ? t("doctor.reasons", { count }) : t("doctor.peer.reasons", { count, name }),
      body: count > 1 ? t("doctor.first") : "",
    };
  }
  if (rest > 0 && name === null) return { tone: "good", title: t("doctor.aside"), body: t("doctor.aside.body", { count: rest }) };
  return name === null
    ? { tone: "good", title: t("doctor.fine"), body: t("doctor.fine.body") }
    : { tone: "good", title: t("doctor.peer.fine", { name }), body: t("doctor.peer.fine.body") };
}

/** The report to hand to somebody who helps: the agent's own words, so that anybody can read them. */
export function report(rows: readonly CheckRow[], head: { version: string; when: Date; about: string | null }): string {
  const lines = [`hither ${head.version}, doctor, ${head.when.toISOString()}`];
  if (head.about !== null) lines.push(`about ${shown(head.about, 128)}`);
  for (const row of rows) {
    lines.push(`${row.state.toUpperCase().padEnd(4)}  ${shown(row.name, 60)}: ${shown(row.detail, 600)}`);
    if (row.fix) lines.push(`      -> ${shown(row.fix, 400)}`);
  }
  return `${lines.join("\n")}\n`;
}
