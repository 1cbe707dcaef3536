//! A PIV smart card made of software. Started it is in the reader, ended it is out.
//!
//! `virtual-card STATE HOST:PORT`: what the card remembers (keys, certificates, tries) lies in two files named after
//! STATE, so that it can be taken out and put in again. `--die-on-sign` pulls it in the middle of a signature,
//! `--slow MS` makes each signature take that long. It says `in` on standard output when the reader has it.
//!
//! For tests only: its randomness is a constant.

mod applet;

use applet::Memory;
use iso7816::{Command, Instruction, Status};
use piv_authenticator::{Authenticator, Options};
use std::{env, io::Write, path::PathBuf, process, thread, time::Duration};

/// Longest command and answer, chained parts together.
const ROOM: usize = 7609;

/// SELECT by the first five bytes of the applet's name, as Yubico's tools send it, and by the whole name.
const SELECT_SHORT: &[u8] = &[0x00, 0xa4, 0x04, 0x00, 0x05, 0xa0, 0x00, 0x00, 0x03, 0x08];
const SELECT: &[u8] = &[0x00, 0xa4, 0x04, 0x00, 0x09, 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00];

/// GENERAL AUTHENTICATE, and the management key that it may be about.
const AUTHENTICATE: u8 = 0x87;
const MANAGEMENT: u8 = 0x9b;

/// What the card does wrong.
#[derive(Clone, Copy, Default)]
struct Mischief {
    die_on_sign: bool,
    slow: Option<Duration>,
}

/// The card between two resets.
struct Card<'a> {
    applet: Authenticator<applet::Client<'a>>,
    mischief: Mischief,
    /// The parts of a command so far.
    parts: Option<Command<ROOM>>,
    /// What is still to be fetched of the answer.
    rest: Vec<u8>,
    over: bool,
}

impl Card<'_> {
    fn carry_out(&mut self, raw: &[u8]) -> Result<(), Status> {
        let raw = if raw.starts_with(SELECT_SHORT) { SELECT } else { raw };
        let command = Command::<ROOM>::try_from(raw).map_err(|_| Status::WrongLength)?;
        if command.instruction() == Instruction::GetResponse {
            return Ok(());
        }
        let last = command.class().chain().last_or_only();
        let whole = match self.parts.take() {
            Some(mut parts) => {
                parts.extend_from_command(&command).map_err(|_| Status::WrongLength)?;
                parts
            }
            None => command,
        };
        self.rest.clear();
        if !last {
            self.parts = Some(whole);
            return Ok(());
        }
        let mut answer = heapless::Vec::<u8, ROOM>::new();
        self.applet.respond(whole.as_view(), answer.as_mut_view())?;
        self.rest.extend_from_slice(&answer);
        Ok(())
    }
}

impl vpicc::VSmartCard for Card<'_> {
    fn atr(&self) -> &[u8] {
        vpicc::DEFAULT_ATR
    }

    fn power_off(&mut self) {
        self.over = true;
    }

    fn reset(&mut self) {
        self.over = true;
    }

    fn execute(&mut self, raw: &[u8]) -> Vec<u8> {
        if raw.get(1) == Some(&AUTHENTICATE) && raw.get(3).is_some_and(|key| *key != MANAGEMENT) {
            if self.mischief.die_on_sign {
                process::exit(0);
            }
            self.mischief.slow.into_iter().for_each(thread::sleep);
        }
        let wanted = Command::<ROOM>::try_from(raw).map_or(0, |command| command.expected());
        let status = match self.carry_out(raw) {
            Err(status) => {
                self.rest.clear();
                let words: [u8; 2] = status.into();
                return words.to_vec();
            }
            Ok(()) => {
                let now = if wanted == 0 { 256 } else { wanted }.min(self.rest.len());
                let later = self.rest.split_off(now);
                let status = match u8::try_from(later.len().min(255)).unwrap_or(255) {
                    0 => Status::Success,
                    left => Status::MoreAvailable(left),
                };
                let answer = std::mem::replace(&mut self.rest, later);
                (answer, status)
            }
        };
        let (mut answer, status) = status;
        let words: [u8; 2] = status.into();
        answer.extend_from_slice(&words);
        answer
    }
}

fn main() {
    let mut mischief = Mischief::default();
    let mut plain = Vec::new();
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--die-on-sign" => mischief.die_on_sign = true,
            "--slow" => {
                let ms = args.next().and_then(|ms| ms.parse().ok()).expect("--slow takes milliseconds");
                mischief.slow = Some(Duration::from_millis(ms));
            }
            _ => plain.push(arg),
        }
    }
    let [state, reader] = plain.as_slice() else {
        panic!("usage: virtual-card STATE HOST:PORT [--die-on-sign] [--slow MS]")
    };
    let memory = Memory::beside(&PathBuf::from(state));
    let mut reader = vpicc::connect_socket(reader.as_str()).expect("the reader listens");
    println!("in");
    std::io::stdout().flush().expect("somebody listens");
    // A reset makes a new applet on the same memory: that a PIN was verified is forgotten, as on a real card.
    while applet::with(&memory, |client| {
        let applet = Authenticator::new(client, Options::default());
        let mut card = Card { applet, mischief, parts: None, rest: Vec::new(), over: false };
        loop {
            match reader.poll(&mut card) {
                Ok(()) if card.over => return true,
                Ok(()) => {}
                Err(_) => return false,
            }
        }
    }) {}
}
