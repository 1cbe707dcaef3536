// States of the secondary views that are pictured and checked like those of views.ts.
import type { Page } from "playwright-core";
import type { Seen } from "./views";

const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });
const sheet = (page: Page) => page.locator("dialog[open]").waitFor();

/** Opens everything that is folded. */
const unfold = async (page: Page) => {
  await page.locator("main details summary").first().waitFor();
  await page.evaluate(() => document.querySelectorAll<HTMLDetailsElement>("main details").forEach((one) => (one.open = true)));
  await page.locator("main h1").scrollIntoViewIfNeeded();
};

/** The question above the view is left for later. */
const putOff = async (page: Page) => {
  await sheet(page);
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
};

/** The agent takes its time. */
const silence = (page: Page) => page.evaluate("void (window.fake.proximity = () => new Promise(() => undefined))");

const TALL = 1500;

export const MORE: Seen[] = [
  { name: "links", look: { view: "links" } },
  { name: "links-empty", look: { view: "links", scene: "empty" } },
  { name: "links-failed", look: { view: "links", scene: "broken" } },
  {
    name: "links-made", look: { view: "links" },
    do: async (page) => {
      await page.locator("main form button[type=submit]").click();
      await page.locator("main svg.qr").waitFor();
    },
  },
  {
    name: "links-loading", look: { view: "near" },
    do: async (page) => {
      await silence(page);
      await page.evaluate(() => (location.hash = "#/links"));
      await page.waitForTimeout(700);
    },
  },
  { name: "history", look: { view: "history" } },
  { name: "history-empty", look: { view: "history", scene: "empty" } },
  { name: "history-many", look: { view: "history", scene: "many" } },
  {
    name: "history-nothing", look: { view: "history" },
    do: async (page) => {
      await page.locator("[data-search]").fill("zeppelin");
      await page.locator("main [role=list]").waitFor({ state: "detached" });
    },
  },
  {
    name: "history-line", look: { view: "history" },
    do: async (page) => {
      await page.locator("main button[data-row-focus]").first().click();
      await sheet(page);
    },
  },
  { name: "identity", look: { view: "identity" } },
  { name: "identity-all", look: { view: "identity", height: TALL }, do: unfold },
  {
    name: "identity-qr", look: { view: "identity" },
    do: async (page) => {
      await page.locator("main button[aria-haspopup=dialog]").first().click();
      await sheet(page);
    },
  },
  { name: "identity-empty", look: { view: "identity", scene: "first" } },
  {
    name: "identity-person", look: { view: "identity" },
    do: async (page) => {
      await page.locator("main li button").first().click();
      await sheet(page);
    },
  },
  {
    name: "identity-forget", look: { view: "identity" },
    do: async (page) => {
      await page.locator("main li button").first().click();
      await page.locator("dialog[open] footer button").first().click();
      await page.locator("dialog[role=alertdialog]").waitFor();
      await page.waitForTimeout(600);
    },
  },
  { name: "capabilities", look: { view: "capabilities" } },
  {
    name: "capabilities-revoke", look: { view: "capabilities" },
    do: async (page) => {
      await page.getByRole("switch").first().click();
      await page.locator("dialog[role=alertdialog]").waitFor();
      await page.waitForTimeout(600);
    },
  },
  { name: "doctor", look: { view: "doctor" } },
  { name: "doctor-all", look: { view: "doctor", height: TALL }, do: unfold },
  { name: "doctor-fine", look: { view: "doctor", scene: "empty" } },
  {
    name: "doctor-looking", look: { view: "doctor" },
    do: async (page) => {
      await silence(page);
      await button(page, /^(Look again|다시 진단)$/).click();
    },
  },
  { name: "doctor-failed", look: { view: "doctor", scene: "broken" } },
  {
    name: "doctor-peer", look: { view: "doctor" },
    do: async (page) => {
      await page.locator("main select").selectOption({ label: "Workshop NAS" });
      await button(page, /Copy report|결과 복사/).waitFor();
    },
  },
  { name: "settings", look: { view: "settings" } },
  { name: "settings-all", look: { view: "settings", height: TALL }, do: unfold },
  { name: "settings-dead", look: { view: "settings", scene: "dead" } },
  {
    name: "settings-stop", look: { view: "settings" },
    do: async (page) => {
      await button(page, /^(Stop hither|hither 멈추기)$/).click();
      await page.locator("dialog[role=alertdialog]").waitFor();
      await page.waitForTimeout(600);
    },
  },
  { name: "bad-identity", look: { view: "identity", scene: "hostile" }, do: putOff },
  { name: "bad-history", look: { view: "history", scene: "hostile" }, do: putOff },
  { name: "bad-doctor", look: { view: "doctor", scene: "hostile" }, do: putOff },
];
