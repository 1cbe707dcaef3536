// A received file can be dragged out by its line; nothing else can.
import { createEvent, fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { transfer } from "~/bridge/fake/rows";
import { SCENES } from "~/bridge/fake/scenes";
import { open, settle, stage } from "../../test/open";
import Transfers from "./Transfers.svelte";

stage();

const ROWS = [
  transfer("Ana", "here.pdf", { path: "/home/sam/hither/here.pdf" }),
  transfer("Ana", "moving.pdf", { state: "moving", path: "/home/sam/hither/moving.pdf" }),
  transfer("Ana", "mine.pdf", { direction: "out" }),
  transfer("Ana", "nowhere.pdf"),
];

test("only what was received and lies here is dragged, and the page's own drag gives way to the system's", async () => {
  const scene = SCENES.busy();
  const { agent } = await open(Transfers, { ...scene, snapshot: { ...scene.snapshot, transfers: ROWS }, then: [] });
  const cards = [...document.querySelectorAll<HTMLElement>("[data-transfer]")];
  expect(cards).toHaveLength(ROWS.length);
  for (const card of cards) {
    const event = createEvent.dragStart(card);
    await fireEvent(card, event);
    await settle();
    const drags = card.dataset.transfer === ROWS[0]!.transfer;
    expect([card.draggable ?? false, event.defaultPrevented]).toEqual([drags, drags]);
  }
  expect(agent.dragged).toEqual([ROWS[0]!.transfer]);
});
