// The items of a transfer, page by page. Only pages that were looked at are held; a refresh asks for what is in sight.
import type { Bridge } from "~/bridge/bridge";
import { failureOf } from "~/bridge/bridge";
import type { Failure, ItemRow } from "~/bridge/words";

const PAGE = 200;

export class Items {
  rows = $state.raw<readonly { index: number; row: ItemRow | null }[]>([]);
  failure = $state.raw<Failure | null>(null);
  private readonly asked = new Set<number>();
  private seen: [first: number, last: number] = [0, 0];

  constructor(
    private readonly bridge: Bridge,
    private readonly transfer: string,
    total: number,
  ) {
    this.rows = Array.from({ length: total }, (_, index) => ({ index, row: null }));
  }

  /** These rows are in sight. */
  want(first: number, last: number): void {
    this.seen = [first, last];
    for (let page = Math.floor(first / PAGE); page * PAGE <= last; page += 1) {
      if (!this.asked.has(page)) void this.fetch(page);
    }
  }

  async refresh(): Promise<void> {
    const [first, last] = this.seen;
    for (let page = Math.floor(first / PAGE); page * PAGE <= last; page += 1) await this.fetch(page);
  }

  private async fetch(page: number): Promise<void> {
    this.asked.add(page);
    try {
      const ask = { ask: "items", transfer: this.transfer, after: page * PAGE, limit: PAGE } as const;
      const answer = await this.bridge.proximity(ask);
      if (answer.answer !== "items") return;
      const next = Array.from({ length: answer.total }, (_, index) => this.rows[index] ?? { index, row: null });
      for (const [at, row] of answer.rows.entries()) {
        const index = page * PAGE + at;
        next[index] = { index, row };
      }
      this.rows = next;
      this.failure = null;
    } catch (thrown) {
      this.asked.delete(page);
      this.failure = failureOf(thrown);
    }
  }
}
