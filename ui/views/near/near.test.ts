// Devices near as Bluetooth hears them: nearness in words, distance only in details and never without its error, the state
// of the radio where a person looks for it, and the switches for it.
import { cleanup, screen, within } from "@testing-library/svelte";
import { beforeEach, expect, test, vi } from "vitest";
import { NOON, peer, peerId } from "~/bridge/fake/rows";
import { SCENES } from "~/bridge/fake/scenes";
import { asked, button, open, press, settle, stage } from "../../test/open";
import { setLanguage } from "~/text/text.svelte";
import Session from "../session/Session.svelte";
import Settings from "../settings/Settings.svelte";
import { deviceFacts, distance } from "./device";
import Near from "./Near.svelte";

stage();
beforeEach(() => setLanguage("en"));

const rows = () => screen.getAllByRole("listitem").map((row) => row.textContent ?? "");
const row = (name: string) => screen.getAllByRole("listitem").find((one) => one.textContent?.includes(name))!;
const names = () => screen.getAllByRole("listitem").map((one) => one.querySelector(".name")!.textContent);
/** What is announced about the radio. */
const radio = () => document.querySelector(".radio[role=status]")!.textContent!.trim();
const dark = "Bluetooth is switched off on this computer, so only devices on your networks are found.";
const switched = (name: string) => screen.getByRole("switch", { name });

async function details(name: string) {
  await press(button(`More for ${name}`));
  await press(screen.getByRole("menuitem", { name: "About this device", hidden: true }));
  return screen.getByRole("dialog", { name });
}

test("a row says in words how near a device is and over what it is heard, without figures", async () => {
  HTMLElement.prototype.showPopover = HTMLElement.prototype.hidePopover = () => undefined;
  await open(Near);
  expect(row("Marek").textContent).toContain("Right beside you");
  expect(row("Marek").textContent).toContain("Heard over: Bluetooth");
  expect(row("Conference").textContent).toContain("In range");
  expect(row("김서연").textContent).not.toMatch(/In range|Near/);
  for (const text of rows()) expect(text).not.toMatch(/dBm| m\b/);
});

test("the details say the distance with its error, the signal, and that neither proves anything", async () => {
  const { hear } = await open(Near);
  const sheet = await details("Ana");
  expect(within(sheet).getByText("about 2 m, probably 1 to 4 m")).toBeTruthy();
  expect(within(sheet).getByText("-64 dBm")).toBeTruthy();
  expect(within(sheet).getByText(/It never proves who somebody is\./)).toBeTruthy();
  await hear({ event: "peer-removed", ...peer("Ana") });
  expect(screen.getByRole("dialog", { name: "Ana" })).toBeTruthy();
  await press(within(sheet).getAllByRole("button", { name: "Close" })[0]!);
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("details of a device that no radio hears have nothing about nearness", () => {
  const facts = deviceFacts(peer("Ana"), "en").map((fact) => fact.term);
  expect(facts).toEqual(["Trust", "Heard over", "Addresses", "Id"]);
  const radioOnly = deviceFacts(peer("Ana", { media: ["ble"], routes: [], nearness: "near" }), "en").map((fact) => fact.term);
  expect(radioOnly).toEqual(["Trust", "Heard over", "How near", "Id"]);
});

test("a distance never stands without its error", () => {
  expect(distance(0.5, "en")).toBe("about 0.5 m, probably 0.3 to 1 m");
  expect(distance(14, "en")).toBe("about 14 m, probably 7 to 28 m");
});

test("a radio that is off is said where a person looks, and its going off while they look is announced", async () => {
  const { hear } = await open(Near, SCENES["radio-dark"]());
  expect(radio()).toContain(dark);
  await hear({ event: "medium", medium: "ble", state: "on" });
  expect(radio()).toBe("");
  await hear({ event: "medium", medium: "ble", state: "the Bluetooth service (bluetoothd) does not run" });
  expect(radio()).toContain("Bluetooth does not answer on this computer");
});

test("no adapter is nothing to speak of, and a radio switched off by choice only where nobody is found", async () => {
  const { hear } = await open(Near, SCENES["radio-none"]());
  expect(radio()).toBe("");
  await hear({ event: "medium", medium: "ble", state: "off" });
  expect(radio()).toBe("");
  await hear({ event: "medium", medium: "ble", state: "starting" });
  expect(radio()).toBe("");
  await hear(SCENES.empty().snapshot);
  await hear({ event: "medium", medium: "ble", state: "off" });
  expect(radio()).toContain("Bluetooth is not in use");
});

test("while Near is on the screen the agent is told that somebody looks, and not when the window is put away", async () => {
  const { agent, page, desk } = await open(Near);
  expect(asked(agent, "look")).toHaveLength(1);
  vi.spyOn(desk, "clock").mockReturnValue(NOON * 1000 + 20_000);
  const seen = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  vi.advanceTimersByTime(5_000);
  expect(asked(agent, "look")).toHaveLength(1);
  seen.mockReturnValue("visible");
  document.dispatchEvent(new Event("visibilitychange"));
  expect(asked(agent, "look")).toHaveLength(2);
  page.unmount();
  vi.spyOn(desk, "clock").mockReturnValue(NOON * 1000 + 90_000);
  vi.advanceTimersByTime(30_000);
  expect(asked(agent, "look")).toHaveLength(2);
  vi.restoreAllMocks();
});

test("a row does not move away under the pointer, and moves once the pointer is gone", async () => {
  const { hear } = await open(Near);
  const before = names();
  const list = screen.getByRole("list").closest(".list")!;
  list.dispatchEvent(new MouseEvent("pointermove", { bubbles: true }));
  await hear({ event: "peer-updated", ...peer("김서연", { trust: "verified", media: ["mdns", "ble"], nearness: "touching" }) });
  expect(names()).toEqual(before);
  list.dispatchEvent(new MouseEvent("pointerleave"));
  await settle();
  expect(names()).not.toEqual(before);
  expect(names().indexOf("김서연")).toBeLessThan(before.indexOf("김서연"));
});

test("a conversation that only Bluetooth carries says that there is no network, and what to do", async () => {
  await open(Session, SCENES["radio-only"](), peerId("Ana"));
  expect(screen.getByText(/^No network joins you and Ana, so this goes over Bluetooth/)).toBeTruthy();
  expect(screen.getByText("Connected over Bluetooth")).toBeTruthy();
  await press(button("Protection"));
  expect(screen.getByText("Address").nextElementSibling?.textContent).toBe("Bluetooth");
  cleanup();
  await open(Session, SCENES.busy(), peerId("Ana"));
  expect(screen.queryByText(/No network joins/)).toBeNull();
});

test("Bluetooth has a switch of its own, and the rule about nearness says that it proves nothing", async () => {
  const { agent } = await open(Settings);
  expect(switched("Use Bluetooth").getAttribute("aria-checked")).toBe("true");
  await press(switched("Use Bluetooth"));
  expect(switched("Use Bluetooth").getAttribute("aria-checked")).toBe("false");
  expect(screen.getByText(/a radio signal can be relayed/)).toBeTruthy();
  await press(switched("Accept by itself only from devices that are near"));
  expect(asked(agent, "set")).toEqual([
    { ask: "set", change: { bluetooth: false } }, { ask: "set", change: { near_only: true } },
  ]);
});

test("Settings say why Bluetooth does not work, in the person's language", async () => {
  const { hear } = await open(Settings, SCENES["radio-none"](), null, "ko");
  expect(screen.getByText("이 컴퓨터에 블루투스 어댑터가 없거나 빠져 있습니다.")).toBeTruthy();
  await hear({ event: "medium", medium: "ble", state: "off" });
  expect(screen.getByText(/^지금은 쓰지 않습니다/)).toBeTruthy();
  await hear({ event: "medium", medium: "ble", state: "on" });
  expect(screen.queryByText(/^지금은 쓰지 않습니다/)).toBeNull();
});
