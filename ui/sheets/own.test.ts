// Questions about a card or certificate of one's own: what is sent, what is kept (nothing), and what is never sent.
import { fireEvent, screen, within } from "@testing-library/svelte";
import type { Component } from "svelte";
import { expect, test, vi } from "vitest";
import { own, pin } from "~/bridge/fake/cards";
import { IDENTITIES, question } from "~/bridge/fake/rows";
import { SCENES } from "~/bridge/fake/scenes";
import { ownCertificates } from "~/state/certificates.svelte";
import { toasts } from "~/state/toasts.svelte";
import { asked, button, open, press, ripen, settle, stage } from "../test/open";
import { fits, lengths } from "./pin";
import SheetsOnly from "./Sheets.svelte";

const Sheets = SheetsOnly as unknown as Component<{ id: string | null }>;
stage();

const field = () => screen.getByLabelText("PIN") as HTMLInputElement;
const type = async (text: string) => {
  await fireEvent.input(field(), { target: { value: text } });
};
const submit = async () => {
  await fireEvent.submit(field().closest("form")!);
  await settle();
};

test("a PIN is sent once, is out of its field at once, and is nowhere on the page", async () => {
  const { agent, desk } = await open(Sheets, SCENES["asked-pin"]());
  expect(screen.getByRole("heading", { name: "PIN of “Ministry staff card”" })).toBeTruthy();
  expect(screen.getByText("To prove to Marek’s laptop who you are.")).toBeTruthy();
  expect(screen.getByText("Kim Min-ji")).toBeTruthy();
  expect(screen.getByText("To invite Marek’s laptop")).toBeTruthy();
  expect(document.activeElement).toBe(field());
  expect(field().type).toBe("password");
  let answer: () => void = () => undefined;
  const told = vi.spyOn(agent, "certificates").mockImplementation(() => new Promise((done) => (answer = () => done({ answer: "done" }))));
  await type("987654");
  await submit();
  expect(told.mock.calls).toEqual([[{ ask: "pin", question: own("pin").id, last_try: false, pin: "987654" }]]);
  expect(field().value).toBe("");
  expect(screen.getByText("The card is working …")).toBeTruthy();
  expect(document.documentElement.outerHTML).not.toContain("987654");
  await submit();
  answer();
  await settle();
  expect(told).toHaveBeenCalledTimes(1);
  expect(JSON.stringify([...desk.questions.values()])).not.toContain("987654");
  expect(JSON.stringify(localStorage)).not.toContain("987654");
});

test("a wrong PIN is told with what is left, and starts anew", async () => {
  const { agent, desk } = await open(Sheets, SCENES["asked-pin"]());
  await type("000000");
  await submit();
  desk.flush();
  await settle();
  expect(screen.getByRole("alert").textContent).toContain("That PIN was wrong. Few tries are left.");
  expect(field().readOnly).toBe(false);
  expect(document.activeElement).toBe(field());
  await type("123456");
  await submit();
  desk.flush();
  await settle();
  expect(asked(agent, "pin")).toHaveLength(2);
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("a PIN of a length the card does not take is not sent", async () => {
  const { agent } = await open(Sheets, SCENES["asked-pin"]());
  await type("123");
  await submit();
  expect(asked(agent, "pin")).toEqual([]);
  expect(screen.getByRole("alert").textContent).toContain("6 to 8 characters. No try was spent.");
  await fireEvent.input(field(), { target: { value: "" } });
  await submit();
  expect(asked(agent, "pin")).toEqual([]);
});

test("the last try is spent only when that is ticked", async () => {
  const { agent } = await open(Sheets, SCENES["asked-pin-last"]());
  expect(screen.getByText("This is the last try")).toBeTruthy();
  await type("123456");
  await submit();
  expect(asked(agent, "pin")).toEqual([]);
  expect((button("Unlock") as HTMLButtonElement).disabled).toBe(true);
  await fireEvent.click(screen.getByRole("checkbox", { name: "I am sure of the PIN: spend the last try" }));
  await settle();
  await submit();
  expect(asked(agent, "pin")).toMatchObject([{ last_try: true, pin: "123456" }]);
});

test("a locked card is not asked at all, and its PUK is named", async () => {
  await open(Sheets, SCENES["asked-pin-blocked"]());
  expect(screen.getByText(/locked after too many wrong PINs\. Its PUK can unlock it/)).toBeTruthy();
  expect(screen.queryByLabelText("PIN")).toBeNull();
  expect(screen.queryByRole("button", { name: "Unlock" })).toBeNull();
});

test("a reader with keys takes the PIN itself: none is sent", async () => {
  const { agent } = await open(Sheets, SCENES["asked-pin-pad"]());
  expect(screen.queryByLabelText("PIN")).toBeNull();
  await ripen();
  vi.spyOn(agent, "certificates").mockImplementation((ask) => {
    agent.asked.push(ask);
    return new Promise(() => undefined);
  });
  await press(button("Start on the reader"));
  expect(asked(agent, "pin")).toEqual([{ ask: "pin", question: own("pin").id, last_try: false }]);
  expect(screen.getByText("Enter your PIN on the reader now, and confirm it there.")).toBeTruthy();
});

test("Esc and Cancel say no to a PIN question, and put nothing off", async () => {
  const { agent, desk } = await open(Sheets, SCENES["asked-pin"]());
  await type("12345");
  await fireEvent(screen.getByRole("dialog"), new Event("cancel", { cancelable: true }));
  await settle();
  desk.flush();
  await settle();
  expect(asked(agent, "decline")).toEqual([{ ask: "decline", question: own("pin").id, block: false }]);
  expect(asked(agent, "pin")).toEqual([]);
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("keys meant for a message do not land in the PIN", async () => {
  const { hear } = await open(Sheets);
  const message = document.createElement("textarea");
  document.body.append(message);
  message.focus();
  await hear({ event: "question", ...own("pin") });
  expect(document.activeElement).toBe(screen.getByRole("heading", { name: /^PIN of/ }));
  message.remove();
});

test("a question of somebody else waits while a PIN is asked, and a second card does not take the place of the first", async () => {
  const { hear } = await open(Sheets, SCENES["asked-pin"]());
  await hear({ event: "question", ...question("Bo") });
  await hear({ event: "question", ...own("pin", { id: "other", expires: 5, pin: pin({ token: "Another card" }) }) });
  expect(screen.getAllByRole("dialog")).toHaveLength(1);
  expect(screen.queryByRole("alertdialog")).toBeNull();
  expect(screen.getByRole("heading", { name: "PIN of “Ministry staff card”" })).toBeTruthy();
  await hear({ event: "question-gone", id: own("pin").id, why: "answered" });
  expect(screen.getByRole("heading", { name: "PIN of “Another card”" })).toBeTruthy();
  await hear({ event: "question-gone", id: "other", why: "expired" });
  expect(screen.getByRole("alertdialog", { name: "Bo wants to connect" })).toBeTruthy();
});

test("a card that is not there is waited for, with a way out", async () => {
  const { agent } = await open(Sheets, SCENES["asked-insert"]());
  expect(screen.getByRole("heading", { name: "Insert “Ministry staff card”" })).toBeTruthy();
  expect(screen.getByText(/neither another card nor the key of this device/)).toBeTruthy();
  vi.spyOn(agent, "proximity").mockImplementation(async (ask) => {
    agent.asked.push(ask);
    return { answer: "done" };
  });
  await press(button("Look again"));
  expect(asked(agent, "accept")).toMatchObject([{ question: own("insert-card").id, same_code: false }]);
  await press(button("Cancel"));
  expect(asked(agent, "decline")).toHaveLength(1);
});

test("a card that was never seen here is asked for without a made-up name", async () => {
  const { hear } = await open(Sheets);
  await hear({ event: "question", ...own("insert-card", { pin: pin({ token: "card-0123abcd", subject: "", min: 0, max: 0 }) }) });
  expect(screen.getByRole("heading", { name: "Insert your card" })).toBeTruthy();
});

test("a yes that waits for a card is not asked for again, unless it comes to nothing", async () => {
  const { agent, desk, hear } = await open(Sheets);
  vi.spyOn(agent, "proximity").mockImplementation(async (ask) => {
    agent.asked.push(ask);
    return { answer: "answered", question: "q" };
  });
  const invite = question("Bo", { id: "q", code: null, proven: "stored", trust: "verified" });
  await hear({ event: "question", ...invite });
  await ripen();
  await press(button("Accept"));
  expect(desk.later).toBe(0);
  expect(screen.queryByRole("alertdialog")).toBeNull();
  await hear({ event: "question", ...own("pin", { invite: null }) });
  expect(screen.getByRole("heading", { name: /^PIN of/ })).toBeTruthy();
  await hear(
    { event: "question-gone", id: own("pin").id, why: '"Staff" is blocked after too many wrong PINs', code: "PinBlocked" },
  );
  await hear({ event: "question", ...invite });
  expect(toasts.list.map((toast) => toast.text)).toEqual(["This card is locked after too many wrong PINs. Its PUK can unlock it."]);
  expect(screen.getByRole("alertdialog", { name: "Bo wants to connect" })).toBeTruthy();
});

test("no certificate is chosen beforehand, those that cannot be used say why, and the choice is sent", async () => {
  const { agent } = await open(Sheets, SCENES["asked-choose"]());
  const radios = screen.getAllByRole("radio") as HTMLInputElement[];
  expect(radios.map((one) => [one.checked, one.disabled])).toEqual([[false, false], [false, false], [false, true], [false, false], [false, true]]);
  expect(screen.getByText("Cannot be used: It is meant for something other than signing in.")).toBeTruthy();
  await ripen();
  expect((button("Use this one") as HTMLButtonElement).disabled).toBe(true);
  await fireEvent.click(radios[1]!);
  await settle();
  await fireEvent.submit(radios[1]!.closest("form")!);
  await settle();
  expect(asked(agent, "choose")).toEqual([{ ask: "choose", question: own("choose-certificate").id, identity: radios[1]!.value }]);
});

test("who somebody is by a certificate stands apart from the name they chose", async () => {
  await open(Sheets, SCENES["asked-certified"]());
  const mark = screen.getByRole("group", { name: "Certified: Marek Nowak, by Ministry CA 3" });
  expect(within(mark).getByText("Marek Nowak")).toBeTruthy();
  expect(screen.getByRole("heading", { level: 2 }).textContent).toBe("Marek’s laptop wants to connect");
});

test("a certificate nobody vouches for proves no name", async () => {
  await open(Sheets, SCENES["asked-unvouched"]());
  expect(screen.getByText(/nobody you trust vouches for it: it names an authority you trust, but is not signed by it/)).toBeTruthy();
  expect(screen.queryByRole("group", { name: /^Certified/ })).toBeNull();
});

test("who has certificates may say by which one to be known, without a card being touched", async () => {
  ownCertificates.seen(IDENTITIES);
  const none = await open(Sheets, SCENES["asked-invite"]());
  expect(screen.queryByLabelText("Be known by")).toBeNull();
  none.page.unmount();
  ownCertificates.seen([...IDENTITIES, { ...IDENTITIES[0]!, id: "x", source: "file", current: false }]);
  const { agent } = await open(Sheets, SCENES["asked-invite"]());
  await ripen();
  await fireEvent.change(screen.getByLabelText("Be known by"), { target: { value: "ask" } });
  await press(button("Same code – accept"));
  expect(asked(agent, "accept")).toMatchObject([{ identity: "ask" }]);
  expect(asked(agent, "identities")).toEqual([]);
  ownCertificates.seen(IDENTITIES);
});

test("an invite goes out with the identity that was chosen, and without a word about it otherwise", async () => {
  ownCertificates.seen([...IDENTITIES.map((row) => ({ ...row, current: false })), { ...IDENTITIES[0]!, id: "x", source: "file", current: true, subject: "CN=Kim Min-ji" }]);
  const { agent, desk } = await open(Sheets);
  desk.invite({ peer: "aa", name: "Bo" }, { note: true });
  await settle();
  expect(screen.getByRole("option", { name: "Kim Min-ji (in use)" })).toBeTruthy();
  await fireEvent.change(screen.getByLabelText("Be known by"), { target: { value: "local" } });
  await press(button("Invite"));
  expect(asked(agent, "invite")).toMatchObject([{ peer: "aa", identity: "local" }]);
  desk.close();
  desk.invite({ peer: "bb", name: "Bo" });
  await settle();
  expect(asked(agent, "invite")[1]).not.toHaveProperty("identity");
  ownCertificates.seen(IDENTITIES);
});

test("an invite that a locked card ended says so, and leads to the certificates", async () => {
  const { agent, desk, hear } = await open(Sheets);
  desk.invite({ peer: "aa", name: "Bo" });
  await settle();
  const failure = { code: "PinBlocked", message: '"Staff card" is blocked after too many wrong PINs' } as const;
  await hear({ event: "invite-ended", invite: agent.lastInvite, failure });
  expect(screen.getByRole("alert").textContent).toBe("This card is locked after too many wrong PINs. Its PUK can unlock it.");
  await press(button("See certificates"));
  expect(location.hash).toBe("#/identity");
});

test("lengths are said in words, and an empty PIN never fits", () => {
  expect([lengths(6, 8), lengths(6, 6), lengths(4, 0), lengths(0, 12), lengths(0, 0)]).toEqual([
    "6 to 8 characters", "6 characters", "At least 4 characters", "At most 12 characters", null,
  ]);
  expect([fits("", 0, 0), fits("12345", 6, 8), fits("123456", 6, 8), fits("123456789", 6, 8), fits("🔑🔑🔑🔑", 4, 4), fits("x", 0, 0)]).toEqual([
    false, false, true, false, true, true,
  ]);
});
