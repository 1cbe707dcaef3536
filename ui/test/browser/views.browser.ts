// Every view and sheet, in both languages, light and dark: pictured into ui/test-output/pictures (to be looked at), nothing
// serious by axe-core, nothing wider than its window down to 360 pixels and at three times the size, and no complaint of
// the page (errors, broken Content Security Policy).
import { afterAll, beforeAll, expect, test } from "vitest";
import { barriers, faults } from "./faults";
import { Stage, type Look } from "./stage";
import { SEEN } from "./views";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
});

interface Way { way: string; look: Look; axe?: boolean; narrow?: boolean; picture?: boolean; only?: string[] }

// HITHER_VIEWS=near,history looks at these only, while one works on them.
const WANTED = process.env["HITHER_VIEWS"]?.split(",");

const MAIN = ["near", "session", "asked-invite", "transfers"];
const WAYS: Way[] = [
  { way: "en-light", look: {}, axe: true, picture: true },
  { way: "en-dark", look: { dark: true }, axe: true, picture: true },
  { way: "ko-light", look: { lang: "ko" }, axe: true, picture: true },
  { way: "ko-dark", look: { lang: "ko", dark: true }, axe: true, picture: true },
  { way: "ko-narrow", look: { lang: "ko", width: 360, height: 640 }, narrow: true, picture: true },
  { way: "three times", look: { width: 400, height: 260, scale: 3 }, narrow: true },
  { way: "contrast", look: { contrast: true }, axe: true, picture: true, only: MAIN },
  { way: "forced", look: { forced: true }, picture: true, only: MAIN },
  { way: "rail", look: { width: 800 }, picture: true, only: MAIN },
  { way: "sharp", look: { scale: 2, width: 1000, height: 660 }, picture: true, only: MAIN },
];

test.concurrent.each(WAYS)("every view: $way", async ({ way, look, axe, narrow, picture, only }) => {
  const found: string[] = [];
  for (const seen of SEEN) {
    // The card with one's own name is not there in a narrow window; the menu "More" has its place.
    if ((narrow && seen.name === "visible") || (only && !only.includes(seen.name))) continue;
    if (WANTED && !WANTED.includes(seen.name)) continue;
    const page = await stage.show({ ...seen.look, ...look, width: look.width ?? seen.look.width });
    await seen.do?.(page);
    for (const fault of await faults(page)) found.push(`${seen.name}: ${fault}`);
    if (picture) await stage.picture(page, `${seen.name}-${way}`);
    if (axe) for (const barrier of await barriers(page)) found.push(`${seen.name}: ${barrier}`);
    await page.context().close();
  }
  expect(found).toEqual([]);
  expect(stage.complaints).toEqual([]);
}, 900_000);
