// Addresses within the window.
import { expect, test } from "vitest";
import { hrefOf, parseRoute } from "./route.svelte";

test("a known view is found, anything else is Near", () => {
  expect(parseRoute("#/transfers")).toEqual({ view: "transfers", id: null });
  expect(parseRoute("")).toEqual({ view: "near", id: null });
  expect(parseRoute("#/nonsense/x")).toEqual({ view: "near", id: null });
  expect(parseRoute("#/constructor")).toEqual({ view: "near", id: null });
});

test("a conversation needs a device, and ids hold id characters only", () => {
  expect(parseRoute("#/session/ab12")).toEqual({ view: "session", id: "ab12" });
  expect(parseRoute("#/session")).toEqual({ view: "near", id: null });
  expect(parseRoute("#/session/<img>")).toEqual({ view: "near", id: null });
  expect(parseRoute(`#/history/${"a".repeat(200)}`).id).toBeNull();
  expect(parseRoute(hrefOf("doctor", "ab12"))).toEqual({ view: "doctor", id: "ab12" });
});
