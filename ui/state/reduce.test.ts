// What news does to the picture of the world.
import { describe, expect, test } from "vitest";
import type { WindowNews } from "~/bridge/words";
import { message, peer, peerId, question, session, transfer } from "~/bridge/fake/rows";
import { SCENES } from "~/bridge/fake/scenes";
import { mergeMessages, reduce } from "./reduce";
import { emptyWorld, type World } from "./world";

const NOW = 1_000_000;
const after = (news: WindowNews[], from: World = emptyWorld()): World => reduce(from, news, NOW);
const busy = () => after([SCENES.busy().snapshot]);

describe("snapshot", () => {
  test("a snapshot makes the world whole and says that the agent is here", () => {
    const world = busy();
    expect(world.agent).toEqual({ is: "here" });
    expect(world.peers.size).toBe(7);
    expect(world.sessions.size).toBe(2);
  });

  test("a later snapshot throws away what the first one held, and keeps what is the page's own", () => {
    const first = after([SCENES.busy().snapshot, { event: "message", ...message("Ana", 1, "hi") }]);
    const second = after([SCENES.empty().snapshot], first);
    expect(second.peers.size).toBe(0);
    expect(second.sessions.size).toBe(0);
    expect(second.unread.get(peerId("Ana"))).toBe(1);
  });

  test("slices that did not change keep their identity", () => {
    const world = busy();
    const next = after([{ event: "progress", transfer: "x", done: 1, total: 2, bytes_per_s: 3 }], world);
    expect(next.peers).toBe(world.peers);
    expect(next.transfers).toBe(world.transfers);
    expect(next.speeds).not.toBe(world.speeds);
    expect(world.speeds.size).toBe(0);
  });
});

describe("devices and questions", () => {
  test("devices come, change and go", () => {
    const row = peer("Bo");
    const came = after([{ event: "peer-added", ...row }, { event: "peer-updated", ...row, presence: "fading" }]);
    expect(came.peers.get(row.peer)).toEqual({ ...row, presence: "fading" });
    expect(after([{ event: "peer-removed", ...row }], came).peers.size).toBe(0);
  });

  test("a question lapses by the page's own clock, and goes when it is answered", () => {
    const row = question("Bo", { expires: 60 });
    const asked = after([{ event: "question", ...row }]);
    expect(asked.questions.get(row.id)?.until).toBe(NOW + 60_000);
    expect(after([{ event: "question-gone", id: row.id, why: "declined" }], asked).questions.size).toBe(0);
  });
});

describe("invites", () => {
  test("an invite goes from sent to its code to the session", () => {
    const at = (news: WindowNews[]) => after(news).invites.get("i");
    const sent: WindowNews = { event: "invite-sent", invite: "i", peer: "p" };
    expect(at([sent])).toEqual({ is: "sent" });
    expect(at([sent, { event: "invite-waiting", invite: "i" }])).toEqual({ is: "waiting" });
    expect(at([sent, { event: "code", invite: "i", code: "123456" }])).toEqual({ is: "code", code: "123456" });
    const done = at([{ event: "accepted", invite: "i", session: "s", peer: "p", verified: "code" }]);
    expect(done).toEqual({ is: "done", session: "s", peer: "p", verified: "code" });
  });

  test("news of a session that nobody here invited to changes no invite", () => {
    expect(after([{ event: "accepted", session: "s", peer: "p", verified: "code" }]).invites.size).toBe(0);
  });
});

describe("sessions and messages", () => {
  test("a closed session is remembered as ended, and forgotten when the device is back", () => {
    const row = session("Ana");
    const open = after([{ event: "session", ...row }]);
    const closed = after([{ event: "session-closed", session: row.session, peer: row.peer, why: "over" }], open);
    expect(closed.sessions.size).toBe(0);
    expect(closed.ended.get(row.peer)?.state).toBe("closed");
    expect(after([{ event: "session", ...row, session: "other" }], closed).ended.size).toBe(0);
  });

  test("an incoming message is unread unless its conversation is on the screen; ours never is", () => {
    const row = message("Ana", 1, "hi");
    const world = after([{ event: "message", ...row }, { event: "message", ...message("Ana", 1, "me", { direction: "out" }) }]);
    expect(world.unread.get(row.peer)).toBe(1);
    const seen = after([{ event: "message", ...row }], { ...emptyWorld(), viewing: row.peer });
    expect(seen.unread.size).toBe(0);
  });

  test("the same message heard twice is one message", () => {
    const row = message("Ana", 1, "hi");
    const world = after([{ event: "message", ...row }, { event: "message", ...row }]);
    expect(world.messages.get(row.peer)).toHaveLength(1);
    expect(world.unread.get(row.peer)).toBe(1);
  });

  test("a delivery ticks the message it names, and no other", () => {
    const [one, two] = [message("Ana", 1, "a", { direction: "out", delivered: false }), message("Ana", 2, "b", { direction: "out", delivered: false })];
    const world = after([
      { event: "message", ...one }, { event: "message", ...two },
      { event: "message-delivered", session: one.session, number: 2 },
    ]);
    expect(world.messages.get(one.peer)?.map((row) => row.delivered)).toEqual([false, true]);
  });

  test("messages are merged by time", () => {
    const merged = mergeMessages([message("Ana", 2, "b", { at: 20 })], [message("Ana", 1, "a", { at: 10 })]);
    expect(merged.map((row) => row.text)).toEqual(["a", "b"]);
  });
});

describe("transfers", () => {
  const row = transfer("Ana", "x.zip", { state: "moving", done: 0, total: 100, items: 3, items_done: 0, receipt: false });
  const moving = () => after([{ event: "transfer", ...row }]);

  test("progress is kept apart from the row, and ends with the movement", () => {
    const fast = after([{ event: "progress", transfer: row.transfer, done: 50, total: 100, bytes_per_s: 10 }], moving());
    expect(fast.speeds.get(row.transfer)).toEqual({ done: 50, total: 100, bytesPerSecond: 10 });
    expect(fast.transfers.get(row.transfer)?.done).toBe(0);
    expect(after([{ event: "transfer", ...row, state: "paused" }], fast).speeds.size).toBe(0);
  });

  test("items that are kept count, never beyond the whole", () => {
    const kept: WindowNews = { event: "kept", transfer: row.transfer, path: "a", bytes: 1, blake3: "", items: 2 };
    expect(after([kept, kept], moving()).transfers.get(row.transfer)?.items_done).toBe(3);
  });

  test("failed items are listed, a finished transfer is kept, another is dropped with its reason", () => {
    const failed: WindowNews = { event: "item-failed", transfer: row.transfer, path: "a", code: "DigestWrong", why: "no" };
    expect(after([failed], moving()).transfers.get(row.transfer)?.failed).toHaveLength(1);
    const done = after([{ event: "done", transfer: row.transfer, items: 3, bytes: 100 }], moving());
    expect(done.transfers.get(row.transfer)).toMatchObject({ state: "kept", done: 100, items_done: 3, receipt: true });
    const dropped = after([{ event: "dropped", transfer: row.transfer, failure: { code: "Declined", message: "no" } }], moving());
    expect(dropped.transfers.get(row.transfer)).toMatchObject({ state: "dropped", why: "no" });
  });

  test("news about a transfer nobody knows changes nothing", () => {
    expect(after([{ event: "done", transfer: "?", items: 1, bytes: 1 }]).transfers.size).toBe(0);
  });
});

test("the agent is lost and found; alarms are bounded", () => {
  const failure = { code: "NoAgent" as const, message: "gone" };
  const lost = after([{ event: "agent-lost", failure, retrying: true }], busy());
  expect(lost.agent).toEqual({ is: "lost", failure, retrying: true });
  expect(lost.peers.size).toBe(7);
  expect(after([{ event: "agent-back" }], lost).agent).toEqual({ is: "here" });
  const rung = after(Array.from({ length: 50 }, () => ({ event: "alarm" as const, message: "!" })));
  expect(rung.alarms).toHaveLength(20);
  expect(new Set(rung.alarms.map((alarm) => alarm.number)).size).toBe(20);
});
