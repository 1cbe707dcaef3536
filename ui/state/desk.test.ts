// The store against the scripted agent: invites, offers, links, and the agent that goes away.
import { tick } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeAgent } from "~/bridge/fake/agent";
import { NOON, peerId, question, session } from "~/bridge/fake/rows";
import { SCENES, type Scene } from "~/bridge/fake/scenes";
import { Desk } from "./desk.svelte";
import { Invitation } from "./invitation.svelte";
import { router } from "./route.svelte";
import { toasts } from "./toasts.svelte";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  toasts.list = [];
  router.go("near");
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function start(scene: Scene = SCENES.busy()) {
  const agent = new FakeAgent({ scene, pace: 0 });
  const desk = new Desk(agent, () => NOON * 1000);
  await desk.start();
  desk.flush();
  const hear = (...news: Parameters<FakeAgent["tell"]>) => {
    agent.tell(...news);
    desk.flush();
  };
  return { agent, desk, hear };
}
const asked = (agent: FakeAgent, ask: string) => agent.asked.filter((one) => one.ask === ask);

test("the window starts with the agent's snapshot", async () => {
  const { desk } = await start();
  expect(desk.met).toBe(true);
  expect(desk.peers.size).toBe(7);
  expect(desk.speeds.size).toBe(1);
});

test("without an agent the window says so, and is whole again when it is back", async () => {
  const { desk, agent } = await start(SCENES.dead());
  expect(desk.agent.is).toBe("lost");
  await agent.startAgent();
  desk.flush();
  expect(desk.agent.is).toBe("here");
  expect(desk.met).toBe(true);
});

test("an invite goes through calling, sent, code and confirmed to the session", async () => {
  const { desk, agent, hear } = await start();
  const invitation = new Invitation(desk, { peer: "p", name: "Bo" }, []);
  expect(invitation.step.is).toBe("compose");
  await invitation.begin();
  expect(invitation.step.is).toBe("calling");
  const invite = agent.lastInvite;
  hear({ event: "invite-sent", invite, peer: "p" });
  expect(invitation.step.is).toBe("sent");
  hear({ event: "code", invite, code: "123456" });
  expect(invitation.step).toEqual({ is: "code", code: "123456" });
  await invitation.compare(true);
  expect(invitation.step.is).toBe("confirmed");
  expect(asked(agent, "confirm-code")).toEqual([{ ask: "confirm-code", invite, same: true }]);
  hear({ event: "accepted", invite, session: "s", peer: "p", verified: "code" });
  expect(invitation.step.is).toBe("done");
});

test("different codes end the invite and say why, whatever the agent calls it", async () => {
  const { desk, agent, hear } = await start();
  const invitation = new Invitation(desk, { peer: "p", name: "Bo" }, []);
  await invitation.begin();
  hear({ event: "code", invite: agent.lastInvite, code: "123456" });
  await invitation.compare(false);
  expect(invitation.step.is).toBe("mismatch");
  hear({ event: "invite-ended", invite: agent.lastInvite, failure: { code: "Canceled", message: "differ" } });
  expect(invitation.step.is).toBe("mismatch");
  expect(invitation.running).toBe(false);
});

test("an invite that cannot even begin is refused with its reason", async () => {
  const { desk } = await start(SCENES.broken());
  const invitation = new Invitation(desk, { peer: "p", name: "Bo" }, []);
  await invitation.begin();
  expect(invitation.step).toMatchObject({ is: "refused", failure: { code: "Unreachable" } });
});

test("what is dropped on a connected device is offered at once, on another it invites first", async () => {
  const { desk, agent } = await start();
  const picked = agent.picked;
  await desk.offer({ peer: peerId("Ana"), name: "Ana" }, picked);
  expect(asked(agent, "send")).toEqual([{ ask: "send", peer: peerId("Ana"), paths: ["t1", "t2"] }]);
  await desk.offer({ peer: "stranger", name: "Bo" }, picked);
  await tick();
  expect(asked(agent, "invite")).toHaveLength(1);
  expect(asked(agent, "send")).toHaveLength(1);
  expect(desk.sheet?.is).toBe("invite");
});

test("g3 fifty links in a second are one question", async () => {
  const { desk, agent } = await start();
  for (let at = 0; at < 50; at += 1) agent.arrive(`hither://i/1/${at}#secret`);
  await vi.advanceTimersByTimeAsync(1000);
  const { sheet } = desk;
  expect(sheet?.is).toBe("link");
  expect(asked(agent, "open-link")).toEqual([]);
  agent.arrive("hither://i/1/later#secret");
  await vi.advanceTimersByTimeAsync(1000);
  expect(desk.sheet).toBe(sheet);
});

test("a question that was put off waits, and can be brought back", async () => {
  const { desk, hear } = await start();
  const row = question("Bo");
  hear({ event: "question", ...row });
  expect(desk.asking).toHaveLength(1);
  desk.putOffQuestion(row.id);
  expect(desk.asking).toHaveLength(0);
  expect(desk.openQuestions).toHaveLength(1);
  desk.showQuestions();
  expect(desk.asking).toHaveLength(1);
});

test("a notification opens the conversation it is about", async () => {
  const { hear } = await start();
  hear({ event: "show", view: "session", id: session("Ana").session });
  expect(router.now).toEqual({ view: "session", id: peerId("Ana") });
});

test("messages of a conversation are loaded without counting as unread", async () => {
  const { desk } = await start();
  await desk.loadMessages(peerId("Ana"));
  expect(desk.messages.get(peerId("Ana"))).toHaveLength(6);
  expect(desk.unread.size).toBe(0);
});

test("a failure becomes a sentence, not the agent's own words", async () => {
  const { desk, agent } = await start(SCENES.broken());
  expect(await desk.attempt(agent.proximity({ ask: "near" }))).toBeNull();
  expect(toasts.list.at(-1)?.text).toBe("There is no way to the other device. Are both on the same network?");
});

test("g5 nothing is copied before the person says so", async () => {
  const { agent } = await start(SCENES.hostile());
  expect(agent.copied).toEqual([]);
});
