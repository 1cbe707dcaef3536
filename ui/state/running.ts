// What would end with the program in the background, or with the right to meet devices.
import { shown } from "~/text/shown";
import type { Desk } from "./desk.svelte";
import { isOver } from "./reduce";

/** Who is talked with, and how many transfers are not over. */
export function running(desk: Desk): { names: string[]; moving: number } {
  const open = [...desk.sessions.values()].filter((one) => one.state !== "closed");
  const moving = [...desk.transfers.values()].filter((one) => !isOver(one.state)).length;
  return { names: open.map((one) => shown(one.name, 40)), moving };
}
