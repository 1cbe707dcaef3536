// What is to be sent and has not gone yet, as a list shows it: which rows, in which order, in which words. Pure.
import type { CostPolicy, OutboxRow, Priority } from "~/bridge/words";
import type { World } from "~/state/world";
import { ending } from "~/text/figures";
import { plainly } from "~/text/plainly";
import { shown } from "~/text/shown";
import { t } from "~/text/text.svelte";

const ORDER: Record<OutboxRow["state"], number> = { sending: 0, waiting: 1, failed: 2, expired: 3, sent: 4 };
const RANK: Record<Priority, number> = { high: 0, default: 1, low: 2 };

/** Whether it is over: nothing more happens with it by itself. */
export const isOver = (row: OutboxRow): boolean => row.state === "sent" || row.state === "failed" || row.state === "expired";

/**
 * What the list shows: what moves first, then what waits, by who goes first and by age, then what came to nothing. What is a
 * transfer that is listed as one, and goes well, is shown there alone.
 */
export function waitingList(outbox: World["outbox"], transfers: World["transfers"]): OutboxRow[] {
  const elsewhere = (row: OutboxRow) =>
    (row.state === "sending" || row.state === "sent") && row.transfer != null && transfers.has(row.transfer);
  return [...outbox.values()]
    .filter((row) => !elsewhere(row))
    .sort((a, b) => ORDER[a.state] - ORDER[b.state] || RANK[a.priority] - RANK[b.priority] || a.at - b.at || (a.entry < b.entry ? -1 : 1));
}

/** Where it stands, in a sentence. */
export function waitingLine(row: OutboxRow): string {
  const name = shown(row.name, 40);
  if (row.state !== "waiting") return t(`outbox.${row.state}`, { name });
  return t(`outbox.${row.waits ?? "turn"}`, { name });
}

/** Until when, and what is unusual about it. `now` in milliseconds. */
export function terms(row: OutboxRow, now: number, tag: string): string[] {
  if (isOver(row)) return [];
  return [
    t("outbox.until", { time: ending(row.expires, now, tag) }),
    ...(row.priority === "default" ? [] : [t(`outbox.${row.priority}`)]),
    ...(row.cost === "default" ? [] : [t(`outbox.${row.cost}`)]),
  ];
}

/** Why it did not go, if that is known and not said yet. */
export const trouble = (row: OutboxRow): string | null =>
  row.why != null && (row.state === "waiting" || row.state === "failed") ? t("outbox.why", { why: plainly(row.why) }) : null;

/** What one press does: `go` for what waits for the person's word, `now` for what failed or waits for another try. */
export function deed(row: OutboxRow): "go" | "now" | null {
  if (row.state === "failed" || row.state === "expired") return "now";
  if (row.state !== "waiting") return null;
  return row.waits === "word" ? "go" : row.waits === "retry" ? "now" : null;
}

export const PRIORITIES: readonly Priority[] = ["high", "default", "low"];
export const COSTS: readonly CostPolicy[] = ["default", "unrestricted", "always"];
