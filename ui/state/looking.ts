// "Everyone, while I look, and ten minutes after": the agent is told again and again while this window is seen, each time
// for ten minutes; when the window closes or hides, the agent falls back by itself.
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
