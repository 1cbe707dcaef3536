// What must never be on a page: markup that came alive, a page wider than its window, hidden characters shown raw; and
// what axe-core calls serious.
import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";

export async function faults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    if ("hacked" in window) found.push("a script ran");
    const alive = "img, iframe, object, embed, form[action], a[href^='javascript' i]";
    for (const element of document.body.querySelectorAll(alive)) found.push(`alive: ${element.outerHTML.slice(0, 80)}`);
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

export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const results = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as AxeResults;
  const found = results.passes.length < 10 ? ["axe looked at nothing"] : [];
  for (const one of results.violations) {
    if (one.impact !== "serious" && one.impact !== "critical") continue;
    for (const node of one.nodes.slice(0, 3)) {
      found.push(`${one.id}: ${node.target.join(" ")}: ${(node.failureSummary ?? "").replace(/\s+/g, " ").slice(0, 200)}`);
    }
  }
  return found;
}
