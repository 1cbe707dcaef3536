// g1: peers' words (HTML, script, bidi, 10,000 characters, emoji, NUL) in every view are inert and break no
// layout.
import { afterAll, beforeAll, expect, test } from "vitest";
import { faults } from "./faults";
import { Stage } from "./stage";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
});

const VIEWS = ["near", "transfers", "links", "history", "identity", "capabilities", "doctor", "settings"] as const;

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
