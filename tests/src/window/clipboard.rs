//! Another program on the same display that has something in the clipboard (ICCCM 2): whoever pastes asks it first for the
//! kinds it has (`TARGETS`), then for the thing in one of them. It answers for as long as the value lives.
//!
//! What is *not* here: things larger than the display takes in one request (a quarter of a megabyte), which would have to
//! be handed over in pieces (INCR).

use super::{Display, drag::uri_list};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use x11rb::{
    connection::Connection,
    errors::{ReplyError, ReplyOrIdError},
    protocol::{
        Event,
        xproto::{
            Atom, AtomEnum, ConnectionExt, CreateWindowAux, EventMask, PropMode, SELECTION_NOTIFY_EVENT,
            SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// How long it may take until the clipboard is ours.
const STEP: Duration = Duration::from_secs(20);

/// What was copied: the same thing in each kind it can be had in.
#[derive(Debug, Clone)]
pub struct Copied(Vec<(&'static str, Vec<u8>)>);

impl Copied {
    /// A text.
    pub fn text(text: &str) -> Self {
        let kinds = ["UTF8_STRING", "text/plain;charset=utf-8", "text/plain"];
        Self(kinds.into_iter().map(|kind| (kind, text.as_bytes().to_vec())).collect())
    }

    /// A picture, and nothing else, as a program for screenshots has it.
    pub fn png(picture: &[u8]) -> Self {
        Self(vec![("image/png", picture.to_vec())])
    }

    /// Files, as a file manager has them: also as text, one path a line.
    pub fn files(files: &[&Path]) -> Self {
        let list = uri_list(files);
        let paths: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        Self(vec![
            ("x-special/gnome-copied-files", format!("copy\n{}", list.trim_end().replace("\r\n", "\n")).into_bytes()),
            ("text/uri-list", list.into_bytes()),
            ("UTF8_STRING", paths.join("\n").into_bytes()),
        ])
    }
}

/// Somebody who copied something; what they copied is gone with the value.
#[derive(Debug)]
pub struct Clipboard {
    ends: Arc<AtomicBool>,
    owner: Option<JoinHandle<()>>,
}

impl Clipboard {
    /// Copies something on a display.
    ///
    /// # Panics
    /// When the display is lost.
    pub fn with(display: &Display, copied: Copied) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let (name, until, (ready, is_ready)) = (display.name().to_owned(), ends.clone(), channel());
        let owner = thread::spawn(move || {
            let (line, screen) = x11rb::connect(Some(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
            let owned = Owner::of(line, screen, &copied);
            owned.and_then(|owner| owner.serve(&until, &ready)).unwrap_or_else(|e| panic!("the clipboard: {e}"));
        });
        is_ready.recv_timeout(STEP).unwrap_or_else(|_| panic!("the clipboard could not be had"));
        Self { ends, owner: Some(owner) }
    }
}

impl Drop for Clipboard {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(owner) = self.owner.take() {
            let _ = owner.join();
        }
    }
}

struct Owner {
    line: RustConnection,
    own: Window,
    clipboard: Atom,
    targets: Atom,
    kinds: Vec<(Atom, Vec<u8>)>,
}

impl Owner {
    fn of(line: RustConnection, screen: usize, copied: &Copied) -> Result<Self, ReplyOrIdError> {
        let screen = line.setup().roots.get(screen).unwrap_or_else(|| panic!("there is no screen"));
        let (root, visual, own) = (screen.root, screen.root_visual, line.generate_id()?);
        let made = CreateWindowAux::new();
        line.create_window(0, own, root, -10, -10, 1, 1, 0, WindowClass::INPUT_OUTPUT, visual, &made)?.check()?;
        let word = |name: &str| Ok::<_, ReplyOrIdError>(line.intern_atom(false, name.as_bytes())?.reply()?.atom);
        let (clipboard, targets) = (word("CLIPBOARD")?, word("TARGETS")?);
        let kinds = copied.0.iter().map(|(kind, thing)| Ok((word(kind)?, thing.clone())));
        let kinds = kinds.collect::<Result<_, ReplyOrIdError>>()?;
        line.set_selection_owner(own, clipboard, x11rb::CURRENT_TIME)?.check()?;
        Ok(Self { line, own, clipboard, targets, kinds })
    }

    fn serve(&self, ends: &AtomicBool, ready: &Sender<()>) -> Result<(), ReplyOrIdError> {
        assert_eq!(self.line.get_selection_owner(self.clipboard)?.reply()?.owner, self.own, "it is ours");
        let _ = ready.send(());
        while !ends.load(Ordering::Relaxed) {
            match self.line.poll_for_event()? {
                Some(Event::SelectionRequest(asked)) => self.hand_over(&asked)?,
                Some(_) => {}
                None => thread::park_timeout(Duration::from_millis(5)),
            }
        }
        Ok(())
    }

    fn hand_over(&self, asked: &SelectionRequestEvent) -> Result<(), ReplyError> {
        let mut property = asked.property;
        if asked.target == self.targets {
            let kinds: Vec<Atom> = [self.targets].into_iter().chain(self.kinds.iter().map(|(kind, _)| *kind)).collect();
            self.line.change_property32(PropMode::REPLACE, asked.requestor, property, AtomEnum::ATOM, &kinds)?;
        } else if let Some((kind, thing)) = self.kinds.iter().find(|(kind, _)| *kind == asked.target) {
            self.line.change_property8(PropMode::REPLACE, asked.requestor, property, *kind, thing)?;
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
