// What the history tells, how it is searched and grouped, and what goes into a file.
import { beforeEach, expect, test } from "vitest";
import type { HistoryRow } from "~/bridge/words";
import { setLanguage } from "~/text/text.svelte";
import { byDay, chosen, kindOf, peopleIn, story, table } from "./story";

beforeEach(() => setLanguage("en"));

const row = (what: string, detail = "", more: Partial<HistoryRow> = {}): HistoryRow => ({ at: 1_773_483_960, what, detail, name: "Ana", peer: "aa", ...more });
const says = (what: string, detail = "") => story(row(what, detail), "en");

test("each kind of event is a sentence, with what the agent noted read out of its words", () => {
  expect(says("met", "met for the first time, verified: link")).toEqual({ says: "You met Ana", about: "The invite link vouched for it." });
  expect(says("session", "session opened, verified: code").says).toBe("Conversation with Ana began");
  expect(says("session", "session closed: left")).toEqual({ says: "Conversation with Ana ended", about: null });
  expect(says("received", "a, b.pdf, 4200000 bytes, receipt signed")).toEqual({ says: "You received from Ana", about: "a, b.pdf · 4.2\u00a0MB" });
  expect(says("trust", "set by hand to forget").says).toBe("You forgot Ana");
  expect(says("trust", "blocked").says).toBe("You blocked Ana");
  expect(says("capability", "proximity revoked").says).toBe("You switched off: Meet devices near you");
});

test("words that are not understood are shown as they are, or left to the details", () => {
  expect(says("constructor", "something new")).toEqual({ says: "something new", about: "Ana" });
  expect(says("received", "odd")).toEqual({ says: "You received from Ana", about: null });
  expect(says("trust", "set by hand to toString").says).toBe("You changed what you think of Ana");
});

test("a name that nobody knows is somebody, and hidden characters are shown", () => {
  expect(story(row("met", "", { name: null, peer: null }), "en").says).toBe("You met a device");
  expect(story(row("met", "", { name: "A\u202eb" }), "en").says).toBe("You met A\\u{202e}b");
});

test("events are found by person, kind and word", () => {
  const rows = [row("met"), row("sent", "plan.pdf, 5 bytes, receipt signed", { peer: "bb", name: "Bo" }), row("alarm", "key", { peer: null, name: null })];
  const find = (wanted: Partial<Parameters<typeof chosen>[1]>) => chosen(rows, { peer: null, kind: "all", query: "", ...wanted }, "en").map((one) => one.what);
  expect(find({})).toEqual(["met", "sent", "alarm"]);
  expect(find({ peer: "bb" })).toEqual(["sent"]);
  expect(find({ kind: "files" })).toEqual(["sent"]);
  expect(find({ query: " PLAN" })).toEqual(["sent"]);
  expect(find({ query: "warned" })).toEqual(["alarm"]);
  expect(kindOf(row("hasOwnProperty"))).toBe("all");
});

test("each day begins with a heading, and equal rows keep different keys", () => {
  const day = 86_400;
  const entries = byDay([row("met", "", { at: 10 * day }), row("met", "", { at: 10 * day }), row("met", "", { at: 8 * day })]);
  expect(entries.map((one) => one.is)).toEqual(["day", "row", "row", "day", "row"]);
  expect(new Set(entries.map((one) => one.key)).size).toBe(5);
});

test("everybody is listed once, under the newest name", () => {
  const rows = [row("met", "", { name: "New name" }), row("met", "", { name: "Old name" }), row("met", "", { peer: "bb", name: "Bo" }), row("alarm", "", { peer: null, name: null })];
  expect(peopleIn(rows, "en")).toEqual([{ peer: "bb", name: "Bo" }, { peer: "aa", name: "New name" }]);
});

test("a saved file cannot carry formulas, broken rows or hidden characters", () => {
  const text = table([row("met", 'he said "hi",\r\nthen left', { name: "=HYPERLINK(1)" }), row("met", "\u202e-1")]);
  const lines = text.split("\r\n");
  expect(lines[1]).toBe('"2026-03-14T10:26:00.000Z","met","\'=HYPERLINK(1)","aa","he said ""hi"",\\u{d}\\u{a}then left"');
  expect(lines[2]).toContain('"\\u{202e}-1"');
  expect(lines).toHaveLength(4);
});
