//! What a face may ask of the agent: declared here once; the command line, the window and `--stdio` are adapters to it.

mod answer;
mod change;
mod grant;
mod outbox;
mod secret;

pub use answer::Answer;
pub use change::{SettingsChange, TrustChoice};
pub use grant::GrantAsk;
pub use outbox::OutboxAsk;
pub use secret::{LinkText, SecretText};

use crate::row::{GrantTerms, Lasting, Visibility};
use crate::{DisplayName, InviteId, KeyPlace, LentName};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A request to the agent. Devices are named by id, unambiguous beginning of it, or exact name; all else by id or beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// The agent's state.
    Status,
    /// Finish and stop.
    Stop,
    /// Begin nothing new, wait until no transfer moves, then stop.
    Drain,
    /// Devices near. Counts as [`Ask::Look`].
    Near,
    /// Somebody looks at the list of devices: radios listen closely for the next 30 seconds. Asked again while it lasts.
    Look,
    /// Who may see this device; a name is needed for [`Visibility::Everyone`] unless one is stored.
    SetVisibility {
        /// Who.
        visibility: Visibility,
        /// The name to show.
        name: Option<DisplayName>,
        /// Fall back to what it was after so many seconds.
        seconds: Option<u64>,
    },
    /// Invite a device. Its progress comes as news that carry the invite's id.
    Invite {
        /// Whom.
        peer: String,
        /// A line to go with it.
        message: Option<String>,
        /// Seconds to wait for the answer; 60 if absent.
        timeout: Option<u64>,
        /// Settle for an unverified session, once: no code, nothing stored but that it happened.
        unverified: bool,
        /// The certificate to be known by, by id; `local` for the device's key alone, `ask` to be asked; absent: the
        /// current one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<String>,
    },
    /// Answer "does the other screen show the same code?" on the inviting side.
    ConfirmCode {
        /// Which invite.
        invite: InviteId,
        /// Whether the codes are the same.
        same: bool,
    },
    /// Take an invite back.
    Withdraw {
        /// Which.
        invite: InviteId,
    },
    /// Make an invite link.
    MakeLink {
        /// Seconds it stays good; 600 if absent, 86,400 at most.
        expires: Option<u64>,
        /// How often it can be used; 1 if absent.
        uses: Option<u32>,
    },
    /// Links that are out.
    Links,
    /// Make a link worthless.
    RevokeLink {
        /// Which, by beginning.
        invite: String,
    },
    /// Redeem a link; the caller has asked the person. Goes on like [`Ask::Invite`].
    OpenLink {
        /// The link.
        url: LinkText,
        /// As in [`Ask::Invite`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<String>,
    },
    /// Questions waiting for a person.
    Inbox,
    /// Say yes to a question.
    Accept {
        /// Which, by beginning.
        question: String,
        /// Also in future, without asking.
        always: bool,
        /// The person compared the code and it is the same.
        same_code: bool,
        /// Accept a first meeting without comparing codes, once.
        unverified: bool,
        /// Where files go instead of the inbox.
        to: Option<PathBuf>,
        /// Keep the executable bit of offered files.
        executable: bool,
        /// What they may do from now on without a question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<GrantTerms>,
        /// As in [`Ask::Invite`]; only for invites.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<String>,
    },
    /// Say no to a question.
    Decline {
        /// Which, by beginning.
        question: String,
        /// And take no more questions from them.
        block: bool,
    },
    /// Open sessions.
    Sessions,
    /// One session.
    Session {
        /// Which: a session or a device.
        session: String,
    },
    /// Finish a session.
    Close {
        /// Which: a session or a device.
        session: String,
    },
    /// Send a text message.
    Say {
        /// To a session or a device with an open session.
        to: String,
        /// The text, at most 64 KiB.
        text: String,
    },
    /// Messages so far.
    Messages {
        /// Of one session or device, or of all.
        session: Option<String>,
    },
    /// Offer files and folders to a device with an open session.
    Send {
        /// To whom.
        peer: String,
        /// What: absolute paths.
        paths: Vec<PathBuf>,
    },
    /// Accept what is offered, for as long as this client stays connected.
    Receive {
        /// Where files go instead of the inbox.
        to: Option<PathBuf>,
        /// From one device only.
        from: Option<String>,
        /// The first offer only.
        once: bool,
    },
    /// Lend a service of this machine to devices, by name; lent again: to these too, or for another time. The one asking
    /// has the person's word for it. Answered with [`Answer::Lent`].
    Expose {
        /// What it is to be called.
        name: LentName,
        /// Where it is: an address of this machine and a port, such as `127.0.0.1:22`.
        target: String,
        /// To whom.
        to: Vec<String>,
        /// For how long.
        lasts: Lasting,
        /// The seconds of [`Lasting::For`], 2,592,000 (30 days) at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
    },
    /// Lend it no more; its open connections end.
    Unexpose {
        /// Which.
        name: LentName,
        /// To this device only; absent: to nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// What is lent, and what is used of others. Answered with [`Answer::Lent`].
    Lent,
    /// Reach a service that a device lends, here, until the session with it ends. Answered with [`Answer::Lent`].
    Forward {
        /// Whose service: a device with an open session.
        peer: String,
        /// What it is called there.
        name: LentName,
        /// Where programs here shall reach it, `ip:port` on loopback; absent: `127.0.0.1` and a free port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bind: Option<String>,
    },
    /// Reach it here no more; its open connections end.
    Unforward {
        /// Which, by its name or by where it is reached, `ip:port`.
        what: String,
    },
    /// What is to be sent, also to devices that are away.
    Outbox(OutboxAsk),
    /// What devices may do here without asking.
    Grant(GrantAsk),
    /// Sockets held for other programs.
    Held,
    /// Past and present transfers.
    Transfers,
    /// One transfer.
    Transfer {
        /// Which, by beginning.
        transfer: String,
    },
    /// The items of a transfer, a page at a time.
    Items {
        /// Which, by beginning.
        transfer: String,
        /// Begin with the item of this index.
        after: u64,
        /// At most so many; 1,000 are the most there are in an answer.
        limit: u32,
    },
    /// Stop a transfer for now.
    Pause {
        /// Which, by beginning.
        transfer: String,
    },
    /// Go on with a paused transfer, or try the failed items of a finished one again.
    Resume {
        /// Which, by beginning.
        transfer: String,
    },
    /// End a transfer.
    Cancel {
        /// Which, by beginning.
        transfer: String,
    },
    /// Answer a [`crate::row::QuestionKind::Pin`] question. It is tried once.
    Pin {
        /// Which, by beginning.
        question: String,
        /// The PIN; absent where it is entered on the reader or token itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<SecretText>,
        /// The last try may be spent.
        #[serde(default)]
        last_try: bool,
    },
    /// Answer a [`crate::row::QuestionKind::ChooseCertificate`] question.
    Choose {
        /// Which, by beginning.
        question: String,
        /// The certificate, by id.
        identity: String,
    },
    /// Certificates to be known by: the device's, imported ones, and those on tokens.
    Identities {
        /// Expired ones too, and every one of those with the same subject and issuer.
        #[serde(default)]
        all: bool,
        /// Only keys in hardware.
        #[serde(default)]
        hardware: bool,
        /// Only those whose issuer has this text in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issuer: Option<String>,
    },
    /// Cards and tokens that are there, asked anew.
    Tokens,
    /// Use this certificate from now on, unless another is named; `local` for the device's key alone.
    UseIdentity {
        /// Its id, or the beginning of it.
        identity: String,
    },
    /// Keep a certificate and its key out of a file: PKCS#12 or PEM.
    ImportIdentity {
        /// What is in the file, base64.
        file: SecretText,
        /// Its password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<SecretText>,
    },
    /// Forget an imported certificate and its key.
    RemoveIdentity {
        /// Its id, or the beginning of it.
        identity: String,
    },
    /// Load a PKCS#11 module that the system does not describe.
    RegisterModule {
        /// Its full path.
        path: PathBuf,
        /// Whether it needs the network, as for an HSM at the other end of a wire.
        network: bool,
    },
    /// Load it no more.
    UnregisterModule {
        /// Its full path.
        path: PathBuf,
    },
    /// Certificate authorities trusted for people here.
    Authorities,
    /// Trust an authority for people.
    AddAuthority {
        /// Its certificate: PEM, or DER as base64.
        certificate: String,
    },
    /// What an authority's word is good for; what is absent stays.
    SetAuthority {
        /// Its id, or the beginning of it.
        authority: String,
        /// Anyone it vouches for may invite me.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite: Option<bool>,
        /// Its word is as good as comparing a code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        codeless: Option<bool>,
    },
    /// Trust it no more.
    RemoveAuthority {
        /// Its id, or the beginning of it.
        authority: String,
    },
    /// Take over a list of revoked certificates.
    AddRevocations {
        /// PEM, or DER as base64; or the absolute path of a file, which the agent reads: lists can be long.
        crl: String,
    },
    /// Renew the local certificate; the key and so the identity stay.
    RenewCertificate,
    /// Another key for this device. First it is made, and known devices are told in their sessions. Then, with `now`, it
    /// takes the place of the present one: the agent has to be started anew. Answered with [`Answer::Rotation`].
    RotateKey {
        /// Take it over; else only prepare it.
        now: bool,
    },
    /// Where the device's own key is kept from now on. Answered once it is there, and nowhere else.
    KeepKey {
        /// There.
        place: KeyPlace,
    },
    /// The current certificate as PEM.
    ExportCertificate,
    /// Who is who.
    TrustList,
    /// Decide about a device.
    TrustSet {
        /// Which.
        peer: String,
        /// What.
        to: TrustChoice,
    },
    /// What hither may do here.
    Capabilities,
    /// Grant or revoke a capability.
    SetCapability {
        /// Its name.
        name: String,
        /// Granted or revoked.
        granted: bool,
    },
    /// What a person can set.
    Settings,
    /// Set something otherwise, from now on and after a restart.
    Set {
        /// What.
        change: SettingsChange,
    },
    /// A window says whether somebody looks at it: then only alarms are notified. Counts until its connection ends.
    Watching {
        /// The window has the focus.
        seen: bool,
    },
    /// Why a device is not seen or not reached.
    Doctor {
        /// Ask about one device in particular.
        peer: Option<String>,
    },
    /// What happened.
    History {
        /// With one device.
        peer: Option<String>,
        /// At most so many, newest first.
        limit: u32,
        /// Only lines with this text in them, whatever its case.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        search: Option<String>,
    },
    /// Take lines out of the history for good.
    EraseHistory {
        /// Those with this device; absent: with anybody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<String>,
        /// Those before this time, seconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
    },
}
