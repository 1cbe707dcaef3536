//! Logging in and what follows from it. A lease stands for one login of one credential; when the last lease on a token
//! ends, the token is logged out.
//!
//! No PIN is ever tried twice: each [`Leases::unlock`] calls C_Login at most once with the PIN it was given, after the
//! token's own flags said that a try is left (S1, S2).

use super::{
    Trouble, code, keys,
    tokens::{self, Mechanisms, find, tries},
};
use crate::card::{
    pin::Pin,
    token::Tries,
    wire::{Answer, Fault},
};
use cryptoki::{
    context::Pkcs11,
    error::{Error, RvError},
    session::{Session, SessionState, UserType},
    slot::TokenInfo,
    types::AuthPin,
};
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

/// How long a PIN for a key that wants it at every signature waits for that signature.
const ARMED: Duration = Duration::from_secs(120);

/// How long a token that failed is looked for before it counts as still there: readers notice a removal late.
const LOOKED_FOR: Duration = Duration::from_secs(1);

/// A login that is in use.
struct Lease {
    session: Session,
    serial: String,
    label: String,
    key: Vec<u8>,
    mechanisms: Mechanisms,
    pad: bool,
    armed: Option<(AuthPin, Instant)>,
}

/// Every login of this module.
pub(super) struct Leases {
    context: Pkcs11,
    held: BTreeMap<u64, Lease>,
    last: u64,
}

impl Leases {
    pub(super) fn new(context: Pkcs11) -> Self {
        Self { context, held: BTreeMap::new(), last: 0 }
    }

    pub(super) fn context(&self) -> &Pkcs11 {
        &self.context
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Lets PINs go that have waited too long for their signature.
    pub(super) fn expire(&mut self, now: Instant) {
        for lease in self.held.values_mut() {
            lease.armed.take_if(|(_, since)| now.duration_since(*since) >= ARMED);
        }
    }

    pub(super) fn unlock(
        &mut self,
        serial: &str,
        label: &str,
        key: &[u8],
        pin: Option<&Pin>,
        last_try: bool,
    ) -> Result<Answer, Trouble> {
        let (slot, token) = find(&self.context, serial, label)?;
        let pin = if token.login_required() { allowed(&token, pin, last_try)? } else { None };
        let session = self.context.open_ro_session(slot).map_err(|error| self.trouble(&error, serial, label))?;
        if token.login_required() {
            self.log_in(&session, pin.as_ref(), serial, label)?;
        }
        let mechanisms = Mechanisms::of(&self.context, slot);
        let found = keys::private(&session, key).map_err(|error| self.trouble(&error, serial, label));
        let judged = found.and_then(|found| {
            let found = found.ok_or(Trouble::from(Fault::KeyMissing))?;
            found.usable(&mechanisms).map(|()| found.each_time)
        });
        let each_time = match judged {
            Ok(each_time) => each_time,
            Err(trouble) => {
                self.log_out_unless_used(&session, serial, label);
                return Err(trouble);
            }
        };
        self.last += 1;
        let lease = Lease {
            session,
            serial: serial.into(),
            label: label.into(),
            key: key.into(),
            mechanisms,
            pad: token.protected_authentication_path(),
            armed: pin.filter(|_| each_time).map(|pin| (pin, Instant::now())),
        };
        self.held.insert(self.last, lease);
        Ok(Answer::Unlocked { lease: self.last, each_time })
    }

    fn log_in(&self, session: &Session, pin: Option<&AuthPin>, serial: &str, label: &str) -> Result<(), Trouble> {
        // A login that is there already, ours or another's, says nothing about this PIN.
        if logged_in(session) {
            let _ = session.logout();
        }
        let Err(error) = session.login(UserType::User, pin) else { return Ok(()) };
        Err(match code(&error) {
            Some(RvError::PinIncorrect) => match find(&self.context, serial, label).map(|(_, token)| tries(&token)) {
                Ok(Tries::Blocked) => Fault::PinBlocked.into(),
                Ok(Tries::Last) => Fault::PinWrongLast.into(),
                Ok(Tries::Few) => Fault::PinWrongFew.into(),
                Ok(Tries::Plenty) | Err(_) => Fault::PinWrongUnsaid.into(),
            },
            Some(RvError::PinLocked) => Fault::PinBlocked.into(),
            Some(RvError::PinInvalid | RvError::PinLenRange) => Fault::PinForm.into(),
            Some(RvError::PinExpired | RvError::UserPinNotInitialized) => Fault::PinUnset.into(),
            _ => self.trouble(&error, serial, label),
        })
    }

    /// Signs with a lease's key; for elliptic curves r and s side by side.
    pub(super) fn sign(&mut self, lease: u64, scheme: u16, message: &[u8]) -> Result<Vec<u8>, Trouble> {
        self.expire(Instant::now());
        let Some(held) = self.held.get_mut(&lease) else { return Err(Fault::PinNeeded.into()) };
        let (mechanism, input) = keys::plan(scheme, message, &held.mechanisms)?;
        let armed = held.armed.take();
        match signed(held, &mechanism, &input, armed.map(|(pin, _)| pin)) {
            Ok(signature) => Ok(signature),
            Err(Signing::Said(trouble)) => Err(trouble),
            Err(Signing::Module(error)) => {
                let (serial, label) = (held.serial.clone(), held.label.clone());
                let trouble = self.trouble(&error, &serial, &label);
                if matches!(trouble.0, Fault::Removed | Fault::PinNeeded) {
                    self.held.retain(|_, other| other.serial != serial || other.label != label);
                }
                Err(trouble)
            }
        }
    }

    /// Ends a lease, and the login with the last one.
    pub(super) fn lock(&mut self, lease: u64) {
        if let Some(gone) = self.held.remove(&lease) {
            self.log_out_unless_used(&gone.session, &gone.serial, &gone.label);
        }
    }

    pub(super) fn lock_all(&mut self) {
        for lease in std::mem::take(&mut self.held).into_values() {
            let _ = lease.session.logout();
        }
    }

    fn log_out_unless_used(&self, session: &Session, serial: &str, label: &str) {
        let used = self.held.values().any(|other| other.serial == serial && other.label == label);
        if !used && logged_in(session) {
            let _ = session.logout();
        }
    }

    /// What an error of a call on a token means: modules report a removal in many ways, some of them late.
    fn trouble(&self, error: &Error, serial: &str, label: &str) -> Trouble {
        let Some(code) = code(error) else { return Trouble::token(error) };
        let there = || find(&self.context, serial, label).is_ok();
        match code {
            RvError::UserNotLoggedIn => Fault::PinNeeded.into(),
            RvError::FunctionCanceled => Fault::Canceled.into(),
            RvError::TokenNotPresent | RvError::DeviceRemoved | RvError::TokenNotRecognized => Fault::Removed.into(),
            // Of an insertion that is over.
            RvError::SessionHandleInvalid
            | RvError::SessionClosed
            | RvError::ObjectHandleInvalid
            | RvError::KeyHandleInvalid => if there() { Fault::PinNeeded } else { Fault::Removed }.into(),
            RvError::GeneralError | RvError::DeviceError | RvError::FunctionFailed => {
                let until = Instant::now() + LOOKED_FOR;
                while there() {
                    if Instant::now() >= until {
                        return Trouble::token(error);
                    }
                    thread::sleep(Duration::from_millis(100));
                }
                Fault::Removed.into()
            }
            _ => Trouble::token(error),
        }
    }
}

/// Whether and with what C_Login may be called.
fn allowed(token: &TokenInfo, pin: Option<&Pin>, last_try: bool) -> Result<Option<AuthPin>, Trouble> {
    match tokens::tries(token) {
        Tries::Blocked => return Err(Fault::PinBlocked.into()),
        Tries::Last if !last_try => return Err(Fault::LastTry.into()),
        Tries::Last | Tries::Few | Tries::Plenty => {}
    }
    if !token.user_pin_initialized() {
        return Err(Fault::PinUnset.into());
    }
    if token.protected_authentication_path() {
        return Ok(None);
    }
    let pin = pin.ok_or(Fault::PinNeeded)?;
    let (min, max) = (token.min_pin_length(), token.max_pin_length());
    let told = max > 0 && min <= max;
    if told && !(min..=max).contains(&pin.length()) {
        return Err(Fault::PinForm.into());
    }
    Ok(Some(AuthPin::from(pin.expose())))
}

fn logged_in(session: &Session) -> bool {
    session
        .get_session_info()
        .is_ok_and(|state| matches!(state.session_state(), SessionState::RoUser | SessionState::RwUser))
}

/// Why there is no signature.
enum Signing {
    Said(Trouble),
    Module(Error),
}

impl From<Error> for Signing {
    fn from(error: Error) -> Self {
        Self::Module(error)
    }
}

fn signed(
    lease: &Lease,
    mechanism: &cryptoki::mechanism::Mechanism<'_>,
    input: &[u8],
    pin: Option<AuthPin>,
) -> Result<Vec<u8>, Signing> {
    let session = &lease.session;
    let Some(key) = keys::private(session, &lease.key)? else {
        // Private keys vanish with the login. Some modules lose it without a word.
        let fault = if logged_in(session) { Fault::KeyMissing } else { Fault::PinNeeded };
        return Err(Signing::Said(fault.into()));
    };
    if !key.each_time {
        return Ok(session.sign(mechanism, key.object, input)?);
    }
    if pin.is_none() && !lease.pad {
        return Err(Signing::Said(Fault::PinNeeded.into()));
    }
    // The login is for this one operation, so it comes between its beginning and its end (S8).
    session.sign_init(mechanism, key.object)?;
    session.login(UserType::ContextSpecific, pin.as_ref())?;
    drop(pin);
    session.sign_update(input)?;
    Ok(session.sign_final()?)
}
