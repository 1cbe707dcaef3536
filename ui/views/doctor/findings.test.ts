// The doctor's order, verdict, words and report.
import { beforeEach, expect, test } from "vitest";
import type { CheckRow, CheckState } from "~/bridge/words";
import { setLanguage } from "~/text/text.svelte";
import { finding, findings, report, verdict } from "./findings";

beforeEach(() => setLanguage("en"));

const check = (name: string, state: CheckState = "ok", detail = "detail", fix?: string): CheckRow => ({ name, state, detail, ...(fix ? { fix } : {}) });
const order = (...rows: CheckRow[]) => findings(rows).map((one) => one.key.replace(/ \d+$/, ""));

test("what keeps devices apart comes before what does not, what fails before what may, what works last", () => {
  expect(order(check("mdns"), check("inbox", "fail"), check("firewall", "warn"), check("multicast wlan0", "fail"))).toEqual([
    "multicast wlan0", "firewall", "inbox", "mdns",
  ]);
});

test("the cause stands before what follows from it", () => {
  expect(order(check("listening", "fail"), check("mdns", "fail"), check("capability", "fail"))).toEqual(["capability", "mdns", "listening"]);
});

test("the verdict counts reasons, and is bad only if one of them surely fails", () => {
  const one = verdict(findings([check("visibility", "warn"), check("sleep", "warn")]), null);
  expect(one).toEqual({ tone: "warn", title: "1 thing may keep devices from seeing you", body: "" });
  const two = verdict(findings([check("visibility", "warn"), check("interfaces", "fail")]), null);
  expect(two.tone).toBe("bad");
  expect(two.title).toBe("2 things may keep devices from seeing you");
});

test("when nothing is wrong the verdict says so, for this device and for another", () => {
  expect(verdict(findings([check("mdns")]), null).title).toBe("Everything needed works");
  expect(verdict(findings([check("mdns")]), "Ana").title).toBe("Nothing stands between you and Ana");
});

test("small things do not keep devices from seeing this one", () => {
  expect(verdict(findings([check("notifications", "warn"), check("inbox", "fail")]), null)).toMatchObject({ tone: "good", title: "Devices can see you" });
});

test("what strangers see is no reason between this device and one it met", () => {
  const rows = [check("visibility", "warn"), check("reachable", "fail")];
  expect(verdict(findings(rows, true), "Ana").title).toBe("1 thing may stand between you and Ana");
  expect(verdict(findings([check("visibility", "fail")], true), "Ana").tone).toBe("bad");
});

test("each interface is named, and a firewall's command is told without the words around it", () => {
  expect(finding(check("multicast wlan0", "warn")).title).toBe("Answers from the network (wlan0)");
  expect(finding(check("firewall", "warn", "d", "allow it, such as: nft add rule inet filter input tcp dport 7 accept")).command)
    .toBe("nft add rule inet filter input tcp dport 7 accept");
  expect(finding(check("firewall", "warn", "d", "ufw allow 7/tcp")).command).toBe("ufw allow 7/tcp");
});

test("a check that a newer agent adds is shown in the agent's own words and counts as a reason", () => {
  const found = finding(check("constructor", "fail", "it is broken", "mend it"));
  expect(found).toMatchObject({ title: "constructor", says: "it is broken", todo: "mend it", reason: true, command: null });
});

test("no command is made of anything but the firewall's line", () => {
  expect(finding(check("reachable", "fail", "d", "rm -rf /")).command).toBeNull();
});

test("the report holds every line, escaped, with what to do", () => {
  const text = report([check("firewall", "fail", "a\u202eb", "do\u0000it")], { version: "1.2.3", when: new Date(0), about: "ff" });
  expect(text).toBe("hither 1.2.3, doctor, 1970-01-01T00:00:00.000Z\nabout ff\nFAIL  firewall: a\\u{202e}b\n      -> do\\u{0}it\n");
});

const OFF = "Bluetooth is switched off: switch it on in the system's settings, or with `bluetoothctl power on`";
const BLOCKED = "Bluetooth is blocked (flight mode, or a switch of the machine): leave flight mode, or run `rfkill unblock bluetooth`";

test("lines about Bluetooth say what is wrong with the radio, and do not explain why networks are not enough", () => {
  const dark = finding(check("bluetooth", "warn", OFF, "devices on one network find each other without it"));
  expect([dark.title, dark.says, dark.deed, dark.command, dark.reason]).toEqual([
    "Bluetooth", "Bluetooth is switched off on this computer, so only devices on your networks are found.", null,
    "bluetoothctl power on", false,
  ]);
  expect(dark.todo).toContain("flight mode key");
  expect(finding(check("bluetooth", "warn", BLOCKED)).command).toBe("rfkill unblock bluetooth");
  expect(finding(check("bluetooth", "warn", "Bluetooth is blocked", "run `rm -rf bluetooth`")).command).toBeNull();
  expect(finding(check("bluetooth", "warn", "off")).deed).toBe("settings");
  const service = finding(check("bluetoothd", "warn", "bluetoothd does not run", "start it with `systemctl start bluetooth`"));
  expect([service.title, service.command, service.reason]).toEqual(["Bluetooth service", "systemctl start bluetooth", false]);
  const fixed = finding(check("bluetooth address", "warn", "the system does not hide the radio's own address"));
  expect(fixed.title).toBe("Address on Bluetooth");
  expect(fixed.says).toContain("never changes");
  expect(order(check("bluetooth address", "warn"), check("bluetooth", "warn"), check("multicast wlan0", "warn"))).toEqual([
    "multicast wlan0", "bluetooth", "bluetooth address",
  ]);
});

test("why the radio does not work is said once, and another adapter's trouble by itself", () => {
  const adapter = check("bluetooth adapter", "warn", "adapter hci0 (00:AA:01:00:00:00) is switched off, used by hither");
  expect(order(check("bluetooth", "warn", OFF), adapter)).toEqual(["bluetooth"]);
  expect(order(check("bluetooth"), adapter)).toEqual(["bluetooth adapter", "bluetooth"]);
  expect(order(check("bluetooth", "warn", OFF), check("bluetoothd", "ok", "bluetoothd 5.66 runs"))).toEqual(["bluetooth", "bluetoothd"]);
});

test("lines about cards say which thing it is, and do not explain why devices are not seen", () => {
  const card = finding({ name: "cards", state: "warn", detail: "the service for card readers (pcscd) is not running", fix: "start it" });
  expect([card.title, card.says, card.deed, card.reason]).toEqual([
    "Cards and security keys", "The service for card readers (pcscd) does not run.", "identity", false,
  ]);
  expect(finding({ name: "cards", state: "warn", detail: "something new" }).says).toBe("The card in use cannot be used as it is.");
  expect(finding({ name: "cards", state: "ok", detail: "Staff card" }).says).toBeNull();
  expect(finding({ name: "organisation", state: "fail", detail: "organisation mode is on" }).reason).toBe(true);
});
