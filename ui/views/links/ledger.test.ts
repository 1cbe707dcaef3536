// Which links work, in which order, and what is told when one ends.
import { expect, test } from "vitest";
import type { LinkRow } from "~/bridge/words";
import { goneKey, linkLists, stateOf } from "./ledger";

const NOW = 1_000_000;
const link = (invite: string, expires: number, state = "made"): LinkRow => ({ invite, expires, uses_left: 1, state });

test("a link whose time has passed since it was listed counts as ended", () => {
  expect(stateOf(link("a", 1001), NOW)).toBe("made");
  expect(stateOf(link("a", 1000), NOW)).toBe("expired");
  expect(stateOf(link("a", 1001, "proven"), NOW)).toBe("proven");
});

test("a link that was used or taken back stays so after its time", () => {
  expect(stateOf(link("a", 10, "consumed"), NOW)).toBe("consumed");
  expect(stateOf(link("a", 10, "revoked"), NOW)).toBe("revoked");
});

test("a state that is not known here never looks as if the link worked", () => {
  expect(stateOf(link("a", 2000, "toString"), NOW)).toBe("expired");
});

test("links that work come first to end first; the others newest first", () => {
  const rows = [link("late", 3000), link("old", 500), link("soon", 2000), link("used", 900, "consumed")];
  const { out, ended } = linkLists(rows, NOW);
  expect(out.map((row) => row.invite)).toEqual(["soon", "late"]);
  expect(ended.map((row) => row.invite)).toEqual(["used", "old"]);
});

test("only an end that the person did not bring about is told", () => {
  expect(goneKey("consumed")).toBe("links.gone.consumed");
  expect(goneKey("burned")).toBe("links.gone.burned");
  expect(goneKey("revoked")).toBeNull();
});
