// What lists show, and in which order.
import { expect, test } from "vitest";
import { message, peer, peerId, session, transfer } from "~/bridge/fake/rows";
import { SCENES } from "~/bridge/fake/scenes";
import { deedsFor, hasTrouble, held, nearList, sessionWith, timeline, transferList } from "./pictures";
import { reduce } from "./reduce";
import { emptyWorld } from "./world";

const busy = () => reduce(emptyWorld(), [SCENES.busy().snapshot], 0);
const names = (query = "") => nearList(busy(), query, "en").map((row) => row.name);

test("devices that are connected come first, blocked ones last", () => {
  expect(names().slice(0, 2)).toEqual(["Ana", "Workshop NAS"]);
  expect(names().at(-1)).toBe("Nobody you know");
});

const listed = (...all: ReturnType<typeof peer>[]) =>
  nearList({ peers: new Map(all.map((row) => [row.peer, row])), sessions: new Map() }, "", "en").map((row) => row.name);

test("what is near comes first, whatever is held of it; those to be careful with stay last", () => {
  expect(listed(
    peer("blocked", { trust: "blocked", nearness: "touching" }), peer("changed", { trust: "changed", nearness: "touching" }),
    peer("stranger", { nearness: "touching" }), peer("friend", { trust: "verified", nearness: "near" }), peer("far", { nearness: "in-range" }),
  )).toEqual(["stranger", "friend", "far", "changed", "blocked"]);
});

test("a known device that no radio hears does not fall behind strangers somewhere around", () => {
  expect(listed(peer("stranger", { nearness: "in-range" }), peer("friend", { trust: "verified" }))).toEqual(["friend", "stranger"]);
});

test("signal and metres alone move nobody", () => {
  expect(listed(peer("a", { nearness: "near", rssi: -80, metres: 4.9 }), peer("b", { nearness: "near", rssi: -40, metres: 0.6 }))).toEqual(["a", "b"]);
});

test("rows that are pointed at stay where they are, and new ones come after them", () => {
  const rows = [peer("new"), peer("a"), peer("b")];
  const shown = [peer("b").peer, peer("gone").peer, peer("a").peer];
  expect(held(rows, shown).map((row) => row.name)).toEqual(["b", "a", "new"]);
  expect(held(rows, []).map((row) => row.name)).toEqual(["new", "a", "b"]);
});

test("the order does not depend on the order of arrival", () => {
  const rows = [peer("b"), peer("a"), peer("c")];
  const list = (all: typeof rows) => nearList({ peers: new Map(all.map((row) => [row.peer, row])), sessions: new Map() }, "", "en");
  expect(list(rows)).toEqual(list(rows.toReversed()));
});

test("search finds parts of names in any case and width", () => {
  expect(names("nas")).toEqual(["Workshop NAS"]);
  expect(names("서연")).toEqual(["김서연"]);
  expect(names("ＡＮＡ")).toEqual(["Ana"]);
  expect(names("nobody like this")).toEqual([]);
});

test("an open session is preferred to one that ended", () => {
  const world = { sessions: new Map([["s", session("Ana")]]), ended: new Map([[peerId("Ana"), session("Ana", { state: "closed" })]]) };
  expect(sessionWith(world, peerId("Ana"))?.state).toBe("open");
  expect(sessionWith({ ...world, sessions: new Map() }, peerId("Ana"))?.state).toBe("closed");
  expect(sessionWith(world, "nobody")).toBeNull();
});

test("transfers under way come first, then the newest", () => {
  const list = transferList(busy().transfers, "all");
  expect(list[0]?.state).toBe("checking");
  expect(list.at(-1)?.title).toBe("budget.ods");
  expect(transferList(busy().transfers, "failed").every(hasTrouble)).toBe(true);
  expect(transferList(busy().transfers, "active")).toHaveLength(4);
});

test("a conversation holds the messages and transfers with one device, by time", () => {
  const entries = timeline([message("Ana", 1, "a", { at: 20 })], new Map([
    ["1", transfer("Ana", "x", { at: 10 })], ["2", transfer("Bo", "y", { at: 15 })],
  ]), peerId("Ana"));
  expect(entries.map((entry) => entry.is)).toEqual(["transfer", "message"]);
});

test("each state of a transfer offers what can be done, and nothing else", () => {
  const deeds = (more: Parameters<typeof transfer>[2]) => deedsFor(transfer("Ana", "x", more));
  expect(deeds({ state: "offered", direction: "in" })).toEqual(["answer"]);
  expect(deeds({ state: "moving" })).toEqual(["pause", "cancel"]);
  expect(deeds({ state: "paused" })).toEqual(["resume", "cancel"]);
  expect(deeds({ state: "kept" })).toEqual(["open", "show"]);
  expect(deeds({ state: "kept", direction: "out" })).toEqual([]);
  expect(deeds({ state: "dropped", failed: [{ path: "a", code: "DiskFull", why: "" }] })).toEqual(["retry"]);
});
