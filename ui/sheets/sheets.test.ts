// The sheets above the views against the scripted agent: what a press asks of the agent, and where the window goes.
import { fireEvent, screen, within } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { peerId, question, session } from "~/bridge/fake/rows";
import { SCENES, type Scene } from "~/bridge/fake/scenes";
import type { Picked, QuestionRow } from "~/bridge/words";
import { router } from "~/state/route.svelte";
import { asked, button, open, press, ripen, settle, stage } from "../test/open";
import Sheets from "./Sheets.svelte";

stage();

const PICKED: Picked[] = [
  { token: "a", name: "one.txt", bytes: 1000, folder: false },
  { token: "b", name: "two.txt", bytes: 2000, folder: false },
];
const offer = (more: Partial<QuestionRow>): Scene => ({
  ...SCENES.busy(),
  then: [{
    event: "question",
    ...question("Ana", { kind: "transfer", trust: "verified", proven: "stored", code: null, items: 1, bytes: 9, names: ["a.pdf"], ...more }),
  }],
});
const TICK = "Programs among them may be run";

test("what is to be sent is named, and goes to the device that is chosen", async () => {
  const { agent, desk } = await open(Sheets);
  desk.open({ is: "send", picked: PICKED });
  await settle();
  const sheet = screen.getByRole("dialog", { name: "Send 2 items to whom?" });
  expect(within(sheet).getByText("one.txt")).toBeTruthy();
  expect(within(sheet).getByText(/in all$/)).toBeTruthy();
  await press(within(sheet).getByRole("button", { name: /Ana/ }));
  expect(asked(agent, "send")).toMatchObject([{ peer: peerId("Ana"), paths: ["a", "b"] }]);
});

test("chosen for a device that was not met, it waits for the meeting", async () => {
  const { agent, desk, hear } = await open(Sheets);
  desk.open({ is: "send", picked: PICKED });
  await settle();
  await press(button(/김서연/));
  expect(asked(agent, "invite")).toHaveLength(1);
  const row = session("김서연");
  await hear({ event: "session", ...row });
  await hear({ event: "accepted", invite: agent.lastInvite, session: row.session, peer: row.peer, verified: "code" });
  expect(asked(agent, "send")).toMatchObject([{ peer: row.peer, paths: ["a", "b"] }]);
});

test("an invite that is closed or taken back is taken back from the other device, too", async () => {
  for (const name of ["Take it back", "Close"]) {
    const { agent, desk, page } = await open(Sheets);
    desk.invite({ peer: "p", name: "Bo" });
    await settle();
    await press(button(name));
    expect(asked(agent, "withdraw")).toEqual([{ ask: "withdraw", invite: agent.lastInvite }]);
    expect(screen.queryByRole("dialog")).toBeNull();
    page.unmount();
  }
});

test("an invite that failed leads to the doctor, with the device it was for", async () => {
  const { agent, desk, hear } = await open(Sheets);
  desk.invite({ peer: "p", name: "Bo" });
  await settle();
  await hear({ event: "invite-ended", invite: agent.lastInvite, failure: { code: "Unreachable", message: "no way" } });
  await press(button("Find out why"));
  expect(router.now).toEqual({ view: "doctor", id: "p" });
});

test("whether programs may be run is asked only about offers with programs in them", async () => {
  for (const executables of [true, false, null]) {
    const { page } = await open(Sheets, offer({ executables }));
    expect(screen.queryByRole("checkbox", { name: TICK }) !== null, String(executables)).toBe(executables === true);
    page.unmount();
  }
});

test("programs stay programs only if that was ticked for this very offer", async () => {
  const plain = await open(Sheets, offer({ names: ["run.sh"], executables: true }));
  await ripen();
  await press(button("Accept"));
  expect(asked(plain.agent, "accept")).toMatchObject([{ executable: false }]);
  plain.page.unmount();

  const { agent, hear } = await open(Sheets, offer({ names: ["run.sh"], executables: true }));
  await hear({ event: "question", ...question("Bo", { kind: "transfer", code: null, items: 1, names: ["other.sh"], executables: true }) });
  await fireEvent.click(screen.getByRole("checkbox", { name: TICK }));
  await press(button("Next question"));
  expect((screen.getByRole("checkbox", { name: TICK }) as HTMLInputElement).checked).toBe(false);
  await press(button("Previous question"));
  await fireEvent.click(screen.getByRole("checkbox", { name: TICK }));
  await ripen();
  await press(button("Accept"));
  expect(asked(agent, "accept")).toMatchObject([{ executable: true, always: false }]);
});

test("the tick box is asked in Korean, too", async () => {
  await open(Sheets, offer({ names: ["run.sh"], executables: true }), null, "ko");
  expect(screen.getByRole("checkbox", { name: "받은 프로그램을 실행할 수 있게 두기" })).toBeTruthy();
});
