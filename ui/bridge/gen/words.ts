// Made from the Rust words by script/types; not written by hand. `null` may be left out wherever a field is marked with `?`.

/**
 * Whether there is an agent to talk to.
 */
export type AgentNews = { "event": "agent-lost",
/**
 * Why. `VersionSkew`: the agent is of another version and has to be stopped first.
 */
failure: Failure,
/**
 * Whether the shell goes on trying by itself. If not, `start_agent` is what helps.
 */
retrying: boolean, } | { "event": "agent-back" };

/**
 * The life of the agent.
 */
export type AgentState = "starting" | "serving" | "draining" | "stopped";

/**
 * What the agent answers.
 */
export type Answer = { "answer": "done" } | { "answer": "status", status: StatusRow, } | { "answer": "peers", rows: Array<PeerRow>, } | { "answer": "inviting", invite: InviteId, } | { "answer": "link", invite: InviteId, url: LinkText, expires: number, } | { "answer": "links", rows: Array<LinkRow>, } | { "answer": "questions", rows: Array<QuestionRow>, } | { "answer": "sessions", rows: Array<SessionRow>, } | { "answer": "messages", rows: Array<MessageRow>, } | { "answer": "said", session: SessionId, number: number, } | { "answer": "offered", transfer: TransferId, items: number, bytes: number, skipped: Array<FailedItem>, } | { "answer": "transfers", rows: Array<TransferRow>, } | { "answer": "outbox", rows: Array<OutboxRow>, groups: Array<GroupRow>, } | { "answer": "grants", rows: Array<GrantRow>, } | { "answer": "held", rows: Array<HeldRow>, } | { "answer": "lent", exposed: Array<ExposedRow>, forwarding: Array<ForwardingRow>, } | { "answer": "items", rows: Array<ItemRow>, total: number, } | { "answer": "identities", rows: Array<IdentityRow>, } | { "answer": "certificate", pem: string, } | { "answer": "rotation", heir: PeerId, heard: Array<string>, unheard: Array<string>, } | { "answer": "tokens", rows: Array<TokenRow>, faults: Array<TokenFault>, } | { "answer": "authorities", rows: Array<AuthorityRow>, } | { "answer": "trust", rows: Array<TrustRow>, } | { "answer": "capabilities", rows: Array<CapabilityRow>, } | { "answer": "settings", settings: SettingsRow, } | { "answer": "checks", rows: Array<CheckRow>, } | { "answer": "history", rows: Array<HistoryRow>,
/**
 * How whole the history is; absent from agents that do not know.
 */
state?: HistoryState | null, } | { "answer": "erased", lines: number, } | { "answer": "answered", question: QuestionId, } | { "answer": "failed", failure: Failure, };

/**
 * A request to the agent. Devices are named by id, unambiguous beginning of it, or exact name; all else by id or beginning.
 */
export type Ask = { "ask": "status" } | { "ask": "stop" } | { "ask": "drain" } | { "ask": "near" } | { "ask": "look" } | { "ask": "set-visibility",
/**
 * Who.
 */
visibility: Visibility,
/**
 * The name to show.
 */
name: DisplayName | null,
/**
 * Fall back to what it was after so many seconds.
 */
seconds: number | null, } | { "ask": "invite",
/**
 * Whom.
 */
peer: string,
/**
 * A line to go with it.
 */
message: string | null,
/**
 * Seconds to wait for the answer; 60 if absent.
 */
timeout: number | null,
/**
 * Settle for an unverified session, once: no code, nothing stored but that it happened.
 */
unverified: boolean,
/**
 * The certificate to be known by, by id; `local` for the device's key alone, `ask` to be asked; absent: the
 * current one.
 */
identity?: string | null, } | { "ask": "confirm-code",
/**
 * Which invite.
 */
invite: InviteId,
/**
 * Whether the codes are the same.
 */
same: boolean, } | { "ask": "withdraw",
/**
 * Which.
 */
invite: InviteId, } | { "ask": "make-link",
/**
 * Seconds it stays good; 600 if absent, 86,400 at most.
 */
expires: number | null,
/**
 * How often it can be used; 1 if absent.
 */
uses: number | null, } | { "ask": "links" } | { "ask": "revoke-link",
/**
 * Which, by beginning.
 */
invite: string, } | { "ask": "open-link",
/**
 * The link.
 */
url: LinkText,
/**
 * As in [`Ask::Invite`].
 */
identity?: string | null, } | { "ask": "inbox" } | { "ask": "accept",
/**
 * Which, by beginning.
 */
question: string,
/**
 * Also in future, without asking.
 */
always: boolean,
/**
 * The person compared the code and it is the same.
 */
same_code: boolean,
/**
 * Accept a first meeting without comparing codes, once.
 */
unverified: boolean,
/**
 * Where files go instead of the inbox.
 */
to: string | null,
/**
 * Keep the executable bit of offered files.
 */
executable: boolean,
/**
 * What they may do from now on without a question.
 */
grant?: GrantTerms | null,
/**
 * As in [`Ask::Invite`]; only for invites.
 */
identity?: string | null, } | { "ask": "decline",
/**
 * Which, by beginning.
 */
question: string,
/**
 * And take no more questions from them.
 */
block: boolean, } | { "ask": "sessions" } | { "ask": "session",
/**
 * Which: a session or a device.
 */
session: string, } | { "ask": "close",
/**
 * Which: a session or a device.
 */
session: string, } | { "ask": "say",
/**
 * To a session or a device with an open session.
 */
to: string,
/**
 * The text, at most 64 KiB.
 */
text: string, } | { "ask": "messages",
/**
 * Of one session or device, or of all.
 */
session: string | null, } | { "ask": "send",
/**
 * To whom.
 */
peer: string,
/**
 * What: absolute paths.
 */
paths: Array<string>, } | { "ask": "receive",
/**
 * Where files go instead of the inbox.
 */
to: string | null,
/**
 * From one device only.
 */
from: string | null,
/**
 * The first offer only.
 */
once: boolean, } | { "ask": "expose",
/**
 * What it is to be called.
 */
name: LentName,
/**
 * Where it is: an address of this machine and a port, such as `127.0.0.1:22`.
 */
target: string,
/**
 * To whom.
 */
to: Array<string>,
/**
 * For how long.
 */
lasts: Lasting,
/**
 * The seconds of [`Lasting::For`], 2,592,000 (30 days) at most.
 */
seconds?: number | null, } | { "ask": "unexpose",
/**
 * Which.
 */
name: LentName,
/**
 * To this device only; absent: to nobody.
 */
to?: string | null, } | { "ask": "lent" } | { "ask": "forward",
/**
 * Whose service: a device with an open session.
 */
peer: string,
/**
 * What it is called there.
 */
name: LentName,
/**
 * Where programs here shall reach it, `ip:port` on loopback; absent: `127.0.0.1` and a free port.
 */
bind?: string | null, } | { "ask": "unforward",
/**
 * Which, by its name or by where it is reached, `ip:port`.
 */
what: string, } | { "ask": "outbox" } & OutboxAsk | { "ask": "grant" } & GrantAsk | { "ask": "held" } | { "ask": "transfers" } | { "ask": "transfer",
/**
 * Which, by beginning.
 */
transfer: string, } | { "ask": "items",
/**
 * Which, by beginning.
 */
transfer: string,
/**
 * Begin with the item of this index.
 */
after: number,
/**
 * At most so many; 1,000 are the most there are in an answer.
 */
limit: number, } | { "ask": "pause",
/**
 * Which, by beginning.
 */
transfer: string, } | { "ask": "resume",
/**
 * Which, by beginning.
 */
transfer: string, } | { "ask": "cancel",
/**
 * Which, by beginning.
 */
transfer: string, } | { "ask": "pin",
/**
 * Which, by beginning.
 */
question: string,
/**
 * The PIN; absent where it is entered on the reader or token itself.
 */
pin?: SecretText | null,
/**
 * The last try may be spent.
 */
last_try: boolean, } | { "ask": "choose",
/**
 * Which, by beginning.
 */
question: string,
/**
 * The certificate, by id.
 */
identity: string, } | { "ask": "identities",
/**
 * Expired ones too, and every one of those with the same subject and issuer.
 */
all: boolean,
/**
 * Only keys in hardware.
 */
hardware: boolean,
/**
 * Only those whose issuer has this text in it.
 */
issuer?: string | null, } | { "ask": "tokens" } | { "ask": "use-identity",
/**
 * Its id, or the beginning of it.
 */
identity: string, } | { "ask": "import-identity",
/**
 * What is in the file, base64.
 */
file: SecretText,
/**
 * Its password.
 */
password?: SecretText | null, } | { "ask": "remove-identity",
/**
 * Its id, or the beginning of it.
 */
identity: string, } | { "ask": "register-module",
/**
 * Its full path.
 */
path: string,
/**
 * Whether it needs the network, as for an HSM at the other end of a wire.
 */
network: boolean, } | { "ask": "unregister-module",
/**
 * Its full path.
 */
path: string, } | { "ask": "authorities" } | { "ask": "add-authority",
/**
 * Its certificate: PEM, or DER as base64.
 */
certificate: string, } | { "ask": "set-authority",
/**
 * Its id, or the beginning of it.
 */
authority: string,
/**
 * Anyone it vouches for may invite me.
 */
invite?: boolean | null,
/**
 * Its word is as good as comparing a code.
 */
codeless?: boolean | null, } | { "ask": "remove-authority",
/**
 * Its id, or the beginning of it.
 */
authority: string, } | { "ask": "add-revocations",
/**
 * PEM, or DER as base64; or the absolute path of a file, which the agent reads: lists can be long.
 */
crl: string, } | { "ask": "renew-certificate" } | { "ask": "rotate-key",
/**
 * Take it over; else only prepare it.
 */
now: boolean, } | { "ask": "keep-key",
/**
 * There.
 */
place: KeyPlace, } | { "ask": "export-certificate" } | { "ask": "trust-list" } | { "ask": "trust-set",
/**
 * Which.
 */
peer: string,
/**
 * What.
 */
to: TrustChoice, } | { "ask": "capabilities" } | { "ask": "set-capability",
/**
 * Its name.
 */
name: string,
/**
 * Granted or revoked.
 */
granted: boolean, } | { "ask": "settings" } | { "ask": "set",
/**
 * What.
 */
change: SettingsChange, } | { "ask": "watching",
/**
 * The window has the focus.
 */
seen: boolean, } | { "ask": "doctor",
/**
 * Ask about one device in particular.
 */
peer: string | null, } | { "ask": "history",
/**
 * With one device.
 */
peer: string | null,
/**
 * At most so many, newest first.
 */
limit: number,
/**
 * Only lines with this text in them, whatever its case.
 */
search?: string | null, } | { "ask": "erase-history",
/**
 * Those with this device; absent: with anybody.
 */
peer?: string | null,
/**
 * Those before this time, seconds since 1970.
 */
before?: number | null, };

/**
 * A certificate authority this person trusts for people.
 */
export type AuthorityRow = {
/**
 * Names it in commands: SHA-256 of its certificate, hexadecimal.
 */
id: string,
/**
 * Its subject.
 */
subject: string,
/**
 * End of validity, RFC 3339 UTC.
 */
not_after: string,
/**
 * Anyone it vouches for may invite me, though my visibility would not let them in.
 */
invite: boolean,
/**
 * Its word is as good as comparing a code.
 */
codeless: boolean,
/**
 * When its list of revoked certificates is to be replaced, RFC 3339 UTC; absent without a list.
 */
crl_until?: string | null,
/**
 * The list should have been replaced by now.
 */
crl_stale: boolean, };

/**
 * What `hither background` says.
 */
export type Background = {
/**
 * When the agent runs.
 */
when: When,
/**
 * Who starts it, or would.
 */
by: By, };

/**
 * Who must act for the operation to succeed another time.
 */
export type Blame = "us" | "network" | "peer" | "person" | "content" | "caller" | "bug";

/**
 * Somebody who may use a service of this device.
 */
export type BorrowerRow = {
/**
 * The device.
 */
peer: PeerId,
/**
 * Its name.
 */
name: string,
/**
 * How long it may.
 */
lasts: Lasting,
/**
 * Until when, seconds since 1970, for [`Lasting::For`].
 */
until?: number | null,
/**
 * Its connections that are open.
 */
open: number, };

/**
 * Who starts it.
 */
export type By = "systemd" | "autostart";

/**
 * A capability and whether it is granted here.
 */
export type CapabilityRow = {
/**
 * Its name, as in the manifest.
 */
name: string,
/**
 * Whether the manifest declares it.
 */
declared: boolean,
/**
 * Whether it is granted at the moment.
 */
granted: boolean,
/**
 * What uses it at the moment.
 */
used_by: Array<string>,
/**
 * What it allows, for a person.
 */
allows: string,
/**
 * When it was last used, seconds since 1970, to the minute.
 */
last_used?: number | null,
/**
 * What used it then.
 */
last_by?: string | null, };

/**
 * What a certificate says, cleaned for showing. Never used to decide anything: decisions use [`PeerId`].
 */
export type CertificateFacts = {
/**
 * Subject, RFC 4514 style, hidden characters escaped, at most 256 characters.
 */
subject: string,
/**
 * Issuer, like the subject.
 */
issuer: string,
/**
 * Start of validity, RFC 3339 UTC.
 */
not_before: string,
/**
 * End of validity, RFC 3339 UTC.
 */
not_after: string,
/**
 * SHA-256 of the whole certificate (DER), hexadecimal.
 */
sha256: string,
/**
 * SHA-256 of its SubjectPublicKeyInfo: the identity.
 */
spki_sha256: PeerId,
/**
 * Kind of key: `p256`, `p384`, `rsa2048`, `ed25519` …
 */
key: string,
/**
 * Where it comes from.
 */
source: CertificateSource, };

/**
 * Where a certificate's key lives or who vouches for it.
 */
export type CertificateSource = "local" | "card" | "ca";

/**
 * Who somebody is by a certificate they proved to hold. Never a display name: those are chosen, this is certified.
 */
export type CertifiedRow = {
/**
 * The person's name in it.
 */
name: string,
/**
 * Their organisation in it.
 */
organisation?: string | null,
/**
 * Their mail address in it.
 */
email?: string | null,
/**
 * The whole subject.
 */
subject: string,
/**
 * The issuer.
 */
issuer: string,
/**
 * End of validity, RFC 3339 UTC.
 */
not_after: string,
/**
 * SHA-256 of the certificate, hexadecimal.
 */
sha256: string,
/**
 * SHA-256 of its SubjectPublicKeyInfo.
 */
fingerprint: PeerId,
/**
 * The authority trusted here that vouches for it: its name.
 */
authority?: string | null,
/**
 * Why no authority trusted here vouches for it. Then it proves a key and nothing about a person.
 */
unvouched?: string | null, };

/**
 * One line of the doctor.
 */
export type CheckRow = {
/**
 * What was looked at, such as `interfaces` or `multicast`.
 */
name: string,
/**
 * The outcome.
 */
state: CheckState,
/**
 * What was found.
 */
detail: string,
/**
 * What to do.
 */
fix?: string | null, };

/**
 * The outcome of one check of the doctor.
 */
export type CheckState = "ok" | "warn" | "fail";

/**
 * How much contrast the person asked the desktop for.
 */
export type Contrast = "normal" | "more";

/**
 * Over which networks a transfer may go (R6.14).
 */
export type CostPolicy = "default" | "unrestricted" | "always";

/**
 * The desktop the window is on; comes as answer of `desktop` and again as event `desktop` when it changes.
 */
export type Desktop = {
/**
 * The language the person chose here, if any (BCP 47).
 */
chosen_language: string | null,
/**
 * Languages of the system, best first (BCP 47).
 */
languages: Array<string>,
/**
 * Device pixels in a CSS pixel.
 */
scale: number,
/**
 * Dark colours.
 */
dark: boolean,
/**
 * Contrast.
 */
contrast: Contrast,
/**
 * No motion that is not needed.
 */
reduced_motion: boolean,
/**
 * Whether there is a tray: closing the window then leaves it there.
 */
tray: boolean,
/**
 * Whether hither starts at login.
 */
autostart: boolean,
/**
 * The window's version.
 */
version: string, };

/**
 * What the desktop can do for the agent.
 */
export type DesktopPart = "notifications" | "sleep";

/**
 * Which way something goes.
 */
export type Direction = "in" | "out";

/**
 * A display name that is safe to store and show: 1 to 50 visible characters on one line.
 */
export type DisplayName = string;

/**
 * Payload of the event `drop`: something is dragged over the window, or was dropped on it. Positions are CSS pixels.
 */
export type Drop = {
/**
 * What.
 */
picked: Array<Picked>,
/**
 * From the left.
 */
x: number,
/**
 * From the top.
 */
y: number, } | {
/**
 * Over, or gone.
 */
over: boolean,
/**
 * From the left.
 */
x: number,
/**
 * From the top.
 */
y: number, };

/**
 * The stable name of a failure.
 */
export type ErrorCode = "AccessDenied" | "TokenAbsent" | "TokenLocked" | "PinWrong" | "PinBlocked" | "KeyUnusable" | "RadioOff" | "DiskFull" | "StorageFailed" | "Unreachable" | "TimedOut" | "Interrupted" | "CertificateRefused" | "IdentityChanged" | "Misbehaved" | "Incompatible" | "Declined" | "Expired" | "Withdrawn" | "Busy" | "Canceled" | "NameRefused" | "TooLarge" | "Truncated" | "DigestWrong" | "SourceChanged" | "Misuse" | "UnknownId" | "Stale" | "VersionSkew" | "NoAgent" | "Internal";

/**
 * A service of this machine that is lent.
 */
export type ExposedRow = {
/**
 * What it is called.
 */
name: LentName,
/**
 * Where connections go: `ip:port` on this machine.
 */
target: string,
/**
 * Who may use it.
 */
to: Array<BorrowerRow>,
/**
 * Connections that are open.
 */
open: number,
/**
 * Connections since it was lent or the agent started.
 */
served: number, };

/**
 * One item of a transfer that did not make it.
 */
export type FailedItem = {
/**
 * Its path within the transfer, hidden characters escaped.
 */
path: string,
/**
 * The stable code.
 */
code: ErrorCode,
/**
 * Why, for a person.
 */
why: string, };

/**
 * A failure as it is told to a face of hither: a stable code, a sentence for a person, and what to do.
 */
export type Failure = {
/**
 * The stable code.
 */
code: ErrorCode,
/**
 * One sentence: what happened. Free of secrets; peers' text in it is escaped.
 */
message: string,
/**
 * One sentence: what to do about it.
 */
hint?: string | null,
/**
 * The socket's own word, for network failures (SPEC 7).
 */
status?: SocketErrorStatus | null, };

/**
 * A service of another device that programs here reach at an address of this machine.
 */
export type ForwardingRow = {
/**
 * What it is called there.
 */
name: LentName,
/**
 * Whose it is.
 */
peer: PeerId,
/**
 * Their name.
 */
peer_name: string,
/**
 * Where programs here reach it: `ip:port`.
 */
bind: string,
/**
 * Connections that are open.
 */
open: number,
/**
 * Connections so far.
 */
served: number,
/**
 * Why the last connection came to nothing, if it did.
 */
trouble?: string | null, };

/**
 * Payload of the event `go`: show this, because of a notification or the tray.
 */
export type Go = {
/**
 * The view.
 */
view: View,
/**
 * The question, session or transfer, if it is about one.
 */
id?: string, };

/**
 * A request about grants. Answered with [`crate::Answer::Grants`]: the rows it is about.
 */
export type GrantAsk = { "grant": "list" } | { "grant": "give",
/**
 * To whom: somebody met, whose key was compared.
 */
peer: string,
/**
 * Until when, seconds since 1970; absent: until it is revoked.
 */
until?: number | null,
/**
 * Only in the network this machine is in now.
 */
here: boolean, } & ({ "allows": "files",
/**
 * Bytes in all; absent: no limit but the disk's reserve.
 */
bytes?: number | null,
/**
 * Into this folder, an absolute path; absent: the inbox.
 */
to?: string | null, } | { "allows": "service",
/**
 * What it is called. In JSON `service`: a row's `name` is the device's.
 */
service: LentName,
/**
 * So many connections; absent: any number.
 */
times?: number | null, }) | { "grant": "revoke",
/**
 * Which, by beginning.
 */
id: string, };

/**
 * A permission given to one device; drawn by the agent.
 */
export type GrantId = string;

/**
 * Why a grant is of no use any more.
 */
export type GrantOver = "used" | "expired" | "revoked";

/**
 * A grant.
 */
export type GrantRow = {
/**
 * Its id.
 */
grant: GrantId,
/**
 * Who has it.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * Bytes, or connections, used of it.
 */
used: number,
/**
 * When it was given, seconds since 1970.
 */
at: number,
/**
 * Until when, seconds since 1970.
 */
until?: number | null,
/**
 * The network it is good in, by the name people know it by.
 */
network?: string | null,
/**
 * Whether it would be taken now: not over, and in its network.
 */
usable: boolean,
/**
 * Why it is over.
 */
over?: GrantOver | null, } & ({ "allows": "files",
/**
 * Bytes in all; absent: no limit but the disk's reserve.
 */
bytes?: number | null,
/**
 * Into this folder, an absolute path; absent: the inbox.
 */
to?: string | null, } | { "allows": "service",
/**
 * What it is called. In JSON `service`: a row's `name` is the device's.
 */
service: LentName,
/**
 * So many connections; absent: any number.
 */
times?: number | null, });

/**
 * What a person says when they give a grant.
 */
export type GrantTerms = {
/**
 * Until when, seconds since 1970; absent: until it is revoked.
 */
until?: number | null,
/**
 * Only in the network this machine is in now.
 */
here: boolean, } & ({ "allows": "files",
/**
 * Bytes in all; absent: no limit but the disk's reserve.
 */
bytes?: number | null,
/**
 * Into this folder, an absolute path; absent: the inbox.
 */
to?: string | null, } | { "allows": "service",
/**
 * What it is called. In JSON `service`: a row's `name` is the device's.
 */
service: LentName,
/**
 * So many connections; absent: any number.
 */
times?: number | null, });

/**
 * A group of things in the outbox (R6.15).
 */
export type GroupRow = {
/**
 * Its name.
 */
group: string,
/**
 * One after the other; else side by side.
 */
serial: boolean,
/**
 * How many wait.
 */
waiting: number,
/**
 * How many are being sent.
 */
sending: number, };

/**
 * What kind of socket is held; the numbers of the system implemented are in its documentation (`SocketActivityKind`).
 */
export type HeldKind = "listener" | "stream" | "datagram";

/**
 * A socket that the agent holds for another program.
 */
export type HeldRow = {
/**
 * The program's task it belongs to.
 */
task: string,
/**
 * What the program calls it.
 */
id: string,
/**
 * Its kind.
 */
kind: HeldKind,
/**
 * Its own address, as far as it has one.
 */
local?: string | null,
/**
 * The other end's.
 */
remote?: string | null,
/**
 * Bytes of context kept with it.
 */
context: number,
/**
 * Since when, seconds since 1970.
 */
at: number,
/**
 * How often its program was started for it.
 */
woken: number,
/**
 * What became of the last start, if it did not go well.
 */
why?: string | null, };

/**
 * Something that happened.
 */
export type HistoryRow = {
/**
 * When, seconds since 1970.
 */
at: number,
/**
 * What, one word: `met`, `session`, `sent`, `received`, `declined`, `trust`, `capability`, `alarm` …
 */
what: string,
/**
 * Who.
 */
peer?: PeerId | null,
/**
 * Their name at that time.
 */
name?: string | null,
/**
 * One sentence.
 */
detail: string, };

/**
 * How whole the history is.
 */
export type HistoryState = {
/**
 * Hash of its newest line, in which all before it are: 64 hexadecimal digits. Noted elsewhere, it tells later whether
 * the history is still the same.
 */
head: string,
/**
 * Lines that were there once: dropped for want of room, or erased by the person.
 */
forgotten: number,
/**
 * When the first line was that does not follow from the one before it, seconds since 1970: somebody changed the
 * file by hand, or the disk did.
 */
broken?: number | null, };

/**
 * A certificate we can be known by.
 */
export type IdentityRow = {
/**
 * Names it in commands; `local` is another name for the device's own key.
 */
id: string,
/**
 * Subject.
 */
subject: string,
/**
 * Issuer.
 */
issuer: string,
/**
 * Start of validity, RFC 3339 UTC.
 */
not_before: string,
/**
 * End of validity, RFC 3339 UTC.
 */
not_after: string,
/**
 * Kind of key.
 */
key: string,
/**
 * `local`, `file` or `card`.
 */
source: string,
/**
 * `true`, or why not.
 */
usable: Usable,
/**
 * Whether it is the one that is used unless another is named.
 */
current: boolean,
/**
 * SHA-256 of its SubjectPublicKeyInfo.
 */
fingerprint: PeerId,
/**
 * Label of the token that holds it.
 */
token?: string | null,
/**
 * Where its key lies: `file`, `secret-service` or `token`.
 */
kept: string,
/**
 * Whether the key is in hardware that does not give it away.
 */
hardware: boolean,
/**
 * Whether its time is over.
 */
expired: boolean, };

/**
 * Which network interfaces take part in discovery, beyond the rule that only physical ones do.
 */
export type InterfacesRow = {
/**
 * Only these, if any are named.
 */
include: Array<string>,
/**
 * Never these.
 */
exclude: Array<string>,
/**
 * Virtual, VPN and container interfaces too.
 */
virtual: boolean, };

/**
 * One invite; drawn by the inviter.
 */
export type InviteId = string;

/**
 * One item of a transfer: a file or a folder.
 */
export type ItemRow = {
/**
 * Its place in the list, from 0.
 */
index: number,
/**
 * Its path within the transfer, hidden characters escaped.
 */
path: string,
/**
 * Its size in bytes; 0 for a folder.
 */
bytes: number,
/**
 * Whether it is a folder.
 */
folder: boolean,
/**
 * Where it stands.
 */
state: ItemState,
/**
 * Why it failed.
 */
why?: string | null, };

/**
 * Where one item of a transfer stands.
 */
export type ItemState = "waiting" | "moving" | "kept" | "failed";

/**
 * Where a private key of this person's lies.
 */
export type KeyPlace = "file" | "secret-service";

/**
 * How long somebody may use a service.
 */
export type Lasting = "until-closed" | "for" | "always";

/**
 * A service of this machine that a person wants to lend. The shell asks them once more, outside the page.
 */
export type LendTerms = {
/**
 * To which device.
 */
peer: string,
/**
 * What it is to be called.
 */
name: LentName,
/**
 * Its port on this machine's loopback (`127.0.0.1`).
 */
port: number,
/**
 * For how long.
 */
lasts: Lasting,
/**
 * The seconds of `for`.
 */
seconds?: number,
/**
 * For so many connections, whenever they come; then `lasts` is `always`.
 */
times?: number, };

/**
 * The name of a service that is lent: 1 to 32 ASCII letters, digits, `-`, `_` or `.`, the first of them a letter or digit.
 */
export type LentName = string;

/**
 * An invite link that is out.
 */
export type LinkRow = {
/**
 * Names it in `invites revoke`.
 */
invite: InviteId,
/**
 * When it ends, seconds since 1970.
 */
expires: number,
/**
 * How often it can still be used.
 */
uses_left: number,
/**
 * `made`, `proven`, `confirmed`, `consumed`, `expired`, `revoked` or `burned`.
 */
state: string, };

/**
 * An invite link. Its fragment is a secret: `Debug` does not show it.
 */
export type LinkText = string;

/**
 * What others see of this device.
 */
export type MeRow = {
/**
 * This device.
 */
peer: PeerId,
/**
 * The name it shows, if one was chosen.
 */
name: DisplayName | null,
/**
 * Who may see it.
 */
visibility: Visibility,
/**
 * When the visibility falls back to what it was, seconds since 1970.
 */
until?: number | null, };

/**
 * A way to hear devices.
 */
export type Medium = "mdns" | "ble" | "route" | "link";

/**
 * Whether a medium, or a part of the desktop, works: `on`, `off`, or why not.
 */
export type MediumState = string;

/**
 * One text message.
 */
export type MessageRow = {
/**
 * The session it belongs to.
 */
session: SessionId,
/**
 * Who is on the other end.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * Which way it went.
 */
direction: Direction,
/**
 * The text as it was written; escape it before showing.
 */
text: string,
/**
 * Whether the other side has confirmed it (always true for received ones).
 */
delivered: boolean,
/**
 * When, seconds since 1970, by our clock.
 */
at: number,
/**
 * Its number within the session and direction.
 */
number: number, };

/**
 * How near a device is, as heard by radio. A convenience: radio can be relayed and repeated.
 */
export type Nearness = "touching" | "near" | "in-range";

/**
 * What the live connection really uses, read from the TLS library and not from configuration.
 */
export type Negotiated = {
/**
 * `TLS1.3` or `TLS1.2`.
 */
version: string,
/**
 * IANA name of the cipher suite, such as `TLS13_AES_256_GCM_SHA384`.
 */
cipher: string,
/**
 * Named group of the key exchange, such as `X25519MLKEM768`.
 */
kx: string,
/**
 * Application protocol (RFC 7301), `hither/1`.
 */
alpn: string, };

/**
 * One piece of news; `event` is its name in JSON.
 */
export type News = { "event": "snapshot", me: MeRow, peers: Array<PeerRow>, questions: Array<QuestionRow>, sessions: Array<SessionRow>, transfers: Array<TransferRow>, } | { "event": "me",
/**
 * This device.
 */
peer: PeerId,
/**
 * The name it shows, if one was chosen.
 */
name: DisplayName | null,
/**
 * Who may see it.
 */
visibility: Visibility,
/**
 * When the visibility falls back to what it was, seconds since 1970.
 */
until?: number | null, } | { "event": "peer-added",
/**
 * A [`PeerId`] for a device we met; the id of its present advert (it lasts as long as that) for a stranger.
 */
peer: string,
/**
 * The name to show: the one proven at an earlier meeting, else the one it claims, else a made-up label.
 */
name: string,
/**
 * What the person here decided about it.
 */
trust: Trust,
/**
 * Whether it is heard.
 */
presence: Presence,
/**
 * How it is heard, best first.
 */
media: Array<Medium>,
/**
 * Where it can be reached, `ip:port`, best first.
 */
routes: Array<string>,
/**
 * Set when the claimed name looks like somebody known (D7): that person's name.
 */
resembles?: string | null,
/**
 * Signal strength in dBm, when heard by radio.
 */
rssi?: number | null,
/**
 * Estimated distance in metres, when heard by radio; half or twice as much is as likely.
 */
metres?: number | null,
/**
 * How near that is, in a word; absent when nothing can be said, as when somebody repeats its advert.
 */
nearness?: Nearness | null, } | { "event": "peer-updated",
/**
 * A [`PeerId`] for a device we met; the id of its present advert (it lasts as long as that) for a stranger.
 */
peer: string,
/**
 * The name to show: the one proven at an earlier meeting, else the one it claims, else a made-up label.
 */
name: string,
/**
 * What the person here decided about it.
 */
trust: Trust,
/**
 * Whether it is heard.
 */
presence: Presence,
/**
 * How it is heard, best first.
 */
media: Array<Medium>,
/**
 * Where it can be reached, `ip:port`, best first.
 */
routes: Array<string>,
/**
 * Set when the claimed name looks like somebody known (D7): that person's name.
 */
resembles?: string | null,
/**
 * Signal strength in dBm, when heard by radio.
 */
rssi?: number | null,
/**
 * Estimated distance in metres, when heard by radio; half or twice as much is as likely.
 */
metres?: number | null,
/**
 * How near that is, in a word; absent when nothing can be said, as when somebody repeats its advert.
 */
nearness?: Nearness | null, } | { "event": "peer-removed",
/**
 * A [`PeerId`] for a device we met; the id of its present advert (it lasts as long as that) for a stranger.
 */
peer: string,
/**
 * The name to show: the one proven at an earlier meeting, else the one it claims, else a made-up label.
 */
name: string,
/**
 * What the person here decided about it.
 */
trust: Trust,
/**
 * Whether it is heard.
 */
presence: Presence,
/**
 * How it is heard, best first.
 */
media: Array<Medium>,
/**
 * Where it can be reached, `ip:port`, best first.
 */
routes: Array<string>,
/**
 * Set when the claimed name looks like somebody known (D7): that person's name.
 */
resembles?: string | null,
/**
 * Signal strength in dBm, when heard by radio.
 */
rssi?: number | null,
/**
 * Estimated distance in metres, when heard by radio; half or twice as much is as likely.
 */
metres?: number | null,
/**
 * How near that is, in a word; absent when nothing can be said, as when somebody repeats its advert.
 */
nearness?: Nearness | null, } | { "event": "question",
/**
 * Names the question in `accept` and `decline`.
 */
id: QuestionId,
/**
 * What it is about.
 */
kind: QuestionKind,
/**
 * Who asks: a proven key.
 */
peer: PeerId,
/**
 * Their name: stored if we met, else claimed.
 */
name: string,
/**
 * What we hold of them.
 */
trust: Trust,
/**
 * How the key behind the question is proven so far.
 */
proven: Verified,
/**
 * Six digits to compare with the other screen, for a first meeting.
 */
code?: string | null,
/**
 * What they wrote with it.
 */
message?: string | null,
/**
 * Number of files and folders offered.
 */
items?: number | null,
/**
 * Bytes offered.
 */
bytes?: number | null,
/**
 * Whether any of the files offered is a program: then a yes may keep it one.
 */
executables?: boolean | null,
/**
 * The first few names offered, as they will be written.
 */
names?: Array<string>,
/**
 * The transfer the question is about.
 */
transfer?: TransferId | null,
/**
 * The certificate they proved to hold, beside the key of their device.
 */
certified?: CertifiedRow | null,
/**
 * The token whose PIN is wanted, or that has to be inserted.
 */
pin?: PinRow | null,
/**
 * What can be chosen among.
 */
choices?: Array<IdentityRow>,
/**
 * Our own invite that waits for the answer.
 */
invite?: InviteId | null,
/**
 * Seconds until it lapses by itself.
 */
expires: number, } | { "event": "question-gone", id: QuestionId, why: string,
/**
 * The stable code, where it came to nothing.
 */
code?: ErrorCode | null, } | { "event": "invite-sent", invite: InviteId, peer: string, } | { "event": "invite-waiting", invite: InviteId, } | { "event": "code", invite: InviteId, code: string, } | { "event": "accepted", invite?: InviteId | null, session: SessionId, peer: PeerId, verified: Verified, } | { "event": "invite-ended", invite: InviteId, failure: Failure, } | { "event": "session",
/**
 * The session.
 */
session: SessionId,
/**
 * Who is on the other end.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * How their identity was proven.
 */
verified: Verified,
/**
 * Where the session stands.
 */
state: SessionState,
/**
 * The protection that was asked for.
 */
requested: ProtectionLevel,
/**
 * The protection in use, read from the live connection.
 */
negotiated: Negotiated,
/**
 * What we showed.
 */
local_certificate: CertificateFacts,
/**
 * What they showed.
 */
peer_certificate: CertificateFacts,
/**
 * Who they are by a certificate they proved to hold, if they showed one beside the key of their device.
 */
certified?: CertifiedRow | null,
/**
 * The certificate we showed beside the key of our device.
 */
shown?: CertifiedRow | null,
/**
 * The other end's address.
 */
route: string,
/**
 * Smoothed round trip, microseconds; 0 if the system does not tell (R3.28).
 */
rtt_us: number,
/**
 * Application bytes received, lanes included.
 */
bytes_in: number,
/**
 * Application bytes sent, lanes included.
 */
bytes_out: number,
/**
 * When it was opened, seconds since 1970.
 */
opened: number, } | { "event": "session-closed", session: SessionId, peer: PeerId, why: string, } | { "event": "message",
/**
 * The session it belongs to.
 */
session: SessionId,
/**
 * Who is on the other end.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * Which way it went.
 */
direction: Direction,
/**
 * The text as it was written; escape it before showing.
 */
text: string,
/**
 * Whether the other side has confirmed it (always true for received ones).
 */
delivered: boolean,
/**
 * When, seconds since 1970, by our clock.
 */
at: number,
/**
 * Its number within the session and direction.
 */
number: number, } | { "event": "message-delivered", session: SessionId, number: number, } | { "event": "offered", transfer: TransferId, peer: PeerId, direction: Direction, items: number, bytes: number, } | { "event": "transfer",
/**
 * The transfer.
 */
transfer: TransferId,
/**
 * The other end.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * Which way.
 */
direction: Direction,
/**
 * Where it stands.
 */
state: TransferState,
/**
 * Why it is paused or dropped.
 */
why?: string | null,
/**
 * What was offered, in a few words: the first name, and how many more.
 */
title: string,
/**
 * Bytes that are through.
 */
done: number,
/**
 * Bytes in all.
 */
total: number,
/**
 * Items that are kept.
 */
items_done: number,
/**
 * Items in all.
 */
items: number,
/**
 * Items that failed, at most 1,000 listed.
 */
failed?: Array<FailedItem>,
/**
 * Whether the receiver's signed receipt is in (sender), or was sent (receiver).
 */
receipt: boolean,
/**
 * Where it went: the file, or the folder that holds the items (receiving side, once something is kept).
 */
path?: string | null,
/**
 * When it was offered, seconds since 1970.
 */
at: number, } | { "event": "progress", transfer: TransferId, done: number, total: number, bytes_per_s: number, } | { "event": "kept", transfer: TransferId, path: string, bytes: number, blake3: string, items: number, } | { "event": "item-failed", transfer: TransferId,
/**
 * Its path within the transfer, hidden characters escaped.
 */
path: string,
/**
 * The stable code.
 */
code: ErrorCode,
/**
 * Why, for a person.
 */
why: string, } | { "event": "done", transfer: TransferId, items: number, bytes: number,
/**
 * Folder or file it went to (receiving side).
 */
path?: string | null, } | { "event": "dropped", transfer: TransferId, failure: Failure, } | { "event": "outbox",
/**
 * Its id.
 */
entry: OutboxId,
/**
 * For whom.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * What it is, in a few words: the first name, and how many more.
 */
title: string,
/**
 * Where it stands.
 */
state: OutboxState,
/**
 * What it waits for, while it does.
 */
waits?: WaitsFor | null,
/**
 * Why, for a person: what failed last.
 */
why?: string | null,
/**
 * The transfer it became.
 */
transfer?: TransferId | null,
/**
 * Who goes first.
 */
priority: Priority,
/**
 * Over which networks.
 */
cost: CostPolicy,
/**
 * The group it is in.
 */
group?: string | null,
/**
 * When it was put there, seconds since 1970.
 */
at: number,
/**
 * Until when it waits, seconds since 1970.
 */
expires: number, } | { "event": "outbox-gone", id: OutboxId, } | { "event": "grant",
/**
 * Its id.
 */
grant: GrantId,
/**
 * Who has it.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * Bytes, or connections, used of it.
 */
used: number,
/**
 * When it was given, seconds since 1970.
 */
at: number,
/**
 * Until when, seconds since 1970.
 */
until?: number | null,
/**
 * The network it is good in, by the name people know it by.
 */
network?: string | null,
/**
 * Whether it would be taken now: not over, and in its network.
 */
usable: boolean,
/**
 * Why it is over.
 */
over?: GrantOver | null, } & ({ "allows": "files",
/**
 * Bytes in all; absent: no limit but the disk's reserve.
 */
bytes?: number | null,
/**
 * Into this folder, an absolute path; absent: the inbox.
 */
to?: string | null, } | { "allows": "service",
/**
 * What it is called. In JSON `service`: a row's `name` is the device's.
 */
service: LentName,
/**
 * So many connections; absent: any number.
 */
times?: number | null, }) | { "event": "exposed",
/**
 * What it is called.
 */
name: LentName,
/**
 * Where connections go: `ip:port` on this machine.
 */
target: string,
/**
 * Who may use it.
 */
to: Array<BorrowerRow>,
/**
 * Connections that are open.
 */
open: number,
/**
 * Connections since it was lent or the agent started.
 */
served: number, } | { "event": "unexposed", name: LentName, why: string, } | { "event": "forwarding",
/**
 * What it is called there.
 */
name: LentName,
/**
 * Whose it is.
 */
peer: PeerId,
/**
 * Their name.
 */
peer_name: string,
/**
 * Where programs here reach it: `ip:port`.
 */
bind: string,
/**
 * Connections that are open.
 */
open: number,
/**
 * Connections so far.
 */
served: number,
/**
 * Why the last connection came to nothing, if it did.
 */
trouble?: string | null, } | { "event": "forwarding-ended", name: LentName, peer: PeerId, bind: string, why: string, } | { "event": "capability",
/**
 * Its name, as in the manifest.
 */
name: string,
/**
 * Whether the manifest declares it.
 */
declared: boolean,
/**
 * Whether it is granted at the moment.
 */
granted: boolean,
/**
 * What uses it at the moment.
 */
used_by: Array<string>,
/**
 * What it allows, for a person.
 */
allows: string,
/**
 * When it was last used, seconds since 1970, to the minute.
 */
last_used?: number | null,
/**
 * What used it then.
 */
last_by?: string | null, } | { "event": "identities" } | { "event": "medium", medium: Medium, state: MediumState, } | { "event": "show", view: View,
/**
 * The question, session or transfer, if it is about one.
 */
id?: string | null, } | { "event": "alarm", message: string, peer?: PeerId | null, } | { "event": "stopping" };

/**
 * Payload of the event `offer`: files a file manager handed over ("Send with hither"). The person picks the device.
 */
export type Offer = {
/**
 * What.
 */
picked: Array<Picked>, };

/**
 * A request about the outbox. Answered with [`crate::Answer::Outbox`]: the rows it is about.
 */
export type OutboxAsk = { "outbox": "list" } | { "outbox": "post",
/**
 * To whom; everybody gets the same, and what is sent is read once for all as far as they keep up.
 */
to: Array<string>,
/**
 * What: absolute paths.
 */
paths: Array<string>,
/**
 * Seconds it waits at most; 604,800 (a week) if absent, 7,776,000 (90 days) at most.
 */
seconds?: number | null,
/**
 * Who goes first.
 */
priority?: Priority | null,
/**
 * Over which networks.
 */
cost?: CostPolicy | null,
/**
 * The group it belongs to; made if there is none.
 */
group?: string | null, } | { "outbox": "change",
/**
 * Which, by beginning.
 */
entry: string,
/**
 * Who goes first.
 */
priority?: Priority | null,
/**
 * Over which networks.
 */
cost?: CostPolicy | null,
/**
 * Seconds from now that it waits.
 */
seconds?: number | null,
/**
 * Held back until the person says otherwise; `false` also tries at once what failed or was declined.
 */
held?: boolean | null, } | { "outbox": "withdraw",
/**
 * Which, by beginning.
 */
entry: string, } | { "outbox": "tidy" } | { "outbox": "group",
/**
 * Its name: 1 to 40 characters.
 */
group: string,
/**
 * One after the other, or side by side.
 */
serial: boolean, } | { "outbox": "ungroup",
/**
 * Its name.
 */
group: string, };

/**
 * One thing for one device in the outbox; drawn by the agent.
 */
export type OutboxId = string;

/**
 * One thing for one device: files and folders that go together.
 */
export type OutboxRow = {
/**
 * Its id.
 */
entry: OutboxId,
/**
 * For whom.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * What it is, in a few words: the first name, and how many more.
 */
title: string,
/**
 * Where it stands.
 */
state: OutboxState,
/**
 * What it waits for, while it does.
 */
waits?: WaitsFor | null,
/**
 * Why, for a person: what failed last.
 */
why?: string | null,
/**
 * The transfer it became.
 */
transfer?: TransferId | null,
/**
 * Who goes first.
 */
priority: Priority,
/**
 * Over which networks.
 */
cost: CostPolicy,
/**
 * The group it is in.
 */
group?: string | null,
/**
 * When it was put there, seconds since 1970.
 */
at: number,
/**
 * Until when it waits, seconds since 1970.
 */
expires: number, };

/**
 * Where one thing in the outbox stands.
 */
export type OutboxState = "waiting" | "sending" | "sent" | "failed" | "expired";

/**
 * What was in the clipboard.
 */
export type Pasted = { "text": string } | { "picked": Array<Picked> } | { "nothing": Record<symbol, never> };

/**
 * Who a device is: SHA-256 of the SubjectPublicKeyInfo of its certificate (DER). Survives certificate renewal.
 */
export type PeerId = string;

/**
 * A device that is near, or was a moment ago.
 */
export type PeerRow = {
/**
 * A [`PeerId`] for a device we met; the id of its present advert (it lasts as long as that) for a stranger.
 */
peer: string,
/**
 * The name to show: the one proven at an earlier meeting, else the one it claims, else a made-up label.
 */
name: string,
/**
 * What the person here decided about it.
 */
trust: Trust,
/**
 * Whether it is heard.
 */
presence: Presence,
/**
 * How it is heard, best first.
 */
media: Array<Medium>,
/**
 * Where it can be reached, `ip:port`, best first.
 */
routes: Array<string>,
/**
 * Set when the claimed name looks like somebody known (D7): that person's name.
 */
resembles?: string | null,
/**
 * Signal strength in dBm, when heard by radio.
 */
rssi?: number | null,
/**
 * Estimated distance in metres, when heard by radio; half or twice as much is as likely.
 */
metres?: number | null,
/**
 * How near that is, in a word; absent when nothing can be said, as when somebody repeats its advert.
 */
nearness?: Nearness | null, };

/**
 * What the person may choose in the system's dialog.
 */
export type PickKind = "files" | "folder";

/**
 * What a person chose, dropped or pasted. The page never learns where it lies.
 */
export type Picked = {
/**
 * Stands for it in `send_picked`, once.
 */
token: string,
/**
 * Its name, hidden characters escaped.
 */
name: string,
/**
 * Its size; absent for a folder.
 */
bytes: number | null,
/**
 * Whether it is a folder.
 */
folder: boolean, };

/**
 * A token that is waited for: its PIN, or that it is inserted.
 */
export type PinRow = {
/**
 * The token's label.
 */
token: string,
/**
 * The reader it is in.
 */
reader: string,
/**
 * The certificate that is to be used: its subject.
 */
subject: string,
/**
 * What for, one line.
 */
reason: string,
/**
 * Tries left. At [`TokenTries::Last`] the answer has to confirm that the last one may be spent.
 */
tries: TokenTries,
/**
 * Whether the PIN is entered on the reader or the token itself; the answer carries none then.
 */
pad: boolean,
/**
 * Shortest PIN, characters.
 */
min: number,
/**
 * Longest PIN, characters.
 */
max: number,
/**
 * What became of the PIN that was entered before: one line.
 */
before?: string | null, };

/**
 * What a person says when things are to be sent to devices that may be away. The shell adds the paths.
 */
export type PostTerms = {
/**
 * Seconds it waits at most; a week if absent.
 */
seconds?: number,
/**
 * Who goes first.
 */
priority?: Priority,
/**
 * Over which networks.
 */
cost?: CostPolicy, };

/**
 * Whether a device is heard.
 */
export type Presence = "near" | "fading" | "gone";

/**
 * Who goes first where not all can go at once (R6.15).
 */
export type Priority = "low" | "default" | "high";

/**
 * The protection a caller demands (`SocketProtectionLevel`). A floor: TLS 1.3 satisfies [`Self::Tls12`].
 *
 * Levels that permit NULL or weak ciphers, or TLS before 1.2, do not exist here: they cannot be asked for.
 */
export type ProtectionLevel = "plain" | "tls12" | "tls13";

/**
 * One question to the person at this machine; drawn by the agent.
 */
export type QuestionId = string;

/**
 * What a question is about.
 */
export type QuestionKind = "invite" | "transfer" | "key-changed" | "pin" | "choose-certificate" | "insert-card";

/**
 * Something only a person can decide.
 */
export type QuestionRow = {
/**
 * Names the question in `accept` and `decline`.
 */
id: QuestionId,
/**
 * What it is about.
 */
kind: QuestionKind,
/**
 * Who asks: a proven key.
 */
peer: PeerId,
/**
 * Their name: stored if we met, else claimed.
 */
name: string,
/**
 * What we hold of them.
 */
trust: Trust,
/**
 * How the key behind the question is proven so far.
 */
proven: Verified,
/**
 * Six digits to compare with the other screen, for a first meeting.
 */
code?: string | null,
/**
 * What they wrote with it.
 */
message?: string | null,
/**
 * Number of files and folders offered.
 */
items?: number | null,
/**
 * Bytes offered.
 */
bytes?: number | null,
/**
 * Whether any of the files offered is a program: then a yes may keep it one.
 */
executables?: boolean | null,
/**
 * The first few names offered, as they will be written.
 */
names?: Array<string>,
/**
 * The transfer the question is about.
 */
transfer?: TransferId | null,
/**
 * The certificate they proved to hold, beside the key of their device.
 */
certified?: CertifiedRow | null,
/**
 * The token whose PIN is wanted, or that has to be inserted.
 */
pin?: PinRow | null,
/**
 * What can be chosen among.
 */
choices?: Array<IdentityRow>,
/**
 * Our own invite that waits for the answer.
 */
invite?: InviteId | null,
/**
 * Seconds until it lapses by itself.
 */
expires: number, };

/**
 * A PIN, a password, or a private key on its way: `Debug` does not show it, and its memory is wiped.
 */
export type SecretText = string;

/**
 * One session between two agents; derived on both sides from the TLS exporter (R3.29).
 */
export type SessionId = string;

/**
 * A session in full.
 */
export type SessionRow = {
/**
 * The session.
 */
session: SessionId,
/**
 * Who is on the other end.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * How their identity was proven.
 */
verified: Verified,
/**
 * Where the session stands.
 */
state: SessionState,
/**
 * The protection that was asked for.
 */
requested: ProtectionLevel,
/**
 * The protection in use, read from the live connection.
 */
negotiated: Negotiated,
/**
 * What we showed.
 */
local_certificate: CertificateFacts,
/**
 * What they showed.
 */
peer_certificate: CertificateFacts,
/**
 * Who they are by a certificate they proved to hold, if they showed one beside the key of their device.
 */
certified?: CertifiedRow | null,
/**
 * The certificate we showed beside the key of our device.
 */
shown?: CertifiedRow | null,
/**
 * The other end's address.
 */
route: string,
/**
 * Smoothed round trip, microseconds; 0 if the system does not tell (R3.28).
 */
rtt_us: number,
/**
 * Application bytes received, lanes included.
 */
bytes_in: number,
/**
 * Application bytes sent, lanes included.
 */
bytes_out: number,
/**
 * When it was opened, seconds since 1970.
 */
opened: number, };

/**
 * The life of a session.
 */
export type SessionState = "open" | "reconnecting" | "draining" | "closed";

/**
 * What is to be set otherwise; what is absent stays as it is.
 */
export type SettingsChange = {
/**
 * Where received files go: an absolute path.
 */
inbox?: string | null,
/**
 * Whether TLS 1.2 is permitted.
 */
allow_tls12?: boolean | null,
/**
 * Whether the agent raises notifications.
 */
notifications?: boolean | null,
/**
 * Which network interfaces take part, all three lists at once.
 */
interfaces?: InterfacesRow | null,
/**
 * Whether only people vouched for by an authority trusted here may invite.
 */
organisation?: boolean | null,
/**
 * Whether a session that began with a card ends when the card is taken out.
 */
card_bound?: boolean | null,
/**
 * Whether certificates are accepted though the list of revoked ones is out of date.
 */
stale_crl?: boolean | null,
/**
 * Whether Bluetooth LE takes part in finding devices.
 */
bluetooth?: boolean | null,
/**
 * Whether invites are accepted without asking only from devices that are heard to be near.
 */
near_only?: boolean | null, };

/**
 * What a person can set.
 */
export type SettingsRow = {
/**
 * Where received files go.
 */
inbox: string,
/**
 * Whether TLS 1.2 is permitted towards older devices.
 */
allow_tls12: boolean,
/**
 * Whether the agent raises notifications.
 */
notifications: boolean,
/**
 * Which network interfaces take part.
 */
interfaces: InterfacesRow,
/**
 * Only people vouched for by an authority trusted here may invite; others are turned away unasked.
 */
organisation: boolean,
/**
 * A session that began with a card ends when the card is taken out.
 */
card_bound: boolean,
/**
 * PKCS#11 modules that the person registered by their path.
 */
modules: Array<string>,
/**
 * Certificates are accepted though the list of revoked ones is out of date.
 */
stale_crl: boolean,
/**
 * Whether Bluetooth LE takes part in finding devices.
 */
bluetooth: boolean,
/**
 * Invites that are accepted without asking are asked about all the same when the device is not heard to be near.
 */
near_only: boolean, };

/**
 * Why a socket failed (SPEC 7, table R7.4); the numbers are those of the table.
 */
export type SocketErrorStatus = "Unknown" | "OperationAborted" | "HttpInvalidServerResponse" | "ConnectionTimedOut" | "AddressFamilyNotSupported" | "SocketTypeNotSupported" | "HostNotFound" | "NoDataRecordOfRequestedType" | "NonAuthoritativeHostNotFound" | "ClassTypeNotFound" | "AddressAlreadyInUse" | "CannotAssignRequestedAddress" | "ConnectionRefused" | "NetworkIsUnreachable" | "UnreachableHost" | "NetworkIsDown" | "NetworkDroppedConnectionOnReset" | "SoftwareCausedConnectionAbort" | "ConnectionResetByPeer" | "HostIsDown" | "NoAddressesFound" | "TooManyOpenFiles" | "MessageTooLong" | "CertificateExpired" | "CertificateUntrustedRoot" | "CertificateCommonNameIsIncorrect" | "CertificateWrongUsage" | "CertificateRevoked" | "CertificateNoRevocationCheck" | "CertificateRevocationServerOffline" | "CertificateIsInvalid";

/**
 * The agent's state.
 */
export type StatusRow = {
/**
 * Version of the agent.
 */
version: string,
/**
 * Where it stands.
 */
state: AgentState,
/**
 * This device.
 */
peer: PeerId,
/**
 * The name it shows, if any.
 */
name: DisplayName | null,
/**
 * Who may see it.
 */
visibility: Visibility,
/**
 * When the visibility falls back to what it was, seconds since 1970.
 */
until?: number | null,
/**
 * Where it listens.
 */
listen: Array<string>,
/**
 * Each medium and whether it works.
 */
media: { [key in Medium]?: MediumState },
/**
 * Each thing the desktop can do for the agent, and whether it does.
 */
desktop: { [key in DesktopPart]?: MediumState },
/**
 * What it may do.
 */
capabilities: Array<CapabilityRow>,
/**
 * Open sessions.
 */
sessions: Array<SessionRow>,
/**
 * Transfers that are not over.
 */
transfers: Array<TransferRow>,
/**
 * Services of this machine that are lent.
 */
exposed: Array<ExposedRow>,
/**
 * Services of others that are reached here.
 */
forwarding: Array<ForwardingRow>,
/**
 * Questions waiting for a person.
 */
questions: number,
/**
 * Devices near.
 */
near: number,
/**
 * Where received files go.
 */
inbox: string, };

/**
 * A link that waits for the person's decision.
 */
export type TakenLink = {
/**
 * The link, for `open-link`.
 */
url: LinkText, };

/**
 * A PKCS#11 module that could not be asked.
 */
export type TokenFault = {
/**
 * The module's name.
 */
module: string,
/**
 * Why, and what to do.
 */
why: string, };

/**
 * A card, token or HSM that is there.
 */
export type TokenRow = {
/**
 * Its label.
 */
token: string,
/**
 * Its serial number.
 */
serial: string,
/**
 * The reader it is in.
 */
reader: string,
/**
 * Who made it.
 */
manufacturer: string,
/**
 * Its model.
 */
model: string,
/**
 * Where it stands.
 */
state: TokenState,
/**
 * Tries left for its PIN.
 */
tries: TokenTries,
/**
 * Whether the PIN is entered on the reader or the token itself.
 */
pad: boolean,
/**
 * Whether it is hardware.
 */
hardware: boolean,
/**
 * The certificates on it that a person could be known by.
 */
certificates: Array<IdentityRow>, };

/**
 * Where a token stands.
 */
export type TokenState = "locked" | "ready" | "blocked";

/**
 * How many tries a token says are left for its PIN.
 */
export type TokenTries = "plenty" | "few" | "last" | "blocked";

/**
 * One transfer; drawn by the sender.
 */
export type TransferId = string;

/**
 * A past or present transfer.
 */
export type TransferRow = {
/**
 * The transfer.
 */
transfer: TransferId,
/**
 * The other end.
 */
peer: PeerId,
/**
 * Their name.
 */
name: string,
/**
 * Which way.
 */
direction: Direction,
/**
 * Where it stands.
 */
state: TransferState,
/**
 * Why it is paused or dropped.
 */
why?: string | null,
/**
 * What was offered, in a few words: the first name, and how many more.
 */
title: string,
/**
 * Bytes that are through.
 */
done: number,
/**
 * Bytes in all.
 */
total: number,
/**
 * Items that are kept.
 */
items_done: number,
/**
 * Items in all.
 */
items: number,
/**
 * Items that failed, at most 1,000 listed.
 */
failed?: Array<FailedItem>,
/**
 * Whether the receiver's signed receipt is in (sender), or was sent (receiver).
 */
receipt: boolean,
/**
 * Where it went: the file, or the folder that holds the items (receiving side, once something is kept).
 */
path?: string | null,
/**
 * When it was offered, seconds since 1970.
 */
at: number, };

/**
 * The life of a transfer.
 */
export type TransferState = "offered" | "accepted" | "moving" | "paused" | "checking" | "kept" | "dropped";

/**
 * What this person decided about a device.
 */
export type Trust = "new" | "known" | "verified" | "changed" | "blocked";

/**
 * How a person's trust in a device is set by hand.
 */
export type TrustChoice = "verified" | "known" | "blocked" | "forget";

/**
 * Who is who.
 */
export type TrustRow = {
/**
 * The device.
 */
peer: PeerId,
/**
 * Its name.
 */
name: string,
/**
 * What the person decided.
 */
trust: Trust,
/**
 * How its key was proven when it was stored.
 */
verified: Verified,
/**
 * First met, seconds since 1970.
 */
since: number,
/**
 * Last session, seconds since 1970.
 */
last_seen: number,
/**
 * Whether its invites are accepted without asking.
 */
always: boolean,
/**
 * The certificate that was proven at the last meeting at which one was shown.
 */
certified?: CertifiedRow | null, };

/**
 * `true`, or the reason why not.
 */
export type Usable = boolean | string;

/**
 * How the identity at the other end of a session was proven.
 */
export type Verified = "code" | "link" | "stored" | "certificate" | "no";

/**
 * A place in the window that can be asked for.
 */
export type View = "near" | "question" | "session" | "transfer" | "history";

/**
 * Who may see this device.
 */
export type Visibility = "nobody" | "known" | "everyone";

/**
 * What something in the outbox waits for.
 */
export type WaitsFor = "device" | "person" | "turn" | "unmetered" | "network" | "word" | "retry";

/**
 * When the agent runs without a window.
 */
export type When = "off" | "always" | "on-demand";

/**
 * What a watching page hears.
 */
export type WindowNews = AgentNews | News;

/** Who must act for an operation that failed with this code to succeed. */
export const blame: Record<ErrorCode, Blame> = {
  AccessDenied: "us",
  TokenAbsent: "us",
  TokenLocked: "us",
  PinWrong: "us",
  PinBlocked: "us",
  KeyUnusable: "us",
  RadioOff: "us",
  DiskFull: "us",
  StorageFailed: "us",
  Unreachable: "network",
  TimedOut: "network",
  Interrupted: "network",
  CertificateRefused: "peer",
  IdentityChanged: "peer",
  Misbehaved: "peer",
  Incompatible: "peer",
  Declined: "person",
  Expired: "person",
  Withdrawn: "person",
  Busy: "person",
  Canceled: "person",
  NameRefused: "content",
  TooLarge: "content",
  Truncated: "content",
  DigestWrong: "content",
  SourceChanged: "content",
  Misuse: "caller",
  UnknownId: "caller",
  Stale: "caller",
  VersionSkew: "caller",
  NoAgent: "caller",
  Internal: "bug",
};
