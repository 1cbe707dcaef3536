// When what had the focus is taken from the page, keys and readers go on from the title of the view, not from nowhere.
import { tick } from "svelte";

export async function refocus(): Promise<void> {
  await tick();
  const at = document.activeElement;
  if (at !== null && at !== document.body && at.isConnected) return;
  document.querySelector<HTMLElement>("[data-view-title]")?.focus({ preventScroll: true });
}
