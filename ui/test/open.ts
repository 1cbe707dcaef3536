// For component tests in jsdom: a view (or the sheets) with the store around it, on a scripted agent and a still clock.
import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { tick, type Component } from "svelte";
import { afterEach, beforeEach, vi } from "vitest";
import { FakeAgent } from "~/bridge/fake/agent";
import { NOON } from "~/bridge/fake/rows";
import { SCENES, type Scene } from "~/bridge/fake/scenes";
import { Desk } from "~/state/desk.svelte";
import { toasts } from "~/state/toasts.svelte";
import { setLanguage, type Language } from "~/text/text.svelte";
import WithDesk from "./WithDesk.svelte";

/** To be called once in a file of tests. */
export function stage(): void {
  // Looking for roles is slow in jsdom when the machine is busy.
  vi.setConfig({ testTimeout: 30_000 });
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("matchMedia", () => ({ matches: false }));
    // jsdom has no sizes and no modal dialogs.
    vi.stubGlobal("ResizeObserver", class { observe() {} unobserve() {} disconnect() {} });
    HTMLDialogElement.prototype.showModal = function () { this.open = true; };
    HTMLDialogElement.prototype.close = function () { this.open = false; };
    toasts.list = [];
  });
  afterEach(() => {
    cleanup();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}

/** Lets promises and effects settle. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 8; round += 1) {
    await Promise.resolve();
    await tick();
  }
}

export async function open(
  view: Component<{ id: string | null }> | Component<Record<string, never>>, scene: Scene = SCENES.busy(), id: string | null = null, language: Language = "en",
) {
  const agent = new FakeAgent({ scene, pace: 0, language });
  const desk = new Desk(agent, () => NOON * 1000);
  await desk.start();
  desk.flush();
  setLanguage(language);
  const page = render(WithDesk, { desk, view: view as Component<{ id: string | null }>, id });
  await settle();
  /** News, and what follows from them. */
  const hear = async (...news: Parameters<FakeAgent["tell"]>) => {
    agent.tell(...news);
    desk.flush();
    await settle();
  };
  return { agent, desk, page, hear };
}

export const asked = (agent: FakeAgent, ask: string) => agent.asked.filter((one) => one.ask === ask);

export async function press(element: HTMLElement): Promise<void> {
  await fireEvent.click(element);
  await settle();
}

/** A button that says yes wakes half a second after it appeared. */
export async function ripen(): Promise<void> {
  vi.advanceTimersByTime(600);
  await settle();
}

export const button = (name: string | RegExp) => screen.getByRole("button", { name });
