// Which texts can be a display name.
import { expect, test } from "vitest";
import { goodName } from "./names";

test("r2.4 fifty characters fit and fifty-one do not", () => {
  expect(goodName("😀".repeat(50))).toBe(true);
  expect(goodName("x".repeat(51))).toBe(false);
});

test("an empty or invisible name is none", () => {
  for (const text of ["", "  ", "\u200b", "A\nB", "a\u202eb"]) expect(goodName(text), JSON.stringify(text)).toBe(false);
  expect(goodName(" 김서연 ")).toBe(true);
});
