// What a person does, from the first key to the agent's log of what it was asked.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Ask } from "../../bridge/words";
import { Stage } from "./stage";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
});

const asked = (page: Page, ask: string) =>
  page.evaluate((wanted) => window.fake!.asked.filter((one) => one.ask === wanted), ask) as Promise<Ask[]>;
const tell = (page: Page, news: string) => page.evaluate(`window.fake.tell(${news})`);
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");

/** Tab until the focus is on something with this text. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let at = 0; at < 60; at += 1) {
    await page.keyboard.press("Tab");
    if ((await focused(page)) === text) return;
  }
  throw new Error(`Tab never reached ${text}`);
}

test("g10 an invite by keyboard alone at twice the size: the code is read digit by digit, both words are kept", async () => {
  const page = await stage.show({ width: 540, height: 360, scale: 2 });
  await page.keyboard.press("Control+f");
  await page.keyboard.type("marek");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  expect(await asked(page, "invite")).toHaveLength(1);
  await tell(page, "{ event: 'code', invite: window.fake.lastInvite, code: '482917' }");
  const code = page.locator("[data-code]");
  await code.waitFor();
  expect(await code.getAttribute("aria-label")).toBe("Your code: 4 8 2 9 1 7");
  const box = (await code.boundingBox())!;
  expect(box.width).toBeLessThanOrEqual(540);
  await page.waitForTimeout(550);
  await tabTo(page, "Yes, the same");
  await page.keyboard.press("Enter");
  expect(await asked(page, "confirm-code")).toMatchObject([{ same: true }]);
  await page.context().close();
});

test("g2 a question that comes up under a held key or a quick click is not accepted, and nothing is its default", async () => {
  const page = await stage.show({ scene: "asked-transfer" });
  await page.locator("dialog[open]").waitFor();
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H2");
  for (let at = 0; at < 5; at += 1) await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  expect(await asked(page, "accept")).toEqual([]);
  // In one breath, however slow the machine: the window is looked at again, and the click comes at once.
  await page.evaluate(() => {
    window.dispatchEvent(new Event("focus"));
    document.querySelector<HTMLButtonElement>("[data-deed=accept]")!.click();
  });
  expect(await asked(page, "accept")).toEqual([]);
  await page.locator("[data-deed=accept]:not([aria-disabled])").click();
  expect(await asked(page, "accept")).toMatchObject([{ always: false, unverified: false }]);
  await page.context().close();
});

test("a question can be declined, and its asker blocked", async () => {
  const page = await stage.show({ scene: "asked-invite" });
  await page.getByRole("button", { name: "Block" }).click();
  expect(await asked(page, "decline")).toMatchObject([{ block: true }]);
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await page.context().close();
});

test("an invite accepted with its code says that the codes were compared; without comparing only in the details", async () => {
  const page = await stage.show({ scene: "asked-invite" });
  await page.waitForTimeout(600);
  await page.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Same code – accept always" }).click();
  expect(await asked(page, "accept")).toMatchObject([{ always: true, same_code: true, unverified: false }]);
  await page.context().close();
  const other = await stage.show({ scene: "asked-invite" });
  expect(await other.getByRole("button", { name: "Accept once without comparing" }).isVisible()).toBe(false);
  await other.getByText("Details").click();
  await other.waitForTimeout(600);
  await other.getByRole("button", { name: "Accept once without comparing" }).click();
  expect(await asked(other, "accept")).toMatchObject([{ same_code: false, unverified: true }]);
  await other.context().close();
});

test("the first run chooses a name and \"everyone, while I look\"", async () => {
  const page = await stage.show({ scene: "first" });
  await page.getByRole("button", { name: "Start" }).click();
  expect(await asked(page, "set-visibility")).toEqual([]);
  await page.getByLabel("Name others see").fill("Sam");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(100);
  expect((await asked(page, "set-visibility")).at(-1)).toMatchObject({ visibility: "everyone", name: "Sam", seconds: 600 });
  await page.context().close();
});

test("a conversation: a message is sent with Enter, files are attached and offered, an input method's Enter is its own", async () => {
  const page = await stage.show();
  await page.getByRole("button", { name: "Open the conversation with Ana" }).click();
  const field = page.locator("textarea");
  await field.fill("hello\nthere");
  await field.dispatchEvent("keydown", { key: "Enter", isComposing: true, keyCode: 229, bubbles: true });
  expect(await asked(page, "say")).toEqual([]);
  await field.press("Enter");
  await page.waitForTimeout(100);
  expect(await asked(page, "say")).toMatchObject([{ text: "hello\nthere" }]);
  await page.keyboard.press("Control+o");
  await page.locator(".chips li").waitFor();
  await field.press("Enter");
  await page.waitForTimeout(100);
  expect(await asked(page, "send")).toMatchObject([{ paths: ["t1"] }]);
  expect(await page.locator(".chips li").count()).toBe(0);
  await page.context().close();
});

test("files dropped on a device are offered to it; dropped beside, the window asks to whom", async () => {
  const page = await stage.show();
  const box = (await page.locator('main [data-drop-name="Ana"]').first().boundingBox())!;
  const picked = "[{ token: 'z', name: 'z.pdf', bytes: 3, folder: false }]";
  await page.evaluate(`window.fake.drop({ picked: ${picked}, x: ${box.x + 50}, y: ${box.y + 10} })`);
  expect(await asked(page, "send")).toHaveLength(1);
  await page.evaluate(`window.fake.drop({ picked: ${picked}, x: 5, y: 300 })`);
  await page.getByText("Send 1 item to whom?").waitFor();
  await page.context().close();
});

test("g3 g9 a link only asks; nothing is asked of the agent before the person agrees", async () => {
  const page = await stage.show({ query: "&link=hither://i/1/aa%23bb" });
  await page.locator("dialog[open]").waitFor();
  expect(await asked(page, "open-link")).toEqual([]);
  await page.waitForTimeout(600);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.waitForTimeout(100);
  expect(await asked(page, "open-link")).toHaveLength(1);
  await page.context().close();
});

test("long lists draw only what is seen: 500 devices, 10,000 transfers, and keys reach their ends", async () => {
  const page = await stage.show({ scene: "many" });
  const rows = () => page.locator("main [role=listitem]").count();
  expect(await rows()).toBeLessThan(40);
  await page.locator("main [data-row-focus]").first().focus();
  await page.keyboard.press("End");
  await page.waitForTimeout(100);
  expect(await page.locator("main [role=listitem]").last().getAttribute("aria-posinset")).toBe("500");
  await page.evaluate(() => (location.hash = "#/transfers"));
  await page.waitForTimeout(200);
  expect(await rows()).toBeLessThan(40);
  await page.locator("main [data-row-focus]").first().focus();
  await page.keyboard.press("End");
  await page.waitForTimeout(200);
  expect(await page.locator("main [role=listitem]").last().getAttribute("aria-posinset")).toBe("10000");
  await page.context().close();
});

test("keys: views by number, help, and Esc back from a conversation", async () => {
  const page = await stage.show();
  await page.keyboard.press("Control+2");
  expect(new URL(page.url()).hash).toBe("#/transfers");
  expect(await focused(page)).toBe("Transfers");
  await page.keyboard.press("F1");
  await page.getByRole("heading", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await page.keyboard.press("Control+1");
  await page.getByRole("button", { name: "Open the conversation with Ana" }).click();
  await page.locator("header").first().click();
  await page.keyboard.press("Escape");
  expect(new URL(page.url()).hash).toBe("#/near");
  await page.context().close();
});

test("an agent that is gone is explained, and can be called back", async () => {
  const page = await stage.show({ scene: "dead" });
  await page.getByRole("alert").getByText("does not answer").waitFor();
  await page.getByRole("button", { name: "Try now" }).click();
  await page.getByText("Nobody", { exact: false }).first().waitFor();
  expect(await page.getByRole("alert").count()).toBe(0);
  await page.context().close();
});

test("a conversation opens at its newest and stays there as it grows, unless the reader went up", async () => {
  const page = await stage.show();
  await page.getByRole("button", { name: "Open the conversation with Ana" }).click();
  const log = page.locator("[role=log]");
  const below = () => log.evaluate((frame) => frame.scrollHeight - frame.scrollTop - frame.clientHeight);
  await page.getByText("Will do. Sending you the contract.").waitFor();
  await page.waitForTimeout(200);
  expect(await below()).toBeLessThan(2);
  await page.locator("textarea").fill("one more");
  await page.locator("textarea").press("Enter");
  await page.getByText("one more").waitFor();
  await page.waitForTimeout(100);
  expect(await below()).toBeLessThan(2);
  await log.evaluate((frame) => (frame.scrollTop = 0));
  await page.waitForTimeout(100);
  await page.getByRole("button", { name: "To the newest" }).click();
  await page.waitForTimeout(100);
  expect(await below()).toBeLessThan(2);
  await page.context().close();
});

test("a whole meeting: invited, compared, connected, talked, and the news go on without a complaint", async () => {
  const page = await stage.show({ query: "&pace=1" });
  await page.getByRole("button", { name: "Invite Marek’s laptop" }).click();
  await page.locator("[data-code]").waitFor();
  await page.waitForTimeout(600);
  await page.locator("[data-deed=same]").click();
  await page.getByRole("log").or(page.getByText("You are connected")).first().waitFor();
  expect(new URL(page.url()).hash).toMatch(/^#\/session\//);
  await page.locator("textarea").fill("hello");
  await page.locator("textarea").press("Enter");
  await page.getByText("hello").waitFor();
  await page.evaluate(() => {
    const row = [...document.querySelectorAll<HTMLElement>("[data-drop-peer]")].map((one) => one.dataset.dropPeer).at(-1)!;
    for (let number = 1; number <= 30; number += 1) {
      window.fake!.tell({
        event: "message", session: "s", peer: row, name: "Marek’s laptop", direction: "in", text: `line ${number}`,
        delivered: true, at: 1_773_483_960 + number, number,
      });
    }
  });
  await page.getByText("line 30").waitFor();
  expect(stage.complaints).toEqual([]);
  await page.context().close();
});
