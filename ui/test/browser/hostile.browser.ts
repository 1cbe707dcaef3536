// g1: peers' words (HTML, script, bidi, 10,000 characters, emoji, NUL) in every view are inert and break no layout; and no
// view is ever wider than its window, down to 360 pixels and at three times the size.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage } from "./stage";
import { SEEN } from "./views";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
});

const VIEWS = ["near", "transfers", "links", "history", "identity", "capabilities", "doctor", "settings"] as const;

/** What must never be: markup that came alive, a page wider than its window, words that run over its edge. */
async function faults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    if ("hacked" in window) found.push("a script ran");
    for (const element of document.body.querySelectorAll("img, iframe, object, embed, form[action], a[href^='javascript' i]")) {
      found.push(`alive: ${element.outerHTML.slice(0, 80)}`);
    }
    if (document.body.querySelectorAll("script").length > 1) found.push("another script");
    if (document.documentElement.scrollWidth > window.innerWidth) found.push("the page is wider than its window");
    for (const frame of document.querySelectorAll<HTMLElement>("main, main .scroll, dialog[open], dialog[open] .body")) {
      if (frame.scrollWidth > frame.clientWidth + 1) found.push(`${frame.className || frame.tagName} is wider than its frame`);
    }
    const hidden = /[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069\u200b]/;
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      if (hidden.test(node.nodeValue ?? "")) found.push(`hidden characters: ${JSON.stringify(node.nodeValue?.slice(0, 40))}`);
    }
    return [...new Set(found)];
  });
}

test.each([1080, 360])("g1 hostile words are inert in every view at %i pixels", async (width) => {
  const found: string[] = [];
  const page = await stage.show({ scene: "hostile", width, height: 720 });
  page.on("dialog", (dialog) => {
    found.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.locator("dialog[open]").waitFor();
  await stage.picture(page, `hostile-question-${width}`);
  for (const fault of await faults(page)) found.push(`question: ${fault}`);
  await page.keyboard.press("Escape");
  const peer = await page.locator("main [data-drop-peer]").first().getAttribute("data-drop-peer");
  for (const view of [...VIEWS, `session/${peer}`]) {
    await page.evaluate((hash) => (location.hash = hash), `#/${view}`);
    await page.waitForTimeout(120);
    await stage.picture(page, `hostile-${view.split("/")[0]}-${width}`);
    for (const fault of await faults(page)) found.push(`${view}: ${fault}`);
  }
  await page.locator("header .shield").click();
  for (const fault of await faults(page)) found.push(`protection: ${fault}`);
  await page.context().close();
  expect(found).toEqual([]);
  expect(stage.complaints).toEqual([]);
});

test.each([
  ["360 pixels", { width: 360, height: 640 }], ["three times the size", { width: 400, height: 260, scale: 3 }],
] as const)("every view fits: %s", async (_, size) => {
  const found: string[] = [];
  for (const seen of SEEN) {
    if (seen.name === "visible") continue;
    const page = await stage.show({ ...seen.look, ...size });
    await seen.do?.(page);
    for (const fault of await faults(page)) found.push(`${seen.name}: ${fault}`);
    await page.context().close();
  }
  expect(found).toEqual([]);
}, 240_000);
