// The certificates of this person, as far as this window has seen them, and whether there are any beside the device's own.
// The latter is remembered, so that nobody who has none is ever asked which one to use, and no card is touched to find out.
import type { IdentityRow } from "~/bridge/words";
import { remember, remembered } from "./kept";

class OwnCertificates {
  private rows = $state.raw<readonly IdentityRow[]>([]);
  /** Whether there is a choice. */
  some = $state(remembered("certificates") === "some");
  /** Whether it is asked each time; `false` as long as nothing was seen. */
  readonly asks = $derived(this.rows.length > 0 && !this.rows.some((row) => row.current));
  readonly current = $derived(this.rows.find((row) => row.current) ?? null);

  /** What the agent listed. */
  seen(rows: readonly IdentityRow[]): void {
    this.rows = rows;
    this.some = rows.some((row) => row.source !== "local");
    remember("certificates", this.some ? "some" : null);
  }
}

export const ownCertificates = new OwnCertificates();

/** By what one wants to be known: as it is set, by the device's key alone, or to be asked. */
export type KnownAs = "set" | "local" | "ask";

/** The part of an invite or an answer that says so. */
export const knownAs = (as: KnownAs): { identity?: string } => (as === "set" ? {} : { identity: as });
