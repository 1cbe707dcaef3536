//! What agent and helper say to each other through the helper's standard input and output. The agent asks, the helper
//! answers, one at a time: u32 length (big-endian), then one byte for the kind, then the fields.
//!
//! The helper runs a vendor's code and may have been taken over by it: what it answers is bounded and checked like a
//! peer's bytes. Requests may hold a PIN: their bytes live in memory that is wiped, and are written in one go.

pub(super) mod file;

use super::{
    error::{CardError, Left},
    pin::Pin,
    token::{CardCertificate, Token, TokenName, Tries},
};
use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Changes whenever the messages do; both ends come from the same program.
pub(super) const VERSION: u8 = 1;

/// Longest request, in bytes.
pub(super) const MAX_REQUEST: usize = 48 * 1024;

/// Longest answer, in bytes.
pub(super) const MAX_ANSWER: usize = 1024 * 1024;

/// Longest message that is signed, in bytes: in TLS 1.3 some 150.
pub(super) const MAX_SIGNED: usize = 32 * 1024;

/// Most tokens of a module, and most certificates of a token.
pub(super) const MAX_TOKENS: usize = 32;
pub(super) const MAX_CERTIFICATES: usize = 64;

/// What the agent asks.
pub(super) enum Request {
    /// First of all: load this module. `idle_ms` without a question or a login end the process.
    Open { version: u8, module: PathBuf, network: bool, idle_ms: u32 },
    /// Which tokens are there, and which certificates on them?
    List,
    /// Log in, for the key of this id.
    Unlock { serial: String, label: String, key: Vec<u8>, pin: Option<Pin>, last_try: bool },
    /// Sign.
    Sign { lease: u64, scheme: u16, message: Vec<u8> },
    /// A login is needed no more.
    Lock { lease: u64 },
}

/// What the helper answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It did not work.
    Failed(Fault, String),
    /// The module is loaded; its own description.
    Opened(String),
    /// The tokens.
    Listed(Vec<Token>),
    /// Logged in. `each_time`: the key wants the PIN for every signature, and has it for one.
    Unlocked { lease: u64, each_time: bool },
    /// The signature as the token made it: for elliptic curves r and s, side by side.
    Signed(Vec<u8>),
    /// Done.
    Locked,
    /// Nobody asked anything for long: the process ends. Whatever was sent meanwhile has not been read.
    Bye,
}

macro_rules! faults {
    ($($name:ident),+ $(,)?) => {
        /// What can go wrong inside the helper.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Fault { $($name),+ }

        impl Fault {
            const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

faults! {
    Absent, Removed, PinNeeded, LastTry, PinForm, PinWrongUnsaid, PinWrongFew, PinWrongLast, PinBlocked, PinUnset,
    KeyMissing, NoPss, Unsupported, Refused, NoModule, Canceled, Token, Version,
}

impl Fault {
    /// The error for a person. `token` is the label, `words` the helper's own text.
    pub(super) fn into_error(self, words: String, module: &Path, token: &str, pin: (u32, u32)) -> CardError {
        let token = CardError::words(token);
        let why = CardError::words(&words);
        let path = CardError::words(&module.to_string_lossy());
        match self {
            Self::Absent => CardError::Absent { token },
            Self::Removed => CardError::Removed { token },
            Self::PinNeeded => CardError::PinNeeded { token },
            Self::LastTry => CardError::LastTry { token },
            Self::PinForm => CardError::PinForm { token, min: pin.0, max: pin.1 },
            Self::PinWrongUnsaid => CardError::PinWrong { left: Left::Unsaid },
            Self::PinWrongFew => CardError::PinWrong { left: Left::Few },
            Self::PinWrongLast => CardError::PinWrong { left: Left::Last },
            Self::PinBlocked => CardError::PinBlocked { token },
            Self::PinUnset => CardError::PinUnset { token },
            Self::KeyMissing => CardError::KeyMissing { token },
            Self::NoPss => CardError::NoPss { token },
            Self::Unsupported => CardError::Unsupported { token, why },
            Self::Refused => CardError::Refused { module: path, why },
            Self::NoModule => CardError::NoModule { module: path, why },
            Self::Canceled => CardError::Canceled,
            Self::Token => CardError::Token { what: why },
            Self::Version => CardError::Process("it is of another version".into()),
        }
    }
}

/// A message that is being written. Grows only here, and never beyond what was reserved: no copies of a PIN stay behind.
pub(super) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn new(capacity: usize, kind: u8) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity + 64));
        bytes.extend_from_slice(&[0, 0, 0, 0, kind]);
        Self(bytes)
    }

    fn number(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64).0.extend_from_slice(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn yes(&mut self, yes: bool) -> &mut Self {
        self.number(u64::from(yes))
    }

    fn framed(mut self, max: usize) -> io::Result<Zeroizing<Vec<u8>>> {
        let length = self.0.len() - 4;
        let prefix = u32::try_from(length).ok().filter(|_| length <= max).ok_or(io::ErrorKind::FileTooLarge)?;
        self.0.iter_mut().zip(prefix.to_be_bytes()).for_each(|(to, from)| *to = from);
        Ok(self.0)
    }
}

/// A message that is being read. `None` at whatever is not as expected.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let (head, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*head))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn yes(&mut self) -> Option<bool> {
        match self.number()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn end<T>(&self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

/// One whole message from the other end; `None` at its end. Read without buffers that nobody wipes.
pub(super) fn receive(from: &mut impl Read, max: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut prefix = [0; 4];
    match from.read_exact(&mut prefix) {
        Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = usize::try_from(u32::from_be_bytes(prefix)).map_err(|_| io::ErrorKind::InvalidData)?;
    if length == 0 || length > max {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    from.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

impl Request {
    /// The bytes to send, length first.
    pub(super) fn encode(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut out;
        match self {
            Self::Open { version, module, network, idle_ms } => {
                out = Writer::new(module.as_os_str().len() + 64, 1);
                out.number((*version).into()).text(&module.to_string_lossy()).yes(*network).number((*idle_ms).into());
            }
            Self::List => out = Writer::new(0, 2),
            Self::Unlock { serial, label, key, pin, last_try } => {
                let pin = pin.as_ref().map_or("", Pin::expose);
                out = Writer::new(serial.len() + label.len() + key.len() + pin.len() + 64, 3);
                out.text(serial).text(label).bytes(key).text(pin).yes(*last_try);
            }
            Self::Sign { lease, scheme, message } => {
                out = Writer::new(message.len() + 64, 4);
                out.number(*lease).number((*scheme).into()).bytes(message);
            }
            Self::Lock { lease } => {
                out = Writer::new(8, 5);
                out.number(*lease);
            }
        }
        out.framed(MAX_REQUEST)
    }

    /// Reads one, without its length.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let mut of = Reader(rest);
        let request = match kind {
            1 => Self::Open {
                version: u8::try_from(of.number()?).ok()?,
                module: of.text()?.into(),
                network: of.yes()?,
                idle_ms: of.small()?,
            },
            2 => Self::List,
            3 => Self::Unlock {
                serial: of.text()?,
                label: of.text()?,
                key: of.bytes()?.to_vec(),
                pin: Pin::from_bytes(of.bytes()?),
                last_try: of.yes()?,
            },
            4 => Self::Sign {
                lease: of.number()?,
                scheme: u16::try_from(of.number()?).ok()?,
                message: of.bytes()?.to_vec(),
            },
            5 => Self::Lock { lease: of.number()? },
            _ => return None,
        };
        of.end(request)
    }
}

impl Answer {
    /// The bytes to send, length first.
    pub(super) fn encode(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut out;
        match self {
            Self::Failed(fault, words) => {
                out = Writer::new(words.len() + 64, 1);
                out.number(*fault as u64).text(words);
            }
            Self::Opened(words) => {
                out = Writer::new(words.len() + 64, 2);
                out.text(words);
            }
            Self::Listed(tokens) => {
                out = Writer::new(4096, 3);
                out.number(tokens.len() as u64);
                tokens.iter().for_each(|token| put_token(&mut out, token));
            }
            Self::Unlocked { lease, each_time } => {
                out = Writer::new(16, 4);
                out.number(*lease).yes(*each_time);
            }
            Self::Signed(signature) => {
                out = Writer::new(signature.len() + 64, 5);
                out.bytes(signature);
            }
            Self::Locked => out = Writer::new(0, 6),
            Self::Bye => out = Writer::new(0, 7),
        }
        out.framed(MAX_ANSWER)
    }

    /// Reads one, without its length. `module` becomes part of the tokens' names.
    pub(super) fn decode(bytes: &[u8], module: &Path) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let mut of = Reader(rest);
        let answer = match kind {
            1 => {
                let fault = *Fault::ALL.get(usize::try_from(of.number()?).ok()?)?;
                Self::Failed(fault, of.text()?)
            }
            2 => Self::Opened(of.text()?),
            3 => {
                let count = usize::try_from(of.number()?).ok().filter(|n| *n <= MAX_TOKENS)?;
                Self::Listed((0..count).map(|_| take_token(&mut of, module)).collect::<Option<_>>()?)
            }
            4 => Self::Unlocked { lease: of.number()?, each_time: of.yes()? },
            5 => Self::Signed(of.bytes()?.to_vec()),
            6 => Self::Locked,
            7 => Self::Bye,
            _ => return None,
        };
        of.end(answer)
    }
}

fn put_token(out: &mut Writer, token: &Token) {
    out.text(&token.name.serial).text(&token.name.label).text(&token.manufacturer).text(&token.model);
    out.text(&token.reader).yes(token.hardware).yes(token.removable).yes(token.login_required).yes(token.pad);
    out.yes(token.pin_set).number(token.min_pin.into()).number(token.max_pin.into()).number(token.tries as u64);
    out.yes(token.ecdsa).yes(token.pss).number(token.certificates.len() as u64);
    for certificate in &token.certificates {
        out.bytes(&certificate.key).text(&certificate.label).bytes(&certificate.der).yes(certificate.key_seen);
    }
}

fn take_token(of: &mut Reader<'_>, module: &Path) -> Option<Token> {
    let name = TokenName { module: module.to_owned(), serial: of.text()?, label: of.text()? };
    let mut token = Token {
        name,
        manufacturer: of.text()?,
        model: of.text()?,
        reader: of.text()?,
        hardware: of.yes()?,
        removable: of.yes()?,
        login_required: of.yes()?,
        pad: of.yes()?,
        pin_set: of.yes()?,
        min_pin: of.small()?,
        max_pin: of.small()?,
        tries: match of.number()? {
            0 => Tries::Plenty,
            1 => Tries::Few,
            2 => Tries::Last,
            3 => Tries::Blocked,
            _ => return None,
        },
        ecdsa: of.yes()?,
        pss: of.yes()?,
        certificates: Vec::new(),
    };
    let count = usize::try_from(of.number()?).ok().filter(|n| *n <= MAX_CERTIFICATES)?;
    for _ in 0..count {
        token.certificates.push(CardCertificate {
            key: of.bytes()?.to_vec(),
            label: of.text()?,
            der: of.bytes()?.to_vec(),
            key_seen: of.yes()?,
        });
    }
    Some(token)
}

#[cfg(test)]
#[path = "wire/tests.rs"]
mod tests;
