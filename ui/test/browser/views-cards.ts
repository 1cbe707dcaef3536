// States with certificates, cards and authorities that are pictured and checked like those of views.ts.
import type { Page } from "playwright-core";
import type { Seen } from "./views";

const sheet = (page: Page) => page.locator("dialog[open]").waitFor();
const awake = async (page: Page) => {
  await sheet(page);
  await page.waitForTimeout(600);
};
const unfold = async (page: Page) => {
  await page.locator("main article").first().waitFor();
  await page.evaluate(() => document.querySelectorAll<HTMLDetailsElement>("main details").forEach((one) => (one.open = true)));
  await page.locator("main h1").scrollIntoViewIfNeeded();
};
/** The part of the view with this heading stands at the top. */
const at = (heading: RegExp) => async (page: Page) => {
  const title = page.getByRole("heading", { name: heading, level: 2 });
  await title.waitFor();
  await page.waitForTimeout(100);
  await title.evaluate((one) => one.scrollIntoView({ block: "start" }));
};
const certificates = at(/^(Certificates|인증서)$/);
const authorities = at(/^(Authorities I trust|신뢰하는 기관)$/);

const TALL = 2600;
const identity = { view: "identity", scene: "cards" } as const;

export const CARDS: Seen[] = [
  { name: "cards", look: { ...identity, height: 1000 }, do: certificates },
  { name: "cards-all", look: { ...identity, height: TALL }, do: unfold },
  { name: "cards-authorities", look: identity, do: authorities },
  { name: "cards-off", look: { view: "identity", scene: "cards-off" }, do: certificates },
  { name: "cards-none", look: { view: "identity", scene: "cards-none" }, do: certificates },
  { name: "cards-none-authorities", look: { view: "identity", scene: "cards-none" }, do: authorities },
  { name: "cards-service", look: { view: "identity", scene: "cards-service" }, do: certificates },
  { name: "cards-faults", look: { view: "identity", scene: "cards-faults" }, do: certificates },
  {
    name: "cards-import", look: identity,
    do: async (page) => {
      await page.locator("main button[aria-haspopup=dialog]", { hasText: /Import|가져오기/ }).click();
      await sheet(page);
      await page.locator("dialog [data-file]").setInputFiles({ name: "Kim Min-ji, exported from the old laptop.p12", mimeType: "", buffer: Buffer.from([48, 1]) });
      await page.locator("dialog form").evaluate((form: HTMLFormElement) => form.requestSubmit());
      await page.locator("dialog [role=alert]").waitFor();
    },
  },
  {
    name: "cards-remove", look: identity,
    do: async (page) => {
      await page.getByRole("button", { name: /^(Remove Sam|Sam Weber, home 인증서 지우기)/ }).click();
      await awake(page);
    },
  },
  {
    name: "cards-check", look: identity,
    do: async (page) => {
      const pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
      await page.locator("main [data-file]").first().setInputFiles({ name: "ca.pem", mimeType: "", buffer: Buffer.from(pem) });
      await awake(page);
    },
  },
  {
    name: "cards-untrust", look: identity,
    do: async (page) => {
      await page.getByRole("button", { name: /^(Remove Ministry CA 3|Ministry CA 3 지우기)$/ }).click();
      await awake(page);
    },
  },
  { name: "doctor-bluetooth", look: { view: "doctor", scene: "radio-dark", height: 1100 } },
  { name: "settings-bluetooth", look: { view: "settings", scene: "radio-dark" }, do: at(/^(Bluetooth|블루투스)$/) },
  { name: "cards-settings", look: { view: "settings" }, do: certificates },
  { name: "own-pin", look: { scene: "asked-pin" }, do: sheet },
  { name: "own-pin-wrong", look: { scene: "asked-pin-wrong" }, do: sheet },
  { name: "own-pin-last", look: { scene: "asked-pin-last" }, do: sheet },
  { name: "own-pin-blocked", look: { scene: "asked-pin-blocked" }, do: sheet },
  { name: "own-pin-pad", look: { scene: "asked-pin-pad" }, do: awake },
  { name: "own-pin-bad", look: { scene: "asked-bad-pin" }, do: sheet },
  { name: "own-insert", look: { scene: "asked-insert" }, do: sheet },
  {
    name: "own-choose", look: { scene: "asked-choose" },
    do: async (page) => {
      await awake(page);
      await page.locator("dialog input[type=radio]").nth(1).check();
    },
  },
  { name: "certified-asked", look: { scene: "asked-certified" }, do: awake },
  { name: "certified-unvouched", look: { scene: "asked-unvouched" }, do: awake },
  {
    name: "certified-known-as", look: { scene: "cards", view: "identity" },
    do: async (page) => {
      await page.locator("main article").first().waitFor();
      await page.evaluate(() => (location.hash = "#/near"));
      await page.locator('main [data-drop-name="Marek’s laptop"] [aria-haspopup]').click();
      await page.locator("[role=menuitem]").nth(2).click();
      await page.locator("dialog[open] select").waitFor();
    },
  },
  {
    name: "certified-protection", look: { scene: "talk-certified", width: 1280 },
    do: async (page) => {
      await page.locator('main [data-drop-name="Ana"] [data-row-focus]').first().click();
      await page.locator("[role=log]").waitFor();
      await page.locator("header .shield").click();
      await page.locator("details summary").first().click();
    },
  },
  {
    name: "certified-person", look: identity,
    do: async (page) => {
      await page.getByRole("button", { name: /^(Change what you think of Ana|Ana에 대한 판단 바꾸기)$/ }).click();
      await sheet(page);
    },
  },
];
