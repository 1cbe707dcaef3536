// The agent's words about the radio, sorted into what a person can do something about.
import { beforeEach, expect, test } from "vitest";
import { radioDo, radioFailure, radioOf, radioText } from "./radio";
import { setLanguage } from "./text.svelte";

beforeEach(() => setLanguage("en"));

test("each state of the radio is told from the others, with the agent's advice behind it or without", () => {
  const said = {
    "on": "on",
    "off": "off",
    "starting": "starting",
    "AccessDenied: the capability proximity was revoked": "off",
    "bluetoothd does not run": "service",
    "adapter hci0 (00:AA:01:00:00:00) is blocked, used by hither": "dark",
    "adapter hci0 (00:AA:01:00:00:00) is switched off, used by hither": "dark",
    "adapter hci0 (00:AA:01:00:00:00) is switched on, cannot announce, used by hither": "mute",
    "there is no Bluetooth adapter: plug one in, or go on without Bluetooth": "none",
    "the chosen Bluetooth adapter is not there: plug it in, or choose another one": "gone",
    "Bluetooth is switched off: switch it on in the system's settings, or with `bluetoothctl power on`": "dark",
    "Bluetooth is blocked (flight mode, or a switch of the machine): leave flight mode, or run `rfkill unblock bluetooth`": "dark",
    "the system's message bus does not run, so Bluetooth cannot be reached": "service",
    "the Bluetooth service (bluetoothd) does not run": "service",
    "the Bluetooth service does not answer: it is tried again; if that lasts, `systemctl restart bluetooth` helps": "service",
    "this user is not permitted to use Bluetooth: add this user to the group that may use Bluetooth": "denied",
    "this Bluetooth adapter cannot announce this device: devices are still found on the local network": "mute",
    "other programs use all places the Bluetooth adapter has for announcing": "mute",
  };
  for (const [words, radio] of Object.entries(said)) expect(radioOf(words), words).toBe(radio);
});

test("what is not known is a fault without a cause, and never silence", () => {
  expect(radioOf("something new")).toBe("broken");
  expect(radioOf("Bluetooth failed: org.bluez.Error.NotPermitted: not permitted, no Bluetooth adapter")).toBe("broken");
});

test("every state but a working one has a sentence and something to do, in both languages", () => {
  for (const tag of ["en", "ko"] as const) {
    setLanguage(tag);
    for (const radio of ["off", "starting", "none", "gone", "dark", "service", "denied", "mute", "broken"] as const) {
      expect(radioText(radio)).toMatch(/\.$/);
      expect(radioDo(radio)).toMatch(/\.$/);
    }
    expect([radioText("on"), radioDo("on")]).toEqual([null, null]);
  }
});

test("an invite that radio alone could carry no further says why and what to do", () => {
  expect(radioFailure("that device is heard by Bluetooth, but no network joins the two")).toMatch(/hotspot/);
  expect(radioFailure("the device did not let this one in")).toMatch(/visible to everyone/);
  expect(radioFailure("no answer in 25 s")).toBeNull();
});
