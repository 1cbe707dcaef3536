// Where the page starts: picks the bridge, makes the store, mounts the window.
import "./design";
import { mount } from "svelte";
import App from "./App.svelte";
import type { Bridge } from "./bridge/bridge";
import { insideTauri, tauriBridge } from "./bridge/tauri";
import { Desk } from "./state/desk.svelte";
import { languageFor, setLanguage } from "./text/text.svelte";

async function choose(): Promise<{ bridge: Bridge; clock?: () => number }> {
  // The scripted agent is no part of what is shipped: this branch is gone from the production build.
  if ((import.meta.env.DEV || import.meta.env.MODE === "fake") && !insideTauri()) {
    const { fakeBridge } = await import("./bridge/fake/start");
    return fakeBridge();
  }
  return { bridge: tauriBridge() };
}

const { bridge, clock } = await choose();
// The system's language at once; the one the person chose as soon as the shell has told.
setLanguage(languageFor(navigator.language), navigator.languages);
const desk = new Desk(bridge, clock);
mount(App, { target: document.getElementById("app")!, props: { desk } });
void desk.start();
