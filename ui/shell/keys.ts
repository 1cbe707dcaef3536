// Keys that work anywhere in the window. Pure apart from what it is told to do, so that tests can press them.
import type { Desk } from "~/state/desk.svelte";
import { router } from "~/state/route.svelte";
import { NAV } from "~/views/views";

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== "radio");

export function pressed(event: KeyboardEvent, desk: Desk): void {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open], :popover-open")) return;
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "Escape" && !control && !typing(event.target)) {
    if (router.now.view === "session") router.go("near");
    return;
  }
  if (event.key === "F1" || (control && event.key === "/")) {
    event.preventDefault();
    return desk.open({ is: "keys" });
  }
  if (!control || event.altKey || event.shiftKey) return;
  const entry = /^[1-8]$/.test(event.key) ? NAV[Number(event.key) - 1] : undefined;
  if (entry) {
    event.preventDefault();
    router.go(entry.id);
  } else if (event.key === ",") {
    event.preventDefault();
    router.go("settings");
  } else if (event.key === "f") {
    const search = document.querySelector<HTMLInputElement>("[data-search]");
    event.preventDefault();
    search?.focus();
    search?.select();
  }
}
