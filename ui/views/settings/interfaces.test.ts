// What can be the name of a network interface.
import { expect, test } from "vitest";
import { interfaceFault } from "./interfaces";

test("a name has 1 to 15 visible ASCII characters", () => {
  expect(interfaceFault("wlan0", [])).toBeNull();
  expect(interfaceFault("enp0s31f6.100", [])).toBeNull();
  for (const bad of ["", "a b", "abcdefghijklmnop", "무선", "a\u0000"]) expect(interfaceFault(bad, [])).toBe("bad");
});

test("a name stands in a list once", () => {
  expect(interfaceFault("wlan0", ["wlan0"])).toBe("twice");
});
