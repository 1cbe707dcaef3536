// What is said about capabilities.
import { beforeEach, expect, test } from "vitest";
import { capability } from "~/bridge/fake/rows";
import { setLanguage } from "~/text/text.svelte";
import { bodyOf, endsSomething, merged, titleOf, userText } from "./rights";

beforeEach(() => setLanguage("en"));

test("known capabilities have a sentence in each language", () => {
  const row = capability("internetClient", "Agent's words.");
  expect(bodyOf(row)).toBe("Open connections to servers that you name.");
  setLanguage("ko");
  expect(bodyOf(row)).toBe("직접 지정한 서버에 연결합니다.");
});

test("one that a newer agent adds is shown in the agent's words", () => {
  expect(titleOf("toString")).toBe("toString");
  expect(bodyOf(capability("bluetooth", "Use the radio."))).toBe("Use the radio.");
});

test("who uses it is said in plain words; a peer's name in it is escaped", () => {
  expect(userText("discovery")).toBe("finding devices");
  expect(userText("session with Ana")).toBe("the conversation with Ana");
  expect(userText("session with A\u202eb\nc")).toBe("the conversation with A\\u{202e}b\\u{a}c");
  expect(userText("hither connect")).toBe("hither connect");
});

test("what news told replaces what was listed, and only that", () => {
  const rows = [capability("proximity", ""), capability("internetClient", "")];
  const news = new Map([["proximity", capability("proximity", "", { granted: false })]]);
  expect(merged(rows, news).map((row) => row.granted)).toEqual([false, true]);
});

test("taking away what is in use, or meeting devices, is asked about first", () => {
  expect(endsSomething(capability("proximity", ""))).toBe(true);
  expect(endsSomething(capability("internetClient", "", { used_by: ["hither connect"] }))).toBe(true);
  expect(endsSomething(capability("internetClient", ""))).toBe(false);
});
