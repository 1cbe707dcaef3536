//! Another program on the same display: one from whose hand files fall into the window (the XDND protocol, version 5),
//! and one that asks the window to close as a title bar does (ICCCM 4.2.8.1).
//!
//! The source speaks first: Enter, then Position until the window says by Status that it takes it, then Drop; the window
//! asks for the data by converting the selection `XdndSelection` and says Finished. Positions are pixels of the screen.
//! What is *not* here: a pointer (the window learns positions from the messages alone).

use super::Display;
use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection,
    errors::{ReplyError, ReplyOrIdError},
    protocol::{
        Event,
        xproto::{
            Atom, AtomEnum, ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, MapState, PropMode,
            SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// How long the window may take for one step.
const STEP: Duration = Duration::from_secs(20);

/// How often a position is said again until the window answers that it takes what is dragged.
const AGAIN: Duration = Duration::from_millis(100);

x11rb::atom_manager! {
    /// The words of the protocols.
    Words: WordsCookie {
        WM_PROTOCOLS,
        WM_DELETE_WINDOW,
        XdndAware,
        XdndSelection,
        XdndEnter,
        XdndPosition,
        XdndStatus,
        XdndDrop,
        XdndFinished,
        XdndLeave,
        XdndActionCopy,
        TARGETS,
        LIST: b"text/uri-list",
    }
}

/// Lets files fall into the window at a point of it, in pixels from its upper left corner.
///
/// # Panics
/// When the display is lost, there is no window, or the window does not take them.
pub fn drop_files(display: &Display, files: &[&Path], at: (i16, i16)) {
    Source::on(display).and_then(|source| source.drag(files, at)).unwrap_or_else(|why| panic!("dropping: {why}"));
}

/// Asks the window to close, as the cross in a title bar does.
///
/// # Panics
/// When the display is lost or there is no window.
pub fn close(display: &Display) {
    Source::on(display).and_then(|source| source.close()).unwrap_or_else(|why| panic!("closing: {why}"));
}

/// Gives the window the keyboard, as a click on it does where there is a window manager.
///
/// # Panics
/// When the display is lost or there is no window.
pub fn focus(display: &Display) {
    Source::on(display).and_then(|source| source.focus()).unwrap_or_else(|why| panic!("focus: {why}"));
}

struct Source {
    line: RustConnection,
    words: Words,
    own: Window,
    target: Window,
    root: Window,
}

impl Source {
    fn on(display: &Display) -> Result<Self, ReplyOrIdError> {
        let (line, screen) = x11rb::connect(Some(display.name())).unwrap_or_else(|e| panic!("{}: {e}", display.name()));
        let words = Words::new(&line)?.reply()?;
        let screen = line.setup().roots.get(screen).unwrap_or_else(|| panic!("{} has no screen", display.name()));
        let (root, visual) = (screen.root, screen.root_visual);
        let own = line.generate_id()?;
        let made = CreateWindowAux::new();
        line.create_window(0, own, root, -10, -10, 1, 1, 0, WindowClass::INPUT_OUTPUT, visual, &made)?.check()?;
        let target = window(&line, &words, root)?.unwrap_or_else(|| panic!("no window is open on {}", display.name()));
        Ok(Self { line, words, own, target, root })
    }

    fn drag(&self, files: &[&Path], at: (i16, i16)) -> Result<(), ReplyOrIdError> {
        let words = &self.words;
        self.line.set_selection_owner(self.own, words.XdndSelection, x11rb::CURRENT_TIME)?.check()?;
        let corner = self.line.translate_coordinates(self.target, self.root, at.0, at.1)?.reply()?;
        let point = u32::from(corner.dst_x.unsigned_abs()) << 16 | u32::from(corner.dst_y.unsigned_abs());
        let list = uri_list(files);
        self.say(words.XdndEnter, [5 << 24, words.LIST, 0, 0])?;
        let began = Instant::now();
        // The first positions may be refused: the window looks at the data before it takes it.
        loop {
            self.say(words.XdndPosition, [0, point, x11rb::CURRENT_TIME, words.XdndActionCopy])?;
            let taken =
                self.serve(&list, AGAIN, |said| said.type_ == words.XdndStatus && said.data.as_data32()[1] & 1 == 1)?;
            if taken {
                break;
            }
            assert!(began.elapsed() < STEP, "the window does not take what is dragged over it");
        }
        self.say(words.XdndDrop, [0, x11rb::CURRENT_TIME, 0, 0])?;
        let finished = self.serve(&list, STEP, |said| said.type_ == words.XdndFinished)?;
        assert!(finished, "the window did not finish what was dropped");
        Ok(())
    }

    fn close(&self) -> Result<(), ReplyOrIdError> {
        let message = [self.words.WM_DELETE_WINDOW, x11rb::CURRENT_TIME, 0, 0, 0];
        let event = ClientMessageEvent::new(32, self.target, self.words.WM_PROTOCOLS, message);
        self.line.send_event(false, self.target, EventMask::NO_EVENT, event)?.check()?;
        Ok(())
    }

    fn focus(&self) -> Result<(), ReplyOrIdError> {
        let to = x11rb::protocol::xproto::InputFocus::PARENT;
        self.line.set_input_focus(to, self.target, x11rb::CURRENT_TIME)?.check()?;
        Ok(())
    }

    /// A message of XDND from us; its first word is always who speaks.
    fn say(&self, what: Atom, rest: [u32; 4]) -> Result<(), ReplyOrIdError> {
        let [a, b, c, d] = rest;
        let event = ClientMessageEvent::new(32, self.target, what, [self.own, a, b, c, d]);
        self.line.send_event(false, self.target, EventMask::NO_EVENT, event)?.check()?;
        Ok(())
    }

    /// Answers questions for the data until a message is the awaited one; whether it was, in time.
    fn serve(
        &self,
        list: &str,
        within: Duration,
        awaited: impl Fn(&ClientMessageEvent) -> bool,
    ) -> Result<bool, ReplyOrIdError> {
        let began = Instant::now();
        while began.elapsed() < within {
            match self.line.poll_for_event()? {
                Some(Event::SelectionRequest(asked)) => self.hand_over(&asked, list)?,
                Some(Event::ClientMessage(said)) if awaited(&said) => return Ok(true),
                Some(_) => {}
                None => std::thread::park_timeout(Duration::from_millis(5)),
            }
        }
        Ok(false)
    }

    fn hand_over(&self, asked: &SelectionRequestEvent, list: &str) -> Result<(), ReplyError> {
        let words = &self.words;
        let mut property = asked.property;
        if asked.target == words.LIST {
            self.line.change_property8(PropMode::REPLACE, asked.requestor, property, words.LIST, list.as_bytes())?;
        } else if asked.target == words.TARGETS {
            let kinds = [words.LIST];
            self.line.change_property32(PropMode::REPLACE, asked.requestor, property, AtomEnum::ATOM, &kinds)?;
        } else {
            property = x11rb::NONE;
        }
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: asked.time,
            requestor: asked.requestor,
            selection: asked.selection,
            target: asked.target,
            property,
        };
        self.line.send_event(false, asked.requestor, EventMask::NO_EVENT, answer)?.check()
    }
}

/// The window on a display without a window manager: a child of the root that can be seen and takes what is dragged.
fn window(line: &RustConnection, words: &Words, root: Window) -> Result<Option<Window>, ReplyError> {
    for child in line.query_tree(root)?.reply()?.children {
        let seen = line.get_window_attributes(child)?.reply()?.map_state == MapState::VIEWABLE;
        let aware =
            line.get_property(false, child, words.XdndAware, AtomEnum::ANY, 0, 1)?.reply()?.type_ != x11rb::NONE;
        if seen && aware {
            return Ok(Some(child));
        }
    }
    Ok(None)
}

/// The files as addresses, one a line (RFC 2483).
pub(super) fn uri_list<P: AsRef<Path>>(files: &[P]) -> String {
    addresses(files).into_iter().fold(String::new(), |list, address| list + &address + "\r\n")
}

/// The files as addresses (RFC 8089).
pub fn addresses<P: AsRef<Path>>(files: &[P]) -> Vec<String> {
    let address = |file: &P| {
        let mut address = String::from("file://");
        for byte in file.as_ref().as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                    address.push(char::from(*byte))
                }
                _ => {
                    let _ = write!(address, "%{byte:02X}");
                }
            }
        }
        address
    };
    files.iter().map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_addresses() {
        assert_eq!(uri_list(&[Path::new("/a b/\u{fc}")]), "file:///a%20b/%C3%BC\r\n");
    }
}
