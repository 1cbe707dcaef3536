// States of what is sent later, allowed to others, lent, and set for the background, pictured and checked like those of views.ts.
import type { Page } from "playwright-core";
import type { Seen } from "./views";

const sheet = (page: Page) => page.locator("dialog[open]").waitFor();
const settle = (page: Page) => page.evaluate(() => new Promise((done) => setTimeout(done, 60)));
const TALL = 1500;

const talk = async (page: Page) => {
  await page.locator('main [data-drop-name="Ana"] [data-row-focus]').first().click();
  await page.locator("[role=log]").waitFor();
  await settle(page);
};
/** The menu of the conversation with Ana, at this item. */
const fromMenu = (item: number) => async (page: Page) => {
  await talk(page);
  await page.locator(".talk header [aria-haspopup=menu]").click();
  await page.locator("[role=menuitem]").nth(item).click();
  await sheet(page);
};
const offered = async (page: Page) => {
  await page.evaluate("window.fake.offer({ picked: [{ token: 'a', name: 'Plan.pdf', bytes: 80000, folder: false }, { token: 'b', name: 'Pictures', bytes: null, folder: true }] })");
  await sheet(page);
  await settle(page);
};

export const LATER: Seen[] = [
  { name: "later", look: { view: "transfers", scene: "later" } },
  { name: "later-only", look: { view: "transfers", scene: "later-empty" } },
  {
    name: "later-menu", look: { view: "transfers", scene: "later" },
    do: (page) => page.locator("main [data-entry] [aria-haspopup]").first().click(),
  },
  { name: "send-several", look: {}, do: async (page) => {
    await offered(page);
    await page.locator("dialog[open] footer button").nth(1).click();
    await page.locator("dialog[open] input[type=checkbox]").nth(0).check();
    await page.locator("dialog[open] input[type=checkbox]").nth(1).check();
  } },
  {
    name: "post", look: { view: "identity" },
    do: async (page) => {
      await page.evaluate("window.fake.tell({ event: 'snapshot', ...window.fake.scene.snapshot, peers: [], sessions: [] })");
      await offered(page);
      await page.locator("dialog[open] footer button").nth(1).click();
      for (const at of [0, 1, 2]) await page.locator("dialog[open] input[type=checkbox]").nth(at).check();
      await page.locator("dialog[open] [data-deed=several]").click();
      await page.locator("dialog[open] details summary").click();
      await settle(page);
    },
  },
  {
    name: "asked-grant", look: { scene: "asked-transfer" },
    do: async (page) => {
      await sheet(page);
      await page.locator("dialog[open] input[type=checkbox]").last().check();
      await page.locator("dialog[open] fieldset").scrollIntoViewIfNeeded();
      await page.waitForTimeout(700);
    },
  },
  { name: "grants", look: { view: "capabilities", scene: "later", height: TALL } },
  {
    name: "grants-person", look: { view: "identity", scene: "later", height: 1000 },
    do: async (page) => {
      await page.locator("main li", { hasText: "Ana" }).locator("button").first().click();
      await sheet(page);
    },
  },
  {
    name: "grants-give", look: { view: "identity", scene: "later" },
    do: async (page) => {
      await page.locator("main li", { hasText: "Ana" }).locator("button").first().click();
      await page.locator("dialog[open] .deeds button").last().click();
      await page.locator("dialog[open] fieldset select").first().waitFor();
      await page.waitForTimeout(600);
    },
  },
  {
    name: "grants-revoke", look: { view: "identity", scene: "later" },
    do: async (page) => {
      await page.locator("main li", { hasText: "Ana" }).locator("button").first().click();
      await page.locator("dialog[open] [data-grant] button").first().click();
      await page.locator("dialog[role=alertdialog]").waitFor();
      await page.waitForTimeout(600);
    },
  },
  { name: "lend", look: { view: "near" }, do: fromMenu(0) },
  {
    name: "lend-wrong", look: { view: "near" },
    do: async (page) => {
      await fromMenu(0)(page);
      await page.locator("dialog[open] [data-deed=lend]").click();
    },
  },
  { name: "borrow", look: { view: "near" }, do: fromMenu(1) },
  { name: "session-web", look: { view: "near", scene: "talk-web" }, do: talk },
  {
    name: "session-ended", look: { view: "near" },
    do: async (page) => {
      await talk(page);
      await page.evaluate("window.fake.tell({ event: 'session-closed', session: window.fake.scene.snapshot.sessions[0].session, why: 'left' })");
      await settle(page);
    },
  },
  {
    name: "settings-held", look: { view: "settings", scene: "later", height: TALL },
    do: async (page) => {
      await page.locator("main details summary").first().waitFor();
      await page.evaluate(() => document.querySelectorAll<HTMLDetailsElement>("main details").forEach((one) => (one.open = true)));
      await page.locator("#held").scrollIntoViewIfNeeded();
    },
  },
  { name: "settings-background", look: { view: "settings", scene: "later-empty", height: 900 } },
  {
    name: "settings-background-ask", look: { view: "settings", scene: "later" },
    do: async (page) => {
      await page.locator("main input[name=background]").last().check({ force: true }).catch(() => undefined);
      await page.locator("dialog[role=alertdialog]").waitFor();
      await page.waitForTimeout(600);
    },
  },
  {
    name: "bad-later", look: { view: "transfers", scene: "hostile" },
    do: async (page) => {
      await sheet(page);
      await page.keyboard.press("Escape");
    },
  },
  {
    name: "bad-grants", look: { view: "capabilities", scene: "hostile", height: TALL },
    do: async (page) => {
      await sheet(page);
      await page.keyboard.press("Escape");
    },
  },
];
