//! What stands in the tray: words and ticks, made from what the agent last told. In English and Korean.

use hither_model::{News, Trust, row::Visibility, text};
use std::collections::BTreeSet;

/// Longest name in a tooltip, in characters.
const NAME: usize = 50;

/// What the tray knows of the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tray {
    /// Whether there is an agent.
    pub there: bool,
    /// Who may see this device.
    pub visibility: Option<Visibility>,
    name: Option<String>,
    near: BTreeSet<String>,
    questions: BTreeSet<String>,
}

impl Tray {
    /// Takes a piece of news. Says whether what stands in the tray may have changed.
    pub fn hear(&mut self, news: &News) -> bool {
        let before = self.clone();
        match news {
            News::Snapshot { me, peers, questions, .. } => {
                self.there = true;
                (self.visibility, self.name) = (Some(me.visibility), me.name.as_ref().map(ToString::to_string));
                self.near = peers.iter().filter(|p| p.trust != Trust::Blocked).map(|p| p.peer.clone()).collect();
                self.questions = questions.iter().map(|q| q.id.to_string()).collect();
            }
            News::Me { me } => {
                (self.visibility, self.name) = (Some(me.visibility), me.name.as_ref().map(ToString::to_string));
            }
            News::PeerAdded { peer } if peer.trust != Trust::Blocked => drop(self.near.insert(peer.peer.clone())),
            News::PeerRemoved { peer } => drop(self.near.remove(&peer.peer)),
            News::Question { question } => drop(self.questions.insert(question.id.to_string())),
            News::QuestionGone { id, .. } => drop(self.questions.remove(&id.to_string())),
            _ => {}
        }
        *self != before
    }

    /// There is no agent any more.
    pub fn lose(&mut self) {
        *self = Self::default();
    }

    /// Whether a person is being waited for.
    pub fn wants_attention(&self) -> bool {
        !self.questions.is_empty()
    }

    /// One line: what is going on.
    pub fn status(&self, words: &Words) -> String {
        if !self.there {
            return words.stopped.to_owned();
        }
        match (self.questions.len(), self.near.len()) {
            (0, 0) => words.alone.to_owned(),
            (0, near) => words.near.replace("{}", &near.to_string()),
            (questions, _) => words.questions.replace("{}", &questions.to_string()),
        }
    }

    /// The tooltip's second line: as whom this device is seen. Plain text.
    pub fn seen_as(&self, words: &Words) -> String {
        match (&self.name, self.visibility) {
            (Some(name), Some(Visibility::Known | Visibility::Everyone)) => {
                words.seen_as.replace("{}", &text::shortened(&text::printable(name), NAME))
            }
            _ => String::new(),
        }
    }
}

/// The words the shell itself says, in the tray and over dialogs, in one language. `{}` stands for a number or a name.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each is named after what it says")]
pub struct Words {
    pub open: &'static str,
    pub seen_by: &'static str,
    pub everyone: &'static str,
    pub known: &'static str,
    pub nobody: &'static str,
    pub links_off: &'static str,
    pub quit: &'static str,
    pub stop: &'static str,
    pub start: &'static str,
    pub alone: &'static str,
    pub near: &'static str,
    pub questions: &'static str,
    pub stopped: &'static str,
    pub seen_as: &'static str,
    pub choose_files: &'static str,
    pub choose_folder: &'static str,
    pub save: &'static str,
    pub lend: &'static str,
    pub lend_closed: &'static str,
    pub lend_hours: &'static str,
    pub lend_days: &'static str,
    pub lend_always: &'static str,
    pub lend_times: &'static str,
    pub lend_yes: &'static str,
    pub lend_no: &'static str,
}

const ENGLISH: Words = Words {
    open: "Open hither",
    seen_by: "Who may see me",
    everyone: "Everyone near me",
    known: "Only devices I have met",
    nobody: "Nobody",
    links_off: "Make all my links worthless",
    quit: "Close the window and this icon",
    stop: "Stop hither: receive nothing",
    start: "Start hither",
    alone: "Nobody is near",
    near: "Devices near: {}",
    questions: "Waiting for your answer: {}",
    stopped: "hither is stopped",
    seen_as: "You are seen as {}",
    choose_files: "Choose files",
    choose_folder: "Choose a folder",
    save: "Save",
    lend: "Let {name} use a service of this computer?",
    lend_closed: "Programs of {name} reach {target} here, as “{service}”, until your conversation ends.",
    lend_hours: "Programs of {name} reach {target} here, as “{service}”, for {count} h, also in later conversations.",
    lend_days: "Programs of {name} reach {target} here, as “{service}”, for {count} d, also in later conversations.",
    lend_always: "Programs of {name} reach {target} here, as “{service}”, until you take it back.",
    lend_times: "Programs of {name} reach {target} here, as “{service}”, for {count} connection(s), also in later conversations.",
    lend_yes: "Let them use it",
    lend_no: "No",
};

const KOREAN: Words = Words {
    open: "hither 열기",
    seen_by: "내가 보이는 범위",
    everyone: "가까이 있는 모두",
    known: "만난 적 있는 기기만",
    nobody: "아무도",
    links_off: "내 링크 모두 무효로 하기",
    quit: "창과 이 아이콘 닫기",
    stop: "hither 멈추기: 아무것도 받지 않음",
    start: "hither 시작",
    alone: "가까이에 아무도 없음",
    near: "가까이 있는 기기: {}",
    questions: "답을 기다리는 요청: {}",
    stopped: "hither가 멈춰 있음",
    seen_as: "{}(으)로 보이고 있음",
    choose_files: "파일 고르기",
    choose_folder: "폴더 고르기",
    save: "저장하기",
    lend: "{name} 님이 이 컴퓨터의 서비스를 쓰게 할까요?",
    lend_closed: "대화가 끝날 때까지 {name} 님의 프로그램이 이 컴퓨터의 {target}에 “{service}”(으)로 연결합니다.",
    lend_hours: "{count}시간 동안 {name} 님의 프로그램이 이 컴퓨터의 {target}에 “{service}”(으)로 연결합니다. 이후의 대화에도 해당합니다.",
    lend_days: "{count}일 동안 {name} 님의 프로그램이 이 컴퓨터의 {target}에 “{service}”(으)로 연결합니다. 이후의 대화에도 해당합니다.",
    lend_always: "거둘 때까지 {name} 님의 프로그램이 이 컴퓨터의 {target}에 “{service}”(으)로 연결합니다.",
    lend_times: "{name} 님의 프로그램이 이 컴퓨터의 {target}에 “{service}”(으)로 {count}번 연결할 수 있습니다. 이후의 대화에도 해당합니다.",
    lend_yes: "쓰게 하기",
    lend_no: "아니요",
};

impl Words {
    /// The words for the first language that there are some for.
    pub fn of<'a>(languages: impl IntoIterator<Item = &'a str>) -> Self {
        let known = |language: &str| match language.split('-').next() {
            Some("en") => Some(ENGLISH),
            Some("ko") => Some(KOREAN),
            _ => None,
        };
        languages.into_iter().find_map(known).unwrap_or(ENGLISH)
    }
}

/// A text as a menu's label: an underscore would mark the key of the next letter.
pub fn label(text: &str) -> String {
    text::printable(text).replace('_', "__")
}

/// A text as a tooltip, which may be read as markup.
pub fn tooltip(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text::printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::{DisplayName, PeerId, row::MeRow};

    fn me(name: &str, visibility: Visibility) -> News {
        let name = DisplayName::new(name).ok();
        News::Me { me: MeRow { peer: PeerId::new([1; 32]), name, visibility, until: None } }
    }

    #[test]
    fn the_tray_says_as_whom_one_is_seen_and_nothing_when_hidden() {
        let words = Words::of(["en"]);
        let mut tray = Tray { there: true, ..Tray::default() };
        assert!(tray.hear(&me("Ana", Visibility::Everyone)));
        assert!(!tray.hear(&me("Ana", Visibility::Everyone)), "nothing new");
        assert_eq!(tray.seen_as(&words), "You are seen as Ana");
        tray.hear(&me("Ana", Visibility::Nobody));
        assert_eq!(tray.seen_as(&words), "");
        assert_eq!(tray.status(&words), "Nobody is near");
        tray.lose();
        assert_eq!(tray.status(&words), "hither is stopped");
    }

    #[test]
    fn the_first_language_with_words_is_spoken() {
        assert_eq!(Words::of(["de-DE", "ko-KR", "en"]).open, KOREAN.open);
        assert_eq!(Words::of(["de-DE"]).open, ENGLISH.open);
        assert_eq!(Words::of([]).open, ENGLISH.open);
    }

    #[test]
    fn m10_names_cannot_use_the_markup_of_menus_and_tooltips() {
        assert_eq!(label("a_b\u{202e}\n"), "a__b\\u{202e}\\u{a}");
        assert_eq!(tooltip("<b>&\u{1b}"), "&lt;b&gt;&amp;\\u{1b}");
    }
}
