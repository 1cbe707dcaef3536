// What a conversation shows of services that are lent, and that a press ends them.
import { screen } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { peerId } from "~/bridge/fake/rows";
import { SCENES } from "~/bridge/fake/scenes";
import { asked, button, open, press, settle, stage } from "~/test/open";
import Session from "./Session.svelte";

stage();
const ANA = peerId("Ana");

test("what is lent to somebody is said in their conversation, and one press ends it", async () => {
  const { agent, desk } = await open(Session, SCENES.lent(), ANA);
  expect(screen.getByText("Ana may use your service wiki (127.0.0.1:8080).")).toBeTruthy();
  expect(screen.getByText("You reach ssh of Ana at 127.0.0.1:2222.")).toBeTruthy();
  await press(button("Stop lending wiki"));
  expect(asked(agent, "unexpose")).toEqual([{ ask: "unexpose", name: "wiki", to: ANA }]);
  desk.flush();
  await settle();
  expect(screen.queryByText(/your service wiki/)).toBeNull();
  await press(button("Stop reaching ssh"));
  desk.flush();
  await settle();
  expect(screen.queryByRole("group", { name: "Services" })).toBeNull();
});

test("a use that begins is said without being asked for", async () => {
  const scene = SCENES.lent();
  const { exposed } = scene.lent!;
  const { hear } = await open(Session, scene, ANA);
  const row = { ...exposed[0]!, open: 1, to: exposed[0]!.to.map((to) => ({ ...to, open: 1 })) };
  exposed[0] = row;
  await hear({ event: "exposed", ...row });
  expect(screen.getByText("Ana is using your service wiki (127.0.0.1:8080).")).toBeTruthy();
});

test("where nothing is lent nothing is said", async () => {
  await open(Session, SCENES.busy(), ANA);
  expect(screen.queryByRole("group", { name: "Services" })).toBeNull();
});
