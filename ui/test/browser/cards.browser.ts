// Cards and certificates by keyboard alone, in a real engine: the PIN goes where it belongs and nowhere else, the focus is
// never lost when cards come and go, files are read by the page.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Ask } from "../../bridge/words";
import { Stage } from "./stage";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
});

const asked = (page: Page, ask: string) =>
  page.evaluate((wanted) => window.fake!.asked.filter((one) => one.ask === wanted), ask) as Promise<Ask[]>;
const lost = (page: Page) => page.evaluate(() => document.activeElement === document.body || document.activeElement === null);
const settle = (page: Page) => page.waitForTimeout(150);

test("a PIN by keyboard: wrong once, told, right, and the page has forgotten both", async () => {
  const page = await stage.show({ scene: "asked-pin" });
  const field = page.getByLabel("PIN", { exact: true });
  await field.waitFor();
  expect(await field.evaluate((one) => one === document.activeElement)).toBe(true);
  expect(await field.getAttribute("autocomplete")).toBe("off");
  await page.keyboard.type("654321");
  await page.keyboard.press("Enter");
  await page.getByText("That PIN was wrong. Few tries are left.").waitFor();
  expect(await field.inputValue()).toBe("");
  expect(await page.content()).not.toContain("654321");
  await page.keyboard.type("123456");
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  expect(await asked(page, "pin")).toMatchObject([{ pin: "654321", last_try: false }, { pin: "123456", last_try: false }]);
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage, here: location.href }))).not.toContain("123456");
  await page.context().close();
});

test("the last try needs a tick of its own, by keyboard too", async () => {
  const page = await stage.show({ scene: "asked-pin-last" });
  await page.getByLabel("PIN", { exact: true }).waitFor();
  await page.keyboard.type("123456");
  await page.keyboard.press("Enter");
  await settle(page);
  expect(await asked(page, "pin")).toEqual([]);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await settle(page);
  expect(await asked(page, "pin")).toMatchObject([{ pin: "123456", last_try: true }]);
  await page.context().close();
});

test("Esc says no, and the focus goes back to where it was", async () => {
  const page = await stage.show();
  await page.locator("main [data-row-focus]").first().focus();
  await page.evaluate(() => window.fake!.tell({
    event: "question", id: "q", kind: "insert-card", peer: "p", name: "Ana", trust: "verified", proven: "stored", expires: 60,
    pin: { token: "Staff", reader: "Reader", subject: "CN=Kim", reason: "", tries: "plenty", pad: false, min: 4, max: 8 },
  }));
  await page.getByRole("heading", { name: "Insert “Staff”" }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  expect(await asked(page, "decline")).toMatchObject([{ question: "q", block: false }]);
  expect(await page.evaluate(() => document.activeElement?.hasAttribute("data-row-focus"))).toBe(true);
  await page.context().close();
});

test("what is typed into a message when a PIN is asked does not become a PIN", async () => {
  const page = await stage.show();
  await page.getByRole("button", { name: "Open the conversation with Ana" }).click();
  await page.locator("textarea").focus();
  await page.evaluate(() => window.fake!.tell({
    event: "question", id: "q", kind: "pin", peer: "p", name: "Ana", trust: "verified", proven: "stored", expires: 60,
    pin: { token: "Staff", reader: "Reader", subject: "CN=Kim", reason: "", tries: "plenty", pad: false, min: 4, max: 8 },
  }));
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.type("hello there");
  await page.keyboard.press("Enter");
  await settle(page);
  expect(await asked(page, "pin")).toEqual([]);
  expect(await page.getByLabel("PIN", { exact: true }).inputValue()).toBe("");
  await page.context().close();
});

test("the picture of the card stands still for who wants less motion", async () => {
  const page = await stage.show({ scene: "asked-insert" });
  await page.locator("dialog .scene").waitFor();
  expect(await page.evaluate(() => document.querySelector("dialog .scene .card")!.getAnimations().length)).toBe(0);
  await page.context().close();
});

test("a card that is taken out under the focus does not take it along", async () => {
  const page = await stage.show({ scene: "cards", view: "identity" });
  await page.getByRole("button", { name: "Use Kim Min-ji", exact: true }).focus();
  await page.evaluate(() => window.fake!.wallet.put([], (news) => window.fake!.tell(news)));
  await page.getByRole("article", { name: "Kim Min-ji", exact: true }).waitFor({ state: "detached" });
  await settle(page);
  expect(await lost(page)).toBe(false);
  await page.context().close();
});

test("a certificate is chosen with arrow keys and Enter", async () => {
  const page = await stage.show({ scene: "asked-choose" });
  await page.locator("dialog[open]").waitFor();
  await page.waitForTimeout(600);
  await page.getByRole("radio").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await settle(page);
  const id = await page.evaluate(() => window.fake!.wallet.identities[1]!.id);
  expect(await asked(page, "choose")).toMatchObject([{ identity: id }]);
  await page.context().close();
});

test("a file is read by the page and imported with its password", async () => {
  const page = await stage.show({ scene: "cards-none", view: "identity" });
  await page.getByRole("button", { name: "Import a file …" }).press("Enter");
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Choose a file …" }).press("Enter"),
  ]);
  await chooser.setFiles({ name: "kim.p12", mimeType: "application/x-pkcs12", buffer: Buffer.from([0x30, 0x82, 1, 2]) });
  await page.getByText("kim.p12").waitFor();
  await page.keyboard.type("secret");
  await page.keyboard.press("Enter");
  await page.getByRole("article", { name: "Lee Seo-yeon" }).waitFor();
  expect(await asked(page, "import-identity")).toMatchObject([{ file: "MIIBAg==", password: "secret" }]);
  expect(await page.content()).not.toContain("MIIBAg==");
  expect(await lost(page)).toBe(false);
  await page.context().close();
});

test("an authority's rules keep the focus while they are set", async () => {
  const page = await stage.show({ scene: "cards", view: "identity" });
  const rule = page.getByRole("group", { name: "What the word of Lab Root is good for" }).getByRole("switch").first();
  await rule.press("Space");
  await settle(page);
  expect(await rule.getAttribute("aria-checked")).toBe("true");
  expect(await rule.evaluate((one) => one === document.activeElement)).toBe(true);
  await page.context().close();
  expect(stage.complaints).toEqual([]);
});
