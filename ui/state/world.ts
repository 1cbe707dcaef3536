// What the page knows of the agent's world: a picture, never the truth. Everything here comes from news and can be thrown
// away at any moment; a fresh snapshot makes it whole again.
import type {
  CapabilityRow, ErrorCode, Failure, GrantRow, InviteId, MeRow, MessageRow, OutboxRow, PeerId, PeerRow, QuestionId, QuestionRow, SessionId, SessionRow,
  TransferId, TransferRow, Verified,
} from "~/bridge/words";

/** Where an invite of ours stands. */
export type InviteStage =
  | { is: "calling" }
  | { is: "sent" }
  | { is: "waiting" }
  | { is: "code"; code: string }
  | { is: "done"; session: SessionId; peer: PeerId; verified: Verified }
  | { is: "ended"; failure: Failure };

export interface Speed { done: number; total: number; bytesPerSecond: number }
export interface Alarm { number: number; message: string; peer: PeerId | null }
/** A question and when it lapses, in the page's own milliseconds. */
export interface OpenQuestion { row: QuestionRow; until: number }

export type AgentLink =
  | { is: "connecting" }
  | { is: "here" }
  | { is: "lost"; failure: Failure; retrying: boolean }
  | { is: "stopping" };

export interface World {
  agent: AgentLink;
  me: MeRow | null;
  peers: ReadonlyMap<string, PeerRow>;
  questions: ReadonlyMap<QuestionId, OpenQuestion>;
  sessions: ReadonlyMap<SessionId, SessionRow>;
  /** Sessions that ended while this window watched, by device. */
  ended: ReadonlyMap<PeerId, SessionRow>;
  transfers: ReadonlyMap<TransferId, TransferRow>;
  /** Apart from the rows, so that ten a second do not sort long lists anew. */
  speeds: ReadonlyMap<TransferId, Speed>;
  /** Why transfers ended that ended while this window watched. */
  reasons: ReadonlyMap<TransferId, ErrorCode>;
  invites: ReadonlyMap<InviteId, InviteStage>;
  /** By device, oldest first. */
  messages: ReadonlyMap<PeerId, readonly MessageRow[]>;
  unread: ReadonlyMap<PeerId, number>;
  /** What became of each medium since the last snapshot: `on`, `off`, or why it does not work. */
  media: ReadonlyMap<string, string>;
  /** Changes to capabilities since the window opened. */
  capabilities: ReadonlyMap<string, CapabilityRow>;
  alarms: readonly Alarm[];
  /** Goes up whenever certificates, cards or authorities have changed: time to ask again. */
  identities: number;
  /** Goes up whenever something about services that are lent or used has changed. */
  lending: number;
  /** What is to be sent, also to devices that are away. */
  outbox: ReadonlyMap<string, OutboxRow>;
  /** What devices may do here without asking; those that are over stay a week. */
  grants: ReadonlyMap<string, GrantRow>;
  /** Whose conversation is on the screen: its messages are read. */
  viewing: PeerId | null;
}

export const emptyWorld = (): World => ({
  agent: { is: "connecting" },
  me: null,
  peers: new Map(),
  questions: new Map(),
  sessions: new Map(),
  ended: new Map(),
  transfers: new Map(),
  speeds: new Map(),
  reasons: new Map(),
  invites: new Map(),
  messages: new Map(),
  unread: new Map(),
  media: new Map(),
  capabilities: new Map(),
  alarms: [],
  identities: 0,
  lending: 0,
  outbox: new Map(),
  grants: new Map(),
  viewing: null,
});
