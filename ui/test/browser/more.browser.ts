// The secondary views by keyboard alone, in a real engine: the focus is never lost, lists are walked, a link does not stay.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage } from "./stage";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
});

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
const lost = (page: Page) => page.evaluate(() => document.activeElement === document.body || document.activeElement === null);
const settle = (page: Page) => page.waitForTimeout(150);

test("arrow keys walk the history across its days, and Enter opens a line", async () => {
  const page = await stage.show({ view: "history" });
  await page.keyboard.press("Control+f");
  await page.keyboard.press("ArrowDown");
  expect(await focused(page)).toBe("Today");
  const seen: string[] = [];
  for (let step = 0; step < 8; step += 1) {
    await page.keyboard.press("ArrowDown");
    await settle(page);
    seen.push(await focused(page));
  }
  expect(seen[0]).toContain("You received from Ana");
  expect(seen[6]).toBe("Yesterday");
  expect(seen[7]).toContain("Marek’s laptop");
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("Escape");
  await settle(page);
  expect(await focused(page)).toContain("Marek’s laptop");
  await page.context().close();
});

test("two thousand lines of history are scrolled by drawing only what is seen", async () => {
  const page = await stage.show({ view: "history", scene: "many" });
  await page.locator("main [data-row-focus]").first().focus();
  await page.keyboard.press("End");
  await settle(page);
  expect(await page.locator("main [role=listitem]").count()).toBeLessThan(60);
  expect(await lost(page)).toBe(false);
  await page.context().close();
});

test("making, taking back and hiding a link never loses the focus, and the link does not stay", async () => {
  const page = await stage.show({ view: "links" });
  await page.locator("main form button[type=submit]").press("Enter");
  await page.locator("main svg.qr").waitFor();
  expect(await lost(page)).toBe(false);
  const box = await page.locator("main svg.qr").boundingBox();
  expect(box!.width).toBeGreaterThanOrEqual(300);
  await page.getByRole("button", { name: "Done, hide it" }).press("Enter");
  await settle(page);
  expect(await lost(page)).toBe(false);
  expect(await page.content()).not.toContain("hither://");

  await page.locator("main form button[type=submit]").press("Enter");
  await page.locator("main svg.qr").waitFor();
  await page.evaluate(() => (location.hash = "#/near"));
  await settle(page);
  expect(await page.content()).not.toContain("hither://");
  await page.evaluate(() => (location.hash = "#/links"));
  await settle(page);
  expect(await page.content()).not.toContain("hither://");

  await page.locator("main li button").first().press("Enter");
  await settle(page);
  expect(await lost(page)).toBe(false);
  await page.context().close();
});

test("a QR code is large enough for a phone in a narrow window, too", async () => {
  const page = await stage.show({ view: "links", width: 360, height: 640 });
  await page.locator("main form button[type=submit]").click();
  const box = await page.locator("main svg.qr").boundingBox();
  expect(box!.width).toBeGreaterThanOrEqual(260);
  await page.context().close();
});

test("forgetting somebody by keyboard goes on from the view", async () => {
  const page = await stage.show({ view: "identity" });
  await page.getByRole("button", { name: "Change what you think of 김서연" }).press("Enter");
  await page.getByRole("button", { name: "Forget …" }).press("Enter");
  await page.locator("dialog[role=alertdialog]").waitFor();
  await page.waitForTimeout(700);
  await page.getByRole("button", { name: "Forget", exact: true }).press("Enter");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await settle(page);
  expect(await lost(page)).toBe(false);
  expect(await page.getByRole("button", { name: "Change what you think of 김서연" }).count()).toBe(0);
  await page.context().close();
});

test("a switch keeps the focus while its change is made", async () => {
  const page = await stage.show({ view: "settings" });
  const notices = page.getByRole("switch", { name: "Notifications" });
  await notices.press("Space");
  await settle(page);
  expect(await notices.getAttribute("aria-checked")).toBe("false");
  expect(await notices.evaluate((one) => one === document.activeElement)).toBe(true);
  await page.context().close();
  expect(stage.complaints).toEqual([]);
});
