// The secondary views against the scripted agent: what is asked first, what stays secret, what a failure leaves.
import { cleanup, fireEvent, screen, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { NOON, peerId } from "~/bridge/fake/rows";
import { SCENES } from "~/bridge/fake/scenes";
import { toasts } from "~/state/toasts.svelte";
import { asked, button, open, press, ripen, settle, stage } from "../test/open";
import Capabilities from "./capabilities/Capabilities.svelte";
import Doctor from "./doctor/Doctor.svelte";
import History from "./history/History.svelte";
import Identity from "./identity/Identity.svelte";
import Links from "./links/Links.svelte";
import Settings from "./settings/Settings.svelte";

stage();

test("switching off what ends conversations asks first and names them", async () => {
  const { agent } = await open(Capabilities);
  await press(screen.getByRole("switch", { name: "Meet devices near you" }));
  expect(asked(agent, "set-capability")).toEqual([]);
  const sheet = screen.getByRole("alertdialog");
  expect(within(sheet).getByText("2 open conversations end: Ana, Workshop NAS")).toBeTruthy();
  await ripen();
  await press(within(sheet).getByRole("button", { name: "Switch off" }));
  expect(asked(agent, "set-capability")).toEqual([{ ask: "set-capability", name: "proximity", granted: false }]);
  expect(screen.getByRole("switch", { name: "Meet devices near you" }).getAttribute("aria-checked")).toBe("false");
});

test("what this version does not declare has no switch", async () => {
  await open(Capabilities);
  expect(screen.getAllByRole("switch")).toHaveLength(4);
});

test("forgetting somebody asks first, and leaving the question forgets nobody", async () => {
  const { agent } = await open(Identity);
  await press(button("Change what you think of Ana"));
  await press(button("Forget …"));
  expect(screen.getByText("Your open conversation with it ends.")).toBeTruthy();
  await press(within(screen.getByRole("alertdialog")).getByRole("button", { name: "Cancel" }));
  expect(asked(agent, "trust-set")).toEqual([]);
  await press(button("Forget …"));
  await ripen();
  await press(button("Forget"));
  expect(asked(agent, "trust-set")).toEqual([{ ask: "trust-set", peer: peerId("Ana"), to: "forget" }]);
  expect(screen.queryByRole("button", { name: "Change what you think of Ana" })).toBeNull();
});

test("nobody can be marked as verified whose key was never proven", async () => {
  await open(Identity);
  await press(button("Change what you think of Workshop NAS"));
  expect((screen.getByRole("radio", { name: /^Verified/ }) as HTMLInputElement).disabled).toBe(true);
  expect((screen.getByRole("radio", { name: /^Met before/ }) as HTMLInputElement).checked).toBe(true);
});

test("the fingerprint is read sign by sign and copied whole", async () => {
  const { agent, desk } = await open(Identity);
  const print = screen.getByRole("img", { name: /^Fingerprint in 16 groups/ });
  expect(print.getAttribute("aria-label")).toContain([...desk.me!.peer.slice(0, 4)].join(" ") + ", ");
  await press(button("Copy fingerprint"));
  expect(agent.copied).toEqual([desk.me!.peer]);
});

test("a link is copied as a secret, is covered when the window is put away, and is gone when the view is left", async () => {
  const { agent, page } = await open(Links);
  const copy = vi.spyOn(agent, "copyText");
  await press(button("Make the link"));
  expect(asked(agent, "make-link")).toEqual([{ ask: "make-link", expires: 600, uses: 1 }]);
  await press(button("Copy link"));
  expect(copy).toHaveBeenCalledWith(expect.stringMatching(/^hither:/), true);
  expect(document.body.innerHTML).toContain("hither://");

  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  expect(document.body.innerHTML).not.toContain("hither://");
  expect(screen.queryByRole("img", { name: "QR code of the invite link" })).toBeNull();
  await press(button("Show it again"));
  expect(document.body.innerHTML).toContain("hither://");

  page.unmount();
  expect(document.body.innerHTML).not.toContain("hither://");
  vi.restoreAllMocks();
});

test("a link that ends is taken from the screen and said", async () => {
  const { desk } = await open(Links);
  await press(button("Make the link"));
  desk.now = (NOON + 601) * 1000;
  await settle();
  expect(document.body.innerHTML).not.toContain("hither://");
  expect(toasts.list.map((toast) => toast.text)).toContain("Your link has ended without being used up.");
});

test("a failure is shown in place with a way to try again", async () => {
  const { agent } = await open(History, SCENES.broken());
  expect(screen.getByText(/There is no way to the other device/)).toBeTruthy();
  const before = asked(agent, "history").length;
  await press(button("Try again"));
  expect(asked(agent, "history")).toHaveLength(before + 1);
});

test("the doctor begins with the reason, and asks about a device when one is chosen", async () => {
  const { agent } = await open(Doctor);
  expect(screen.getByText("2 things may keep devices from seeing you")).toBeTruthy();
  const items = within(screen.getByRole("list", { name: "What was found" })).getAllByRole("heading");
  expect(items.map((one) => one.textContent)).toEqual(["Who sees this device: May be a reason", "Firewall: May be a reason", "Folder for received files: Does not work"]);
  cleanup();
  const about = await open(Doctor, SCENES.busy(), peerId("Workshop NAS"));
  expect(asked(about.agent, "doctor")).toEqual([{ ask: "doctor", peer: peerId("Workshop NAS") }]);
  expect(asked(agent, "doctor")).toEqual([{ ask: "doctor", peer: null }]);
});

test("the inbox is set by a token; no path ever comes from the page", async () => {
  const { agent } = await open(Settings);
  await press(button("Choose a folder …"));
  expect(asked(agent, "set")).toEqual([{ ask: "set", change: { inbox: "t2" } }]);
});

test("interfaces are sent all together, and a name that cannot be one is refused here", async () => {
  const { agent } = await open(Settings);
  const field = screen.getAllByRole("textbox", { name: "Name of a network" })[0]!;
  await fireEvent.input(field, { target: { value: "a b" } });
  await fireEvent.submit(field.closest("form")!);
  expect(screen.getByRole("alert").textContent).toBe("1 to 15 letters, digits and signs, without spaces.");
  await fireEvent.input(field, { target: { value: "wlan0" } });
  await fireEvent.submit(field.closest("form")!);
  await settle();
  expect(asked(agent, "set")).toEqual([{ ask: "set", change: { interfaces: { include: ["wlan0"], exclude: ["docker0"], virtual: false } } }]);
});

test("stopping says what ends before it does", async () => {
  const { agent } = await open(Settings);
  await press(button("Stop hither"));
  expect(asked(agent, "stop")).toEqual([]);
  expect(within(screen.getByRole("alertdialog")).getByText("2 open conversations end: Ana, Workshop NAS")).toBeTruthy();
  await ripen();
  await press(within(screen.getByRole("alertdialog")).getByRole("button", { name: "Stop" }));
  expect(asked(agent, "stop")).toHaveLength(1);
});
