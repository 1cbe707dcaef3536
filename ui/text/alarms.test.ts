// Warnings of the agent: known ones in the person's language, others as they are.
import { afterEach, expect, test } from "vitest";
import { alarmText, knownAlarm } from "./alarms";
import { setLanguage } from "./text.svelte";

afterEach(() => setLanguage("en"));

// As crates/engine and crates/protocol say them.
const SAID = [
  "something that claims to be Ana does not hold Ana's key; nothing was sent to it",
  "what was agreed with 김서연 could not be written to disk",
  'Bo was certified as "CN=Bo, O=\\"A\\"" before, and is certified as "CN=Eve" now',
  "a second device (a1b2c3d4) tried to use the invite link 00ff: others may have read it; it was refused",
  "the invite link 00ff was made worthless after five wrong proofs",
  "listening failed: Address already in use (os error 98)",
];

test.each(["en", "ko"] as const)("every warning the agent gives has words of its own: %s", (tag) => {
  setLanguage(tag);
  const texts = SAID.map(knownAlarm);
  expect(texts).not.toContain(null);
  expect(new Set(texts).size).toBe(SAID.length);
  if (tag === "ko") for (const text of texts) expect(text).toMatch(/[가-힣]/);
  expect(texts[0]).toContain("Ana");
  expect(texts[4]).toContain("00ff");
});

test("g1 a name inside a warning is shown safely and cannot change what the warning is", () => {
  const bad = "E\u202eve's key; x";
  const text = alarmText(`something that claims to be ${bad} does not hold ${bad}'s key; nothing was sent to it`);
  expect(text).toContain("E\\u{202e}ve");
  expect(knownAlarm("listening failed".toUpperCase())).toBeNull();
});

test("a warning of a newer agent is shown as it is", () => {
  setLanguage("ko");
  expect(alarmText("the moon\u0007 is gone")).toBe("the moon\\u{7} is gone");
});
