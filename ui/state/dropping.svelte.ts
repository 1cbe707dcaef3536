// Files held over the window: on which device they would land. The shell tells where the pointer is; anything marked with
// `data-drop-peer` (and `data-drop-name`, `data-drop-trust`) is a place to drop.
import type { Drop, Trust } from "~/bridge/words";
import type { Desk } from "./desk.svelte";

export interface DropTarget { peer: string; name: string; trust?: Trust }

class Dropping {
  over = $state(false);
  target = $state.raw<DropTarget | null>(null);

  start(desk: Desk): void {
    void desk.bridge.onDrop((drop) => this.hear(desk, drop));
  }

  private hear(desk: Desk, drop: Drop): void {
    const target = targetAt(drop.x, drop.y);
    if ("over" in drop) {
      this.over = drop.over && desk.met;
      this.target = drop.over ? target : null;
      return;
    }
    this.over = false;
    this.target = null;
    if (drop.picked.length === 0) return;
    if (target) void desk.offer(target, drop.picked);
    else desk.open({ is: "send", picked: drop.picked });
  }
}

function targetAt(x: number, y: number): DropTarget | null {
  const place = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-drop-peer]");
  const { dropPeer: peer, dropName: name, dropTrust: trust } = place?.dataset ?? {};
  return peer ? { peer, name: name ?? "", ...(trust ? { trust: trust as Trust } : {}) } : null;
}

export const dropping = new Dropping();
