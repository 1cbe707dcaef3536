// What is said about certificates, fingerprints and people.
import { expect, test } from "vitest";
import type { TrustRow } from "~/bridge/words";
import { canVerify, daysLeft, groups, peopleList, spokenGroups } from "./facts";

const DAY = 86_400_000;

test("days that are left are whole, and negative once a certificate is over", () => {
  const now = Date.parse("2026-03-14T10:00:00Z");
  expect(daysLeft("2026-03-15T10:00:00Z", now)).toBe(1);
  expect(daysLeft("2026-03-15T09:59:59Z", now)).toBe(0);
  expect(daysLeft("2026-03-14T09:00:00Z", now)).toBe(-1);
  expect(daysLeft("2026-03-14T10:00:00Z", now + 400 * DAY)).toBe(-400);
});

test("an end that is not a date is not counted", () => {
  expect(daysLeft("soon", 0)).toBeNull();
});

test("a fingerprint is read sign by sign, group by group", () => {
  expect(groups("a1b2c3d4")).toEqual(["a1b2", "c3d4"]);
  expect(spokenGroups("a1b2c3")).toBe("a 1 b 2, c 3");
});

const person = (name: string, more: Partial<TrustRow> = {}): TrustRow => ({
  peer: `${name.toLowerCase()}00ff`, name, trust: "known", verified: "code", since: 0, last_seen: 0, always: false, ...more,
});

test("people are ordered by trust, then by name, with blocked ones last", () => {
  const rows = [person("Zoe"), person("Bad", { trust: "blocked" }), person("ana"), person("Max", { trust: "verified" })];
  expect(peopleList(rows, "", "en").map((row) => row.name)).toEqual(["Max", "ana", "Zoe", "Bad"]);
});

test("people are found by name in any case and by the beginning of their fingerprint", () => {
  const rows = [person("Zoe"), person("Ana", { peer: "beef0123" })];
  expect(peopleList(rows, " zO", "en").map((row) => row.name)).toEqual(["Zoe"]);
  expect(peopleList(rows, "beef 01", "en").map((row) => row.name)).toEqual(["Ana"]);
  expect(peopleList(rows, "nobody", "en")).toEqual([]);
});

test("only somebody whose key was proven once can be marked as verified", () => {
  expect(canVerify(person("Ana"))).toBe(true);
  expect(canVerify(person("Ana", { verified: "no" }))).toBe(false);
});
