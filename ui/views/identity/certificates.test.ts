// The identity view with cards: what comes and goes by itself, what is asked first, what is never kept.
import { fireEvent, screen, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { identity, token, TOKENS } from "~/bridge/fake/cards";
import { SCENES } from "~/bridge/fake/scenes";
import { toasts } from "~/state/toasts.svelte";
import { asked, button, open, press, ripen, settle, stage } from "../../test/open";
import Settings from "../settings/Settings.svelte";
import Identity from "./Identity.svelte";

stage();

const said = () => toasts.list.map((toast) => toast.text);
const article = (name: string | RegExp) => screen.getByRole("article", { name });

/** A file as the person chooses it. */
async function choose(text: string, at = 0, name = "file.pem") {
  const input = document.querySelectorAll<HTMLInputElement>("input[data-file]")[at]!;
  // jsdom's files have no bytes to be read.
  const bytes = new TextEncoder().encode(text);
  const file = { name, size: bytes.length, arrayBuffer: () => Promise.resolve(bytes.buffer) };
  Object.defineProperty(input, "files", { value: [file], configurable: true });
  await fireEvent.change(input);
  await vi.advanceTimersByTimeAsync(50);
  await settle();
}

test("a certificate is a card that can be read: name, issuer, validity, key, place", async () => {
  await open(Identity, SCENES.cards());
  const card = within(article("Kim Min-ji"));
  for (const text of ["Issued by Ministry CA 3", "Valid until May 3, 2028", "Elliptic curve P-256",
    "Key on “Ministry staff card” in Gemalto USB Smart Card Reader 00 00 · It never leaves the card"]) {
    expect(card.getByText(text), text).toBeTruthy();
  }
  expect(within(article("Kim Min-ji (signature)")).getByText("Cannot be used: It is meant for something other than signing in.")).toBeTruthy();
  expect(within(article("Kim Min-ji (signature)")).queryByRole("button", { name: /^Use / })).toBeNull();
  expect(within(article("Sam Weber, home")).getByText("Valid until Apr 2, 2026 · 18 days left")).toBeTruthy();
  expect(screen.getByText("Locked after too many wrong PINs. Its PUK can unlock it.")).toBeTruthy();
});

test("one is used and not used any more; only files can be removed, after a question", async () => {
  const { agent } = await open(Identity, SCENES.cards());
  await press(button("Use Kim Min-ji"));
  expect(asked(agent, "use-identity")).toEqual([{ ask: "use-identity", identity: identity("Kim Min-ji").id }]);
  expect(within(article("Kim Min-ji")).getByText("In use")).toBeTruthy();
  await press(button("Stop using Kim Min-ji"));
  expect(asked(agent, "use-identity")[1]).toEqual({ ask: "use-identity", identity: "local" });
  expect(screen.queryByText("In use")).toBeNull();

  expect(screen.queryByRole("button", { name: "Remove Kim Min-ji" })).toBeNull();
  await press(button("Remove Sam Weber, home"));
  expect(asked(agent, "remove-identity")).toEqual([]);
  await ripen();
  await press(within(screen.getByRole("alertdialog")).getByRole("button", { name: "Remove" }));
  expect(asked(agent, "remove-identity")).toHaveLength(1);
  expect(screen.queryByRole("article", { name: "Sam Weber, home" })).toBeNull();
});

test("to be asked each time can be chosen, too", async () => {
  const { agent } = await open(Identity, SCENES.cards());
  const select = screen.getByLabelText("Be known by") as HTMLSelectElement;
  expect([...select.options].map((one) => one.textContent)).toEqual([
    "This device alone", "Kim Min-ji – Ministry CA 3", "Sam Weber, home – Weber Family CA", "Ask me which certificate",
  ]);
  expect(select.value).toBe("local");
  await fireEvent.change(select, { target: { value: "ask" } });
  await settle();
  expect(asked(agent, "use-identity")).toEqual([{ ask: "use-identity", identity: "ask" }]);
  expect((screen.getByLabelText("Be known by") as HTMLSelectElement).value).toBe("ask");
});

test("a card without a PIN yet is not called locked by wrong PINs", async () => {
  const { agent, desk } = await open(Identity, SCENES["cards-none"]());
  agent.wallet.put([token("Fresh card", [], { state: "blocked", tries: "plenty" })], (news) => agent.tell(news));
  desk.flush();
  await settle();
  expect(screen.getByText("Its PIN has to be set first, with the card’s own software.")).toBeTruthy();
  expect(screen.queryByText(/wrong PINs/)).toBeNull();
});

test("a card appears when it is inserted, vanishes when it is taken out, and both are said", async () => {
  const { agent, desk } = await open(Identity, SCENES["cards-none"]());
  expect(screen.getByText("Insert your card")).toBeTruthy();
  const put = async (rows: typeof TOKENS) => {
    agent.wallet.put(rows, (news) => agent.tell(news));
    desk.flush();
    await settle();
  };
  await put([token("New card", [identity("Park Ji-ho", { token: "New card" })])]);
  expect(article("Park Ji-ho")).toBeTruthy();
  expect(screen.getByText("“New card” is there")).toBeTruthy();
  expect(screen.queryByText("Insert your card")).toBeNull();
  await put([]);
  expect(screen.queryByRole("article", { name: "Park Ji-ho" })).toBeNull();
  expect(screen.getByText("“New card” was taken out")).toBeTruthy();
});

test("no card is touched before it is allowed, and one switch allows it", async () => {
  const { agent } = await open(Identity, SCENES["cards-off"]());
  expect(asked(agent, "tokens")).toEqual([]);
  await press(screen.getByRole("switch", { name: "Use my cards and certificates" }));
  expect(asked(agent, "set-capability")).toEqual([{ ask: "set-capability", name: "sharedUserCertificates", granted: true }]);
  expect(article("Kim Min-ji")).toBeTruthy();
});

test("why there is no card is said: no service for readers, software that does not work", async () => {
  const none = await open(Identity, SCENES["cards-service"]());
  expect(screen.getByText("The service for card readers does not run")).toBeTruthy();
  none.page.unmount();
  await open(Identity, SCENES["cards-faults"]());
  expect(screen.getByText("1 piece of card software does not work")).toBeTruthy();
  expect(screen.getByText(/It is missing, or is no software for cards/)).toBeTruthy();
});

test("expired ones are shown when asked for, and the filter keeps hardware alone", async () => {
  const { agent } = await open(Identity, SCENES.cards());
  expect(screen.queryByRole("article", { name: "Kim Min-ji (2022)" })).toBeNull();
  await press(screen.getByRole("checkbox", { name: "Also expired and replaced ones" }));
  expect(asked(agent, "identities").at(-1)).toMatchObject({ all: true });
  expect(within(article("Kim Min-ji (2022)")).getByText("Expired on May 3, 2025")).toBeTruthy();
  await press(screen.getByRole("checkbox", { name: "Only keys in hardware" }));
  expect(screen.queryByRole("article", { name: "Sam Weber, home" })).toBeNull();
  expect(article("Kim Min-ji")).toBeTruthy();
});

test("looking again asks for everything anew", async () => {
  const { agent } = await open(Identity, SCENES.cards());
  const before = asked(agent, "tokens").length;
  await press(button("Look again"));
  expect(asked(agent, "tokens")).toHaveLength(before + 1);
});

test("a file is imported by its bytes; its password is out of the field at once and stays nowhere", async () => {
  const { agent } = await open(Identity, SCENES["cards-none"]());
  await press(button("Import a file …"));
  const dialog = within(screen.getByRole("dialog"));
  await choose("0\u0082file", 0, "kim.p12");
  expect(dialog.getByText("kim.p12")).toBeTruthy();
  const password = dialog.getByLabelText("Password of the file") as HTMLInputElement;
  expect(password.type).toBe("password");
  const send = async (text: string) => {
    await fireEvent.input(password, { target: { value: text } });
    await fireEvent.submit(password.closest("form")!);
    await settle();
  };
  await send("");
  expect(dialog.getByRole("alert").textContent).toBe("The file has a password. Enter it below.");
  await send("hunter2hunter2");
  expect(dialog.getByRole("alert").textContent).toBe("That password is wrong.");
  expect(password.value).toBe("");
  expect(document.documentElement.outerHTML).not.toContain("hunter2");
  await send("secret");
  expect(asked(agent, "import-identity").at(-1)).toMatchObject({ file: btoa(String.fromCharCode(...new TextEncoder().encode("0\u0082file"))) });
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(said()).toContain("Imported: Lee Seo-yeon");
  expect(article("Lee Seo-yeon")).toBeTruthy();
});

test("an authority is added, compared by its fingerprint, and removed again if that differs", async () => {
  const { agent } = await open(Identity, SCENES["cards-none"]());
  await choose("garbage");
  expect(screen.getByRole("alert").textContent).toContain("The file has to hold one certificate, as PEM or DER, and nothing else.");
  await choose("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----");
  expect(within(screen.getByRole("alertdialog")).getByText("Partner CA")).toBeTruthy();
  await press(button("Remove it again"));
  expect(asked(agent, "remove-authority")).toHaveLength(1);
  expect(screen.queryByRole("article", { name: "Partner CA" })).toBeNull();
  await choose("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----");
  await ripen();
  await press(button("It is the same, keep it"));
  expect(article("Partner CA")).toBeTruthy();
  // Trusting it changes nothing else by itself.
  const rules = within(screen.getByRole("group", { name: "What the word of Partner CA is good for" })).getAllByRole("switch");
  expect(rules.map((one) => one.getAttribute("aria-checked"))).toEqual(["false", "false"]);
});

test("what an authority's word is good for is two switches, each its own", async () => {
  const { agent } = await open(Identity, SCENES.cards());
  const rules = within(screen.getByRole("group", { name: "What the word of Ministry CA 3 is good for" }));
  await press(rules.getByRole("switch", { name: "Its word replaces comparing a code" }));
  expect(asked(agent, "set-authority")).toMatchObject([{ codeless: true }]);
  expect(asked(agent, "set-authority")[0]).not.toHaveProperty("invite");
  expect(rules.getByRole("switch", { name: "Its word replaces comparing a code" }).getAttribute("aria-checked")).toBe("true");
});

test("a revocation list that is out of date is told with what follows, and a new one replaces it", async () => {
  await open(Identity, SCENES.cards());
  expect(screen.getByText(/should have been replaced on Mar 1, 2026\. Add the newest one/)).toBeTruthy();
  await choose("-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----", 1, "lab.crl");
  expect(said()).toContain("The revocation list is in use");
  expect(screen.queryByText(/should have been replaced/)).toBeNull();
});

test("removing an authority asks first", async () => {
  const { agent } = await open(Identity, SCENES.cards());
  await press(button("Remove Lab Root"));
  await press(within(screen.getByRole("alertdialog")).getByRole("button", { name: "Cancel" }));
  expect(asked(agent, "remove-authority")).toEqual([]);
  await press(button("Remove Lab Root"));
  await ripen();
  await press(button("Stop trusting"));
  expect(asked(agent, "remove-authority")).toHaveLength(1);
});

test("organisation mode says what follows, and warns where nobody could come in", async () => {
  const { agent } = await open(Identity, SCENES["cards-none"]());
  expect(screen.getByText("You trust no authority yet: as it is, nobody new could invite you.")).toBeTruthy();
  await press(screen.getByRole("switch", { name: "Organisation mode" }));
  expect(asked(agent, "set")).toEqual([{ ask: "set", change: { organisation: true } }]);
  expect(screen.getByRole("switch", { name: "Organisation mode" }).getAttribute("aria-checked")).toBe("true");
});

test("three switches about cards are set on their own", async () => {
  const { agent } = await open(Settings);
  for (const name of ["Organisation mode", "End conversations when the card is taken out", "Accept certificates although the revocation list is out of date"]) {
    await press(screen.getByRole("switch", { name }));
  }
  expect(asked(agent, "set").map((one) => (one.ask === "set" ? one.change : null))).toEqual([
    { organisation: true }, { card_bound: true }, { stale_crl: true },
  ]);
  expect(screen.getByText("A stolen card that was revoked since the last list would be accepted.")).toBeTruthy();
});

test("people are shown with who certifies them, and without a name where nobody does", async () => {
  await open(Identity, SCENES.cards());
  expect(screen.getByRole("group", { name: "Certified: Ana Silva, by Ministry CA 3" })).toBeTruthy();
  expect(screen.getByText("Shows a certificate that nobody you trust vouches for")).toBeTruthy();
});
