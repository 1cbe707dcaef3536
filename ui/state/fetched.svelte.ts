// Something the agent is asked for and gives no news about: links, history, settings … What was read stays to be seen
// while it is read anew; of several answers on their way only the last one asked for counts.
import { untrack } from "svelte";
import { failureOf } from "~/bridge/bridge";
import type { Failure } from "~/bridge/words";
import type { Desk } from "./desk.svelte";

export class Fetched<T> {
  value = $state.raw<T | null>(null);
  failure = $state.raw<Failure | null>(null);
  busy = $state(false);
  private turn = 0;

  constructor(private readonly ask: () => Promise<T>) {}

  /** Whether there is something now. */
  async load(): Promise<boolean> {
    const turn = (this.turn += 1);
    this.busy = true;
    try {
      const value = await this.ask();
      if (turn !== this.turn) return true;
      this.value = value;
      this.failure = null;
      return true;
    } catch (thrown) {
      if (turn === this.turn) this.failure = failureOf(thrown);
      return false;
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  }

  /** For an effect: loads as soon as the agent is there, and again whenever it comes back. */
  follow(desk: Desk): void {
    if (desk.agent.is === "here") untrack(() => void this.load());
  }

  /** What an answer to a change already told. */
  set(value: T): void {
    this.turn += 1;
    this.busy = false;
    this.failure = null;
    this.value = value;
  }
}
