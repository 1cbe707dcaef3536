// "Everyone, while I look, and ten minutes after": the agent is told again and again while this window is seen, each time
// for ten minutes; when the window closes or hides, the agent falls back by itself.
import { untrack } from "svelte";
import type { Desk } from "./desk.svelte";
import { remember, remembered } from "./kept";

export const LOOKING_SECONDS = 600;
const AGAIN_MS = 120_000;

export const isLooking = (): boolean => remembered("looking") === "yes";

export function keepLooking(on: boolean): void {
  remember("looking", on ? "yes" : null);
}

/** Renews the visibility while the window is seen. Gives back how to end. */
export function lookAround(desk: Desk): () => void {
  let last = 0;
  const renew = () => {
    const seen = document.visibilityState === "visible" && desk.agent.is === "here";
    if (!isLooking() || !seen || !desk.me?.name || desk.clock() - last < AGAIN_MS) return;
    last = desk.clock();
    void desk.bridge
      .proximity({ ask: "set-visibility", visibility: "everyone", name: null, seconds: LOOKING_SECONDS })
      .catch(() => undefined);
  };
  const timer = setInterval(renew, 5_000);
  document.addEventListener("visibilitychange", renew);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", renew);
  };
}

const CLOSELY_MS = 20_000;

/** Tells the agent that somebody looks at the list of devices, as long as the window is seen. Gives back how to end. */
export function lookClosely(desk: Desk): () => void {
  let last = -CLOSELY_MS;
  const look = () => {
    if (document.visibilityState !== "visible" || desk.agent.is !== "here" || desk.clock() - last < CLOSELY_MS) return;
    last = desk.clock();
    void desk.bridge.proximity({ ask: "look" }).catch(() => undefined);
  };
  untrack(look);
  const timer = setInterval(look, 1_000);
  document.addEventListener("visibilitychange", look);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", look);
  };
}
