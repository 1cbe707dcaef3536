// Where a transfer stands, and why one ended.
import { afterEach, expect, test } from "vitest";
import { transfer } from "~/bridge/fake/rows";
import { SCENES } from "~/bridge/fake/scenes";
import { reduce } from "~/state/reduce";
import { emptyWorld } from "~/state/world";
import { setLanguage } from "~/text/text.svelte";
import { stateLine } from "./lines";

afterEach(() => setLanguage("en"));
const out = transfer("Ana", "a.pdf", { direction: "out", state: "dropped", why: "the other person declined" });

test("why a transfer ended is said in the person's language, not in the agent's words", () => {
  const moving = { ...out, state: "moving" as const };
  const world = reduce(emptyWorld(), [
    { ...SCENES.busy().snapshot, transfers: [moving] },
    { event: "dropped", transfer: out.transfer, failure: { code: "Declined", message: "the other person declined" } },
  ], 0);
  const code = world.reasons.get(out.transfer);
  expect(stateLine(world.transfers.get(out.transfer)!, code)).toBe("The other person said no.");
  setLanguage("ko");
  expect(stateLine(world.transfers.get(out.transfer)!, code)).toBe("상대방이 거절했습니다.");
});

test("whoever declined is not told that the other did, and what is not known is not made up", () => {
  expect(stateLine({ ...out, direction: "in" }, "Declined")).toBe("Declined");
  expect(stateLine(out)).toBe("Did not finish");
  expect(stateLine({ ...out, failed: [{ path: "a", code: "DiskFull", why: "" }] }, "DiskFull")).toBe("1 item failed");
});
