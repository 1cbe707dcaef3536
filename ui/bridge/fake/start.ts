// How the scripted agent is chosen from the address: ?scene=busy&lang=ko&pace=0&link=hither://…
import { FakeAgent } from "./agent";
import { NOON } from "./rows";
import { SCENES, isScene } from "./scenes";

declare global {
  interface Window { fake?: FakeAgent }
}

export function fakeBridge(): { bridge: FakeAgent; clock: () => number } {
  const query = new URLSearchParams(location.search);
  const scene = query.get("scene") ?? "busy";
  const pace = query.get("pace");
  const agent = new FakeAgent({
    scene: SCENES[isScene(scene) ? scene : "busy"](),
    language: query.get("lang"),
    ...(pace === null ? {} : { pace: Number(pace) }),
  });
  agent.link = query.get("link");
  window.fake = agent;
  const start = performance.now();
  return { bridge: agent, clock: () => NOON * 1000 + (pace === "0" ? 0 : performance.now() - start) };
}
