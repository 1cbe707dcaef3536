// Pictures of every view, light and dark, English and Korean, wide and narrow, into ui/test-output/pictures: to be looked
// at. What a page complains about on the way (errors, broken Content Security Policy) fails the test.
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage, type Look } from "./stage";
import { SEEN } from "./views";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
});

const WAYS: [string, Look][] = [
  ["en-light", {}],
  ["ko-dark", { lang: "ko", dark: true }],
  ["ko-narrow", { lang: "ko", width: 360, height: 640 }],
];

/** The main states once more: more contrast, the system's own colours, the rail, and sharp ones for the README. */
const SOME = ["near", "session", "asked-invite", "transfers"];
const OTHER: [string, Look][] = [
  ["contrast", { contrast: true }],
  ["forced", { forced: true }],
  ["rail", { width: 800 }],
  ["sharp", { scale: 2, width: 1000, height: 660 }],
];

test("the main views in other looks", async () => {
  for (const [way, more] of OTHER) {
    for (const seen of SEEN.filter((one) => SOME.includes(one.name))) {
      const page = await stage.show({ ...seen.look, ...more });
      await seen.do?.(page);
      await stage.picture(page, `${seen.name}-${way}`);
      await page.context().close();
    }
  }
  expect(stage.complaints).toEqual([]);
}, 120_000);

test.each(WAYS)("every view can be pictured without a complaint: %s", async (way, more) => {
  for (const seen of SEEN) {
    const narrow = (more.width ?? 1000) < 720;
    if (narrow && (seen.name === "visible" || seen.name === "near-drop")) continue;
    const page = await stage.show({ ...seen.look, ...more, width: more.width ?? seen.look.width });
    await seen.do?.(page);
    await stage.picture(page, `${seen.name}-${way}`);
    await page.context().close();
  }
  expect(stage.complaints).toEqual([]);
}, 240_000);
