// g2: a button that says yes is inert when it appears under a pointer or a held key.
import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { createRawSnippet, tick } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import Button from "./Button.svelte";
import { INERT_MS } from "./arming.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function show(armed: boolean) {
  const pressed = vi.fn();
  const children = createRawSnippet(() => ({ render: () => "<span>Accept</span>" }));
  render(Button, { armed, onclick: pressed, children });
  return { pressed, button: screen.getByRole("button") };
}

async function wait(milliseconds: number) {
  vi.advanceTimersByTime(milliseconds);
  await tick();
}

test("an ordinary button works at once", async () => {
  const { pressed, button } = show(false);
  await fireEvent.click(button);
  expect(pressed).toHaveBeenCalledOnce();
});

test("g2 for half a second nothing counts, then it does", async () => {
  const { pressed, button } = show(true);
  await fireEvent.click(button);
  await wait(INERT_MS - 1);
  expect(button.getAttribute("aria-disabled")).toBe("true");
  await fireEvent.click(button);
  expect(pressed).not.toHaveBeenCalled();
  await wait(1);
  expect(button.hasAttribute("aria-disabled")).toBe(false);
  await fireEvent.click(button);
  expect(pressed).toHaveBeenCalledOnce();
});

test("g2 a press that began too early does not count when it ends later", async () => {
  const { pressed, button } = show(true);
  await fireEvent.pointerDown(button);
  await wait(INERT_MS);
  await fireEvent.click(button);
  expect(pressed).not.toHaveBeenCalled();
});

test("g2 a key held down does not count, a fresh one does", async () => {
  const { pressed, button } = show(true);
  await wait(INERT_MS);
  expect(await fireEvent.keyDown(button, { key: "Enter", repeat: true })).toBe(false);
  expect(await fireEvent.keyDown(button, { key: "Enter" })).toBe(true);
  await fireEvent.click(button);
  expect(pressed).toHaveBeenCalledOnce();
});

test("g2 coming back to the window starts the wait again", async () => {
  const { pressed, button } = show(true);
  await wait(INERT_MS);
  await fireEvent(window, new Event("focus"));
  await fireEvent.click(button);
  expect(pressed).not.toHaveBeenCalled();
  await wait(INERT_MS);
  await fireEvent.click(button);
  expect(pressed).toHaveBeenCalledOnce();
});
