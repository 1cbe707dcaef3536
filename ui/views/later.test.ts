// What is sent later, allowed to others and lent, against the scripted agent: what a press asks of it, and what is said.
import { cleanup, fireEvent, screen, within } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { GRANTS, OUTBOX } from "~/bridge/fake/later";
import { NOON, peerId, question, session } from "~/bridge/fake/rows";
import { SCENES, type Scene } from "~/bridge/fake/scenes";
import type { Picked } from "~/bridge/words";
import { toasts } from "~/state/toasts.svelte";
import Sheets from "~/sheets/Sheets.svelte";
import { asked, button, open, press, ripen, settle, stage } from "../test/open";
import Capabilities from "./capabilities/Capabilities.svelte";
import Identity from "./identity/Identity.svelte";
import Session from "./session/Session.svelte";
import Settings from "./settings/Settings.svelte";
import Transfers from "./transfers/Transfers.svelte";

stage();
const ANA = peerId("Ana");
const PICKED: Picked[] = [{ token: "a", name: "one.txt", bytes: 1000, folder: false }];
const said = () => toasts.list.map((toast) => toast.text);
const away = (): Scene => {
  const scene = SCENES.later();
  return { ...scene, snapshot: { ...scene.snapshot, peers: [], sessions: [] } };
};

test("what waits is listed with what it waits for and until when, apart from the transfers", async () => {
  await open(Transfers, SCENES.later());
  const list = screen.getByRole("list", { name: "Waiting to be sent" });
  const texts = within(list).getAllByRole("listitem").map((one) => one.textContent?.replace(/\s+/g, " "));
  expect(texts).toHaveLength(OUTBOX.length);
  expect(texts[0]).toContain("Waiting for Ana to accept");
  expect(texts[0]).toMatch(/until .*before others/);
  expect(texts.join()).toContain("Goes when 김서연 is next seen");
  expect(texts.join()).toContain("Its time was over before Nobody you know was seen");
  expect(screen.getByRole("list", { name: "Transfers" })).toBeTruthy();
});

test("what is held goes on a press, what failed is tried again, what is withdrawn leaves the list", async () => {
  const { agent, desk } = await open(Transfers, SCENES.later());
  await press(button("Let it go: Keys to the cabin.pdf"));
  expect(asked(agent, "outbox").at(-1)).toEqual({ ask: "outbox", outbox: "change", entry: OUTBOX[2]!.entry, held: false });
  await press(button("Try now: thesis.tar.gz"));
  expect(asked(agent, "outbox").at(-1)).toMatchObject({ outbox: "change", entry: OUTBOX[4]!.entry, held: false });
  await press(button("Try now: Invitation.odt"));
  expect(asked(agent, "outbox").at(-1), "what lapsed gets time again").toMatchObject({ held: false, seconds: 604_800 });
  await press(button("Withdraw: Album.zip"));
  desk.flush();
  await settle();
  expect(asked(agent, "outbox").at(-1)).toEqual({ ask: "outbox", outbox: "withdraw", entry: OUTBOX[3]!.entry });
  expect(screen.queryByRole("button", { name: "Withdraw: Album.zip" })).toBeNull();
});

test("order, networks and time are changed from a row's menu", async () => {
  const { agent } = await open(Transfers, SCENES.later());
  for (const [item, how] of [
    ["Hold it back", { held: true }], ["Send as usual", { priority: "default" }], ["Only over free networks", { cost: "unrestricted" }],
    ["Keep for another week", { seconds: 7000 + 604_800 }],
  ] as const) {
    HTMLElement.prototype.showPopover ??= function () {};
    HTMLElement.prototype.hidePopover ??= function () {};
    const { page, agent } = await open(Transfers, SCENES.later());
    await press(screen.getAllByRole("button", { name: "More for “Album.zip”" }).at(-1)!);
    await press(screen.getAllByRole("menuitem", { name: item, hidden: true }).at(-1)!);
    expect(asked(agent, "outbox").at(-1)).toEqual({ ask: "outbox", outbox: "change", entry: OUTBOX[3]!.entry, ...how });
    page.unmount();
  }
  expect(asked(agent, "outbox")).toEqual([{ ask: "outbox", outbox: "list" }]);
});

test("what became a transfer is shown there alone, and sent only when the receipt is in", async () => {
  const { hear } = await open(Transfers, { ...SCENES.later(), later: { outbox: [] } });
  const [transfer] = [...SCENES.busy().snapshot.transfers];
  await hear({ event: "outbox", ...OUTBOX[0]!, state: "sending", waits: null, transfer: transfer!.transfer });
  expect(screen.queryByRole("list", { name: "Waiting to be sent" })).toBeNull();
  await hear({ event: "outbox", ...OUTBOX[0]!, state: "sent", waits: null, transfer: "ff" });
  expect(within(screen.getByRole("list", { name: "Waiting to be sent" })).getByText("Delivered and confirmed")).toBeTruthy();
  await hear({ event: "outbox-gone", id: OUTBOX[0]!.entry });
  expect(screen.queryByRole("list", { name: "Waiting to be sent" })).toBeNull();
});

test("an outbox that cannot be listed says so, and is asked for again", async () => {
  const { agent } = await open(Transfers, SCENES.broken());
  expect(screen.getByText(/There is no way to the other device/)).toBeTruthy();
  const before = asked(agent, "outbox").length;
  await press(screen.getAllByRole("button", { name: "Try again" })[0]!);
  expect(asked(agent, "outbox")).toHaveLength(before + 1);
});

test("files for somebody who is away go into the outbox, with a time that is said", async () => {
  const { agent, desk } = await open(Sheets, away());
  await desk.offer({ peer: ANA, name: "Ana", trust: "verified" }, PICKED);
  await settle();
  const sheet = screen.getByRole("dialog", { name: "Send to Ana" });
  expect(within(sheet).getByText("Goes when they are next seen")).toBeTruthy();
  expect(within(sheet).getByText(/^What has not gone by Saturday, March 21 is given up/)).toBeTruthy();
  await press(within(sheet).getByRole("button", { name: "Send" }));
  expect(asked(agent, "outbox").at(-1)).toEqual({
    ask: "outbox", outbox: "post", to: [ANA], paths: ["a"], seconds: 604_800, priority: "default", cost: "default",
  });
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(said()).toContain("Goes to Ana as soon as possible");
  expect(desk.outbox.size).toBe(OUTBOX.length + 1);
});

test("what an invite could not bring about can wait until they are seen", async () => {
  const { agent, desk, hear } = await open(Sheets, SCENES.later());
  desk.open({ is: "send", picked: PICKED });
  await settle();
  await press(button(/김서연/));
  await hear({ event: "invite-ended", invite: agent.lastInvite, failure: { code: "TimedOut", message: "no answer" } });
  await press(button("Send when they are seen …"));
  await press(button("Send"));
  expect(asked(agent, "outbox").at(-1)).toMatchObject({ outbox: "post", to: [peerId("김서연")], paths: ["a"] });
});

test("one drop goes to several people, of whom only known ones can be ticked", async () => {
  const { agent, desk } = await open(Sheets, SCENES.later());
  desk.open({ is: "send", picked: PICKED });
  await settle();
  expect(screen.getByRole("button", { name: /Marek/ })).toBeTruthy();
  await press(button("To several …"));
  expect(screen.queryByRole("checkbox", { name: /Marek/ })).toBeNull();
  for (const name of [/Ana/, /김서연/]) await fireEvent.click(screen.getByRole("checkbox", { name }));
  await press(button("To 2 people …"));
  await press(button("Send"));
  expect(asked(agent, "outbox").at(-1)).toMatchObject({ outbox: "post", to: [ANA, peerId("김서연")], paths: ["a"] });
});

test("people who are away are offered below those near, but not who is blocked", async () => {
  const { desk } = await open(Sheets, away());
  desk.open({ is: "send", picked: PICKED });
  await settle();
  const list = screen.getByRole("list", { name: "Away – goes when they are next seen" });
  expect(within(list).getAllByRole("button").map((one) => one.textContent?.trim())).toHaveLength(3);
  await press(within(list).getByRole("button", { name: /Workshop NAS/ }));
  expect(screen.getByRole("dialog", { name: "Send to Workshop NAS" })).toBeTruthy();
});

const offer = (more = {}): Scene => ({
  ...SCENES.busy(),
  then: [{ event: "question", ...question("Ana", { kind: "transfer", trust: "verified", proven: "stored", code: null, items: 1, bytes: 9, names: ["a.pdf"], ...more }) }],
});

test("more without asking is allowed in one sentence that says it all, and for this offer alone", async () => {
  const { agent } = await open(Sheets, offer());
  await fireEvent.click(screen.getByRole("checkbox", { name: "May send more without asking" }));
  await settle();
  expect(screen.getByText(/^Ana may send up to 1.0.GB into your hither folder, on this network only, until Saturday, March 21.$/)).toBeTruthy();
  await fireEvent.change(screen.getByRole("combobox", { name: "For" }), { target: { value: "ever" } });
  await fireEvent.change(screen.getByRole("combobox", { name: "At most" }), { target: { value: "all" } });
  await fireEvent.click(screen.getByRole("checkbox", { name: "Only on this network" }));
  await press(button("Another folder …"));
  expect(screen.getByText("Ana may send as much as there is room for into the folder “Pictures”, on any network, until you take it back.")).toBeTruthy();
  await ripen();
  await press(button("Accept"));
  expect(asked(agent, "accept")).toMatchObject([
    { to: "t2", grant: { allows: "files", bytes: null, to: "t2", until: null, here: false } },
  ]);
});

test("nobody whose key was not compared is offered to send more, and nothing is allowed that was not ticked", async () => {
  for (const more of [{ trust: "known" }, { proven: "no" }, { trust: "changed", kind: "key-changed" }, { kind: "invite", code: "482917" }]) {
    const { page } = await open(Sheets, offer(more));
    expect(screen.queryByRole("checkbox", { name: "May send more without asking" }), JSON.stringify(more)).toBeNull();
    page.unmount();
  }
  const { agent } = await open(Sheets, offer());
  await ripen();
  await press(button("Accept"));
  expect(asked(agent, "accept")[0]).not.toHaveProperty("grant");
});

test("grants are listed with what is used, until when and where; one press takes one back", async () => {
  const { agent, hear } = await open(Capabilities, SCENES.later());
  const list = screen.getByRole("list", { name: "What devices may do without asking" });
  expect(within(list).getByText(/^Ana may send up to 2.0.GB into the folder “Inbox”, on the network “Home” only, until Wednesday/)).toBeTruthy();
  expect(within(list).getByText(/^740.MB of 2.0.GB used/)).toBeTruthy();
  expect(within(list).getByText(/Not on the network you are on now/)).toBeTruthy();
  expect(within(list).getByText("All of it was used")).toBeTruthy();
  expect(within(list).getByText(/^김서연 may use your service ssh 2 times, on any network/)).toBeTruthy();
  // Nothing of Workshop NAS is on its way: no question.
  await press(within(list).getByRole("button", { name: /^Take back: Workshop NAS/ }));
  expect(asked(agent, "grant").at(-1)).toEqual({ ask: "grant", grant: "revoke", id: GRANTS[2]!.grant });
  await hear({ event: "grant", ...GRANTS[2]!, over: "revoked", usable: false });
  expect(within(screen.getByRole("list", { name: "What devices may do without asking" })).getByText("You took it back")).toBeTruthy();
});

test("taking a grant back asks first where files are on their way", async () => {
  const { agent } = await open(Capabilities, SCENES.later());
  await press(button(/^Take back: Ana may send up to 2/));
  expect(asked(agent, "grant").filter((one) => "grant" in one && one.grant === "revoke")).toEqual([]);
  const sheet = screen.getByRole("alertdialog", { name: "Take this back from Ana?" });
  expect(within(sheet).getByText("What Ana is sending by it right now stops.")).toBeTruthy();
  await ripen();
  await press(within(sheet).getByRole("button", { name: "Take back" }));
  expect(asked(agent, "grant").at(-1)).toEqual({ ask: "grant", grant: "revoke", id: GRANTS[0]!.grant });
});

test("somebody known is allowed to send without asking from their sheet, into a folder that was picked", async () => {
  const { agent } = await open(Identity, SCENES.later());
  await press(button("Change what you think of Ana"));
  await press(button("Let them send without asking …"));
  await press(button("Another folder …"));
  await ripen();
  await press(button("Allow"));
  expect(asked(agent, "grant").at(-1)).toEqual({
    ask: "grant", grant: "give", peer: ANA, allows: "files", bytes: 1_000_000_000, to: "t2", until: NOON + 604_800, here: true,
  });
  cleanup();
  await open(Identity, SCENES.later());
  await press(button("Change what you think of Workshop NAS"));
  expect(screen.queryByRole("button", { name: "Let them send without asking …" })).toBeNull();
});

test("a service is lent after its name and port were said, and not when the person says no to the shell", async () => {
  const { agent } = await open(Session, SCENES.busy(), ANA);
  await openMenu();
  await press(screen.getByRole("menuitem", { name: "Let them use a service …", hidden: true }));
  await press(button("Go on …"));
  expect(screen.getAllByRole("alert").map((one) => one.textContent)).toEqual([
    "1 to 32 of a–z, 0–9, - _ and . without spaces.", "A number from 1 to 65535.",
  ]);
  await fireEvent.input(screen.getByRole("textbox", { name: "What it is called" }), { target: { value: "web" } });
  await fireEvent.input(screen.getByRole("textbox", { name: /^Port/ }), { target: { value: "8080" } });
  agent.says = false;
  await press(button("Go on …"));
  expect(asked(agent, "expose")).toEqual([]);
  expect(screen.getByRole("dialog")).toBeTruthy();
  agent.says = true;
  await press(button("Go on …"));
  expect(asked(agent, "expose")).toEqual([
    { ask: "expose", name: "web", target: "127.0.0.1:8080", to: [ANA], lasts: "until-closed", seconds: null },
  ]);
  expect(said()).toContain("Ana may use web now");
});

test("a service of theirs is used by its name, at an address that the agent finds", async () => {
  const { agent } = await open(Session, SCENES.busy(), ANA);
  await openMenu();
  await press(screen.getByRole("menuitem", { name: "Use a service of theirs …", hidden: true }));
  await fireEvent.input(screen.getByRole("textbox", { name: "What it is called there" }), { target: { value: "wiki" } });
  await press(button("Use it"));
  expect(asked(agent, "forward")).toEqual([{ ask: "forward", peer: ANA, name: "wiki" }]);
  expect(said()).toContain("Reach wiki at 127.0.0.1:34567");
});

async function openMenu(): Promise<void> {
  HTMLElement.prototype.showPopover ??= function () {};
  HTMLElement.prototype.hidePopover ??= function () {};
  await press(screen.getAllByRole("button").find((one) => one.getAttribute("aria-haspopup") === "menu")!);
}

test("a conversation that has ended offers to send files for later", async () => {
  const { desk, hear } = await open(Session, SCENES.busy(), ANA);
  await hear({ event: "session-closed", session: session("Ana").session, peer: ANA, why: "left" });
  await press(button("Send files for later …"));
  expect(desk.sheet).toMatchObject({ is: "post", to: [{ peer: ANA, name: "Ana" }] });
});

test("a session through a web server says so in words", async () => {
  await open(Session, SCENES["talk-web"](), ANA);
  expect(screen.getByText("Connected through a web server")).toBeTruthy();
  expect(screen.queryByText("websocket")).toBeNull();
});

test("when hither runs is chosen here, and what that ends is said before", async () => {
  const { agent } = await open(Settings, SCENES.later());
  expect((screen.getByRole("radio", { name: /^From login on/ }) as HTMLInputElement).checked).toBe(true);
  expect(screen.getByText("Looked after by systemd.")).toBeTruthy();
  await fireEvent.click(screen.getByRole("radio", { name: /^Only while it is needed/ }));
  await settle();
  const sheet = screen.getByRole("alertdialog");
  expect(within(sheet).getByText("2 open conversations end: Ana, Workshop NAS")).toBeTruthy();
  expect(agent.keeping.background.when).toBe("always");
  await ripen();
  await press(within(sheet).getByRole("button", { name: "Go on" }));
  expect(agent.keeping.background.when).toBe("on-demand");
  expect((screen.getByRole("radio", { name: /^Only while it is needed/ }) as HTMLInputElement).checked).toBe(true);
});

test("without systemd there is no agent on demand, and it says why", async () => {
  await open(Settings, SCENES["later-empty"]());
  expect((screen.getByRole("radio", { name: /^Only while it is needed/ }) as HTMLInputElement).disabled).toBe(true);
  expect(screen.getByText("Only possible where systemd looks after your session.")).toBeTruthy();
});

test("what is held for other programs is listed with how often they were started", async () => {
  await open(Settings, SCENES.later());
  expect(screen.getByText("org.example.chat")).toBeTruthy();
  expect(screen.getByText(/^waits for connections · at 127.0.0.1:7001 · since .* · started 4 times$/)).toBeTruthy();
  expect(screen.getByText("Its last start did not go well: the program ended with 1")).toBeTruthy();
});
