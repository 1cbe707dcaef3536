// Every view and sheet that is pictured and checked for accessibility. `do` brings it into the state that is meant.
import type { Page } from "playwright-core";
import type { Look } from "./stage";
import { CARDS } from "./views-cards";
import { LATER } from "./views-later";
import { MORE } from "./views-more";

export interface Seen { name: string; look: Look; do?: (page: Page) => Promise<unknown> }

const ANA = '[data-drop-name="Ana"]';
const fake = (page: Page, code: string) => page.evaluate(`window.fake.${code}`);
const settle = (page: Page) => page.evaluate(() => new Promise((done) => setTimeout(done, 60)));

/** Opens the conversation with Ana from the list. */
const talk = async (page: Page) => {
  await page.locator(`main ${ANA} [data-row-focus]`).first().click();
  await page.locator("[role=log]").waitFor();
  await settle(page);
};

const invite = async (page: Page) => {
  await page.locator('main [data-drop-name="Marek’s laptop"] [data-row-focus]').click();
  await page.locator("dialog[open]").waitFor();
  await settle(page);
};

/** News about the running invite. */
const news = async (page: Page, body: string) => {
  await fake(page, `tell({ ...${body}, invite: window.fake.lastInvite })`);
  await settle(page);
};

const VIEWS: Seen[] = [
  { name: "near", look: { view: "near" } },
  { name: "near-empty", look: { view: "near", scene: "empty" } },
  { name: "near-hidden", look: { view: "near", scene: "hidden" } },
  { name: "near-first", look: { view: "near", scene: "first" } },
  { name: "near-dead", look: { view: "near", scene: "dead" } },
  { name: "near-alarm", look: { view: "near", scene: "alarm" } },
  {
    name: "near-menu", look: { view: "near" },
    do: (page) => page.locator(`main ${ANA} [aria-haspopup]`).first().click(),
  },
  {
    name: "near-device", look: { view: "near" },
    do: async (page) => {
      await page.locator('main [data-drop-name="Marek’s laptop"] [aria-haspopup]').click();
      await page.locator("[role=menuitem]").nth(4).click();
      await page.locator("dialog[open]").waitFor();
    },
  },
  { name: "near-radio", look: { view: "near", scene: "radio-dark" } },
  { name: "near-radio-empty", look: { view: "near", scene: "radio-dark-empty" } },
  { name: "near-drop", look: { view: "near" }, do: (page) => fake(page, "drop({ over: true, x: 500, y: 180 })") },
  { name: "session", look: { view: "near" }, do: talk },
  { name: "session-lent", look: { view: "near", scene: "lent" }, do: talk },
  { name: "session-radio", look: { view: "near", scene: "radio-only", width: 1280 }, do: talk },
  {
    name: "session-protection", look: { view: "near", width: 1280 },
    do: async (page) => {
      await talk(page);
      await page.locator("header .shield").click();
      await page.locator("details summary").first().click();
    },
  },
  {
    name: "session-compose", look: { view: "near" },
    do: async (page) => {
      await talk(page);
      await page.keyboard.press("Control+o");
      await page.locator(".chips li").waitFor();
      await page.locator("textarea").fill("Here are the slides.\nTell me what you think.");
    },
  },
  { name: "transfers", look: { view: "transfers" } },
  { name: "transfers-empty", look: { view: "transfers", scene: "empty" } },
  {
    name: "transfers-items", look: { view: "transfers" },
    do: async (page) => {
      await page.locator("main [role=listitem]", { hasText: "Holiday" }).locator(".deeds button").first().click();
      await page.locator("dialog [role=listitem]").first().waitFor();
      await settle(page);
    },
  },
  { name: "invite-calling", look: {}, do: invite },
  {
    name: "invite-note", look: {},
    do: async (page) => {
      await page.locator('main [data-drop-name="Marek’s laptop"] [aria-haspopup]').click();
      await page.locator("[role=menuitem]").nth(2).click();
      await page.locator("dialog[open] input").waitFor();
    },
  },
  {
    name: "invite-code", look: {},
    do: async (page) => {
      await invite(page);
      await news(page, '{ event: "code", code: "482917" }');
      await page.waitForTimeout(600);
    },
  },
  {
    name: "invite-failed", look: {},
    do: async (page) => {
      await invite(page);
      await news(page, '{ event: "invite-ended", failure: { code: "TimedOut", message: "no answer in 25 s", hint: "is it awake?" } }');
    },
  },
  { name: "asked-invite", look: { scene: "asked-invite" }, do: (page) => page.waitForTimeout(700) },
  { name: "asked-transfer", look: { scene: "asked-transfer" }, do: (page) => page.waitForTimeout(700) },
  { name: "asked-changed", look: { scene: "asked-changed" }, do: (page) => page.waitForTimeout(700) },
  { name: "link", look: { query: "&link=hither://i/1/aa%23bb" }, do: (page) => page.locator("dialog[open]").waitFor() },
  {
    name: "send", look: {},
    do: (page) => fake(page, "offer({ picked: [{ token: 'a', name: 'a.pdf', bytes: 1, folder: false }] })"),
  },
  { name: "keys", look: {}, do: (page) => page.keyboard.press("F1") },
  { name: "visible", look: {}, do: (page) => page.locator("nav .me").click() },
];

/** `ONLY=near,session` looks at some of them. */
const only = process.env.ONLY?.split(",");
const ALL = [...VIEWS, ...MORE, ...LATER, ...CARDS];
export const SEEN = only ? ALL.filter((seen) => only.some((name) => seen.name.startsWith(name))) : ALL;
