//! A notification as a value: what it is about, what it says, what can be pressed. Pure.

use hither_model::{OutboxId, QuestionId, SessionId, TransferId};

/// What a notification is about. One thing has one notification, which is replaced as the thing changes; a notification
/// that can be said yes to is never replaced by one about something else, so nobody's click lands on another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// One question.
    Question(QuestionId),
    /// Several devices that were never met want to be let in.
    Strangers,
    /// Many offers of files wait.
    Offers,
    /// Unread messages of one session.
    Messages(SessionId),
    /// A transfer that ended.
    Transfer(TransferId),
    /// Several transfers that ended.
    Transfers,
    /// Something of the outbox that went, or did not.
    Posted(OutboxId),
    /// Several of those.
    Post,
    /// Something the person must know.
    Alarm,
}

/// What can be pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Button {
    /// Shows the thing in the window.
    Open,
    /// Yes to the question.
    Accept,
    /// No to the question.
    Decline,
    /// Shows where the files are.
    Folder,
}

impl Button {
    /// The key that comes back when it is pressed.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Folder => "folder",
        }
    }

    /// The button of a key. `default` is a press on the notification itself.
    pub(crate) fn of(key: &str) -> Option<Self> {
        match key {
            "default" | "open" => Some(Self::Open),
            "accept" => Some(Self::Accept),
            "decline" => Some(Self::Decline),
            "folder" => Some(Self::Folder),
            _ => None,
        }
    }
}

/// How loud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It may go away by itself.
    Passing,
    /// It stays until it is answered or withdrawn.
    Waiting,
    /// It stays, also where others are held back.
    Urgent,
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// One line. Never holds markup.
    pub(crate) summary: String,
    /// Plain text; escaped for servers that read markup.
    pub(crate) body: String,
    pub(crate) buttons: Vec<Button>,
    pub(crate) weight: Weight,
    /// A category of the notification specification.
    pub(crate) category: &'static str,
}

/// Text that shows as it is written on a server that reads markup in bodies.
pub(crate) fn without_markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_others_shows_as_text() {
        let hostile = "<a href=\"http://x\">&amp;</a><img src='y'>";
        let shown = without_markup(hostile);
        assert!(!shown.contains(['<', '>', '"', '\'']), "{shown}");
        assert_eq!(without_markup("a & b"), "a &amp; b");
    }

    #[test]
    fn only_known_keys_are_buttons() {
        for button in [Button::Open, Button::Accept, Button::Decline, Button::Folder] {
            assert_eq!(Button::of(button.key()), Some(button));
        }
        assert_eq!((Button::of("default"), Button::of("Accept"), Button::of("")), (Some(Button::Open), None, None));
    }
}
