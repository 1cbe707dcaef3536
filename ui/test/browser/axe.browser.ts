// axe-core on every view and sheet, in both languages, light and dark: nothing serious or critical. And what a page
// complains about (errors, broken Content Security Policy) fails the test, too.
import axe, { type AxeResults } from "axe-core";
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

const WAYS = [
  { lang: "en", dark: false }, { lang: "en", dark: true }, { lang: "ko", dark: false }, { lang: "ko", dark: true },
] as const;

test.each(WAYS)("nothing serious in any view: $lang, dark $dark", async (way) => {
  const found: string[] = [];
  for (const seen of SEEN) {
    const page = await stage.show({ ...seen.look, ...way });
    await seen.do?.(page);
    await page.waitForTimeout(250);
    await page.evaluate(axe.source);
    const results = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as AxeResults;
    if (results.passes.length < 10) found.push(`${seen.name}: axe looked at nothing`);
    for (const one of results.violations) {
      if (one.impact !== "serious" && one.impact !== "critical") continue;
      for (const node of one.nodes.slice(0, 3)) found.push(`${seen.name}: ${one.id}: ${node.target.join(" ")}: ${node.failureSummary ?? ""}`);
    }
    await page.context().close();
  }
  expect(found).toEqual([]);
  expect(stage.complaints).toEqual([]);
}, 300_000);
