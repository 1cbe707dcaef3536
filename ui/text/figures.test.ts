// Figures as a person reads them.
import { expect, test } from "vitest";
import { bytes, clock, date, grouped, percent, secondsLeft, spelled } from "./figures";

test("sizes have a unit a person can compare", () => {
  expect(bytes(0, "en")).toBe("0\u00a0B");
  expect(bytes(999, "en")).toBe("999\u00a0B");
  expect(bytes(1_234_567, "en")).toBe("1.2\u00a0MB");
  expect(bytes(999_999, "en")).toBe("1.0\u00a0MB");
  expect(bytes(123_456_789_012, "de")).toBe("123\u00a0GB");
});

test("a hundred per cent means everything", () => {
  expect(percent(999_999, 1_000_000)).toBe(99);
  expect(percent(5, 5)).toBe(100);
  expect(percent(0, 0)).toBe(0);
});

test("time left is told only when it can be known", () => {
  expect(secondsLeft(0, 100, 10)).toBe(10);
  expect(secondsLeft(0, 100, 0)).toBeNull();
  expect(secondsLeft(100, 100, 10)).toBeNull();
  expect(secondsLeft(0, 1e18, 1)).toBeNull();
});

test("clocks, fingerprints and codes", () => {
  expect([clock(5), clock(65), clock(3725)]).toEqual(["0:05", "1:05", "1:02:05"]);
  expect(grouped("a1b2c3d4e5")).toBe("a1b2 c3d4 e5");
  expect(spelled("482 917")).toBe("4 8 2 9 1 7");
  expect(date("nonsense", "en")).toBe("nonsense");
});
