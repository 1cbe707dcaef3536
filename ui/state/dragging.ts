// A received file dragged out of the window. The page only says which transfer: the shell knows where it lies, and the
// system's own drag takes over from the page's.
import type { Attachment } from "svelte/attachments";
import type { TransferRow } from "~/bridge/words";
import type { Desk } from "./desk.svelte";

/** Whether there is a file or folder here to drag. */
export const canDrag = (row: TransferRow): boolean => row.direction === "in" && row.state === "kept" && Boolean(row.path);

/** Lets an element be dragged as what was received. */
export function draggedOut(desk: Desk, row: TransferRow): Attachment<HTMLElement> | null {
  if (!canDrag(row)) return null;
  const { transfer } = row;
  return (element) => {
    const begin = (event: DragEvent) => {
      event.preventDefault();
      void desk.attempt(desk.bridge.dragKept(transfer));
    };
    element.draggable = true;
    element.addEventListener("dragstart", begin);
    return () => {
      element.draggable = false;
      element.removeEventListener("dragstart", begin);
    };
  };
}
