// One invite of ours, from the click to the session. Where it stands is told by the agent's news; this adds only what the
// person did here (said "the same", took it back) and what is to be offered afterwards.
import { failureOf } from "~/bridge/bridge";
import type { Failure, Picked, Trust } from "~/bridge/words";
import { knownAs, type KnownAs } from "./certificates.svelte";
import type { Desk } from "./desk.svelte";
import type { InviteStage } from "./world";

export interface Target { peer: string; name: string; trust?: Trust }

export type InvitationStep =
  | { is: "compose" }
  | { is: "confirmed" }
  | { is: "mismatch" }
  | { is: "refused"; failure: Failure }
  | InviteStage;

export class Invitation {
  note = $state("");
  as = $state<KnownAs>("set");
  /** Came from a link: there is no device to invite again. */
  readonly byLink: boolean;
  private id = $state<string | null>(null);
  private begun = $state(false);
  private refusal = $state.raw<Failure | null>(null);
  private verdict = $state<"same" | "different" | null>(null);

  constructor(
    private readonly desk: Desk,
    readonly target: Target,
    readonly picked: readonly Picked[],
    /** An invite that is on its way already (a link that was opened). */
    invite: string | null = null,
  ) {
    this.id = invite;
    this.begun = invite !== null;
    this.byLink = invite !== null;
  }

  get step(): InvitationStep {
    if (this.refusal) return { is: "refused", failure: this.refusal };
    if (!this.begun) return { is: "compose" };
    const heard: InviteStage = (this.id && this.desk.invites.get(this.id)) || { is: "calling" };
    if (heard.is === "ended") return this.verdict === "different" ? { is: "mismatch" } : heard;
    if (heard.is === "code" && this.verdict === "same") return { is: "confirmed" };
    if (heard.is === "code" && this.verdict === "different") return { is: "mismatch" };
    return heard;
  }

  /** Whether there is something to take back. */
  get running(): boolean {
    return this.begun && !["done", "ended", "refused", "mismatch"].includes(this.step.is);
  }

  async begin(unverified = false): Promise<void> {
    this.refusal = null;
    this.verdict = null;
    this.id = null;
    this.begun = true;
    const message = this.note.trim() === "" ? null : this.note.trim();
    try {
      const { peer } = this.target;
      const ask = { ask: "invite", peer, message, timeout: null, unverified, ...knownAs(this.as) } as const;
      const answer = await this.desk.bridge.proximity(ask);
      if (answer.answer === "inviting") this.id = answer.invite;
    } catch (thrown) {
      this.refusal = failureOf(thrown);
    }
  }

  async compare(same: boolean): Promise<void> {
    if (this.id === null) return;
    this.verdict = same ? "same" : "different";
    await this.desk.attempt(this.desk.bridge.proximity({ ask: "confirm-code", invite: this.id, same }));
  }

  async withdraw(): Promise<void> {
    const { id } = this;
    if (id === null || !this.running) return;
    // Too late is no failure: it ended by itself.
    await this.desk.bridge.proximity({ ask: "withdraw", invite: id }).catch(() => null);
  }
}
