//! Another program beside the window, into which something is dragged out of it (XDND, version 5, from the other side): a
//! pointer that presses, moves and lets go as a hand does (XTEST), and a window that takes what falls on it.
//!
//! The source speaks first: Enter, then Position, which is answered by Status ("I take it"); after the button is let go it
//! says Drop, is asked for the data by the selection `XdndSelection`, and hears Finished.

use super::Display;
use std::{
    thread,
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection,
    errors::ReplyOrIdError,
    protocol::{
        Event,
        xproto::{
            Atom, AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConnectionExt as _,
            CreateWindowAux, EventMask, MOTION_NOTIFY_EVENT, PropMode, Window, WindowClass,
        },
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// How long the whole of it may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two movements of the hand.
const MOVE: Duration = Duration::from_millis(30);
/// Size of the other program's window, pixels.
const SIZE: u16 = 200;

x11rb::atom_manager! {
    /// The words of the protocol.
    Words: WordsCookie {
        XdndAware,
        XdndSelection,
        XdndPosition,
        XdndStatus,
        XdndDrop,
        XdndFinished,
        XdndActionCopy,
        LIST: b"text/uri-list",
        CAUGHT: b"HITHER_CAUGHT",
    }
}

/// Drags with the pointer's first button from a point of the screen to another program's window, whose upper left corner is
/// at `corner`; gives the addresses that fell into it.
///
/// # Panics
/// When the display is lost, or nothing falls.
pub fn drag_out(display: &Display, from: (i16, i16), corner: (i16, i16)) -> Vec<String> {
    let hand = Hand::beside(display, corner).unwrap_or_else(|e| panic!("another program: {e}"));
    let list = hand.drag(from, corner).unwrap_or_else(|e| panic!("dragging out: {e}"));
    list.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

struct Hand {
    line: RustConnection,
    words: Words,
    own: Window,
    root: Window,
}

impl Hand {
    fn beside(display: &Display, corner: (i16, i16)) -> Result<Self, ReplyOrIdError> {
        let (line, screen) = x11rb::connect(Some(display.name())).unwrap_or_else(|e| panic!("{}: {e}", display.name()));
        let words = Words::new(&line)?.reply()?;
        let screen = line.setup().roots.get(screen).unwrap_or_else(|| panic!("{} has no screen", display.name()));
        let (root, visual, own) = (screen.root, screen.root_visual, line.generate_id()?);
        let made = CreateWindowAux::new().override_redirect(1).background_pixel(screen.white_pixel);
        let (x, y) = corner;
        line.create_window(0, own, root, x, y, SIZE, SIZE, 0, WindowClass::INPUT_OUTPUT, visual, &made)?.check()?;
        line.change_property32(PropMode::REPLACE, own, words.XdndAware, AtomEnum::ATOM, &[5])?.check()?;
        line.map_window(own)?.check()?;
        Ok(Self { line, words, own, root })
    }

    fn drag(&self, from: (i16, i16), corner: (i16, i16)) -> Result<String, ReplyOrIdError> {
        let middle = (corner.0 + SIZE as i16 / 2, corner.1 + SIZE as i16 / 2);
        self.point(from)?;
        self.button(BUTTON_PRESS_EVENT)?;
        // A little first, so that it is a drag and not a click; then there, and to and fro until somebody speaks.
        for step in 1..=6 {
            self.point((from.0 + 4 * step, from.1))?;
        }
        let began = Instant::now();
        let mut taken = None;
        let mut at = 0;
        while taken.is_none() {
            assert!(began.elapsed() < PATIENCE, "nothing is dragged over the other program's window");
            at = (at + 7) % 40;
            self.point((middle.0 + at, middle.1))?;
            taken = self.status_asked()?;
        }
        self.button(BUTTON_RELEASE_EVENT)?;
        self.caught(began)
    }

    /// Moves the pointer, slowly enough for programs to see it.
    fn point(&self, at: (i16, i16)) -> Result<(), ReplyOrIdError> {
        self.line.xtest_fake_input(MOTION_NOTIFY_EVENT, 0, x11rb::CURRENT_TIME, self.root, at.0, at.1, 0)?.check()?;
        thread::park_timeout(MOVE);
        Ok(())
    }

    fn button(&self, what: u8) -> Result<(), ReplyOrIdError> {
        self.line.xtest_fake_input(what, 1, x11rb::CURRENT_TIME, self.root, 0, 0, 0)?.check()?;
        thread::park_timeout(MOVE);
        Ok(())
    }

    /// Says "I take it" to whoever drags something over the window, and who that is.
    fn status_asked(&self) -> Result<Option<Window>, ReplyOrIdError> {
        let mut source = None;
        while let Some(event) = self.line.poll_for_event()? {
            if let Event::ClientMessage(said) = event
                && said.type_ == self.words.XdndPosition
            {
                let from = said.data.as_data32()[0];
                self.say(from, self.words.XdndStatus, [1, 0, 0, self.words.XdndActionCopy])?;
                source = Some(from);
            }
        }
        Ok(source)
    }

    /// Waits for the drop, asks for the addresses and says that they are here.
    fn caught(&self, began: Instant) -> Result<String, ReplyOrIdError> {
        let mut source = 0;
        loop {
            assert!(began.elapsed() < PATIENCE, "what was dragged did not fall");
            match self.line.poll_for_event()? {
                Some(Event::ClientMessage(said)) if said.type_ == self.words.XdndPosition => {
                    let from = said.data.as_data32()[0];
                    self.say(from, self.words.XdndStatus, [1, 0, 0, self.words.XdndActionCopy])?;
                }
                Some(Event::ClientMessage(said)) if said.type_ == self.words.XdndDrop => {
                    source = said.data.as_data32()[0];
                    let time = said.data.as_data32()[2];
                    let words = &self.words;
                    self.line
                        .convert_selection(self.own, words.XdndSelection, words.LIST, words.CAUGHT, time)?
                        .check()?;
                }
                Some(Event::SelectionNotify(given)) => {
                    assert_ne!(given.property, x11rb::NONE, "the addresses are given");
                    let read = self.line.get_property(true, self.own, given.property, AtomEnum::ANY, 0, 1 << 16)?;
                    let list = String::from_utf8_lossy(&read.reply()?.value).into_owned();
                    self.say(source, self.words.XdndFinished, [1, self.words.XdndActionCopy, 0, 0])?;
                    return Ok(list);
                }
                Some(_) => {}
                None => thread::park_timeout(Duration::from_millis(5)),
            }
        }
    }

    /// A message of XDND from us; its first word is always who speaks.
    fn say(&self, to: Window, what: Atom, rest: [u32; 4]) -> Result<(), ReplyOrIdError> {
        let [a, b, c, d] = rest;
        let event = ClientMessageEvent::new(32, to, what, [self.own, a, b, c, d]);
        self.line.send_event(false, to, EventMask::NO_EVENT, event)?.check()?;
        Ok(())
    }
}
