//! The sentences of notifications, in English and Korean. Names and texts of others come in as they are and go out with
//! hidden characters escaped and cut to length. Pure.

use super::note::Button;
use hither_model::{
    row::QuestionKind,
    text::{printable, printable_lines, shortened},
};

/// Longest text of a person that is shown, characters.
const TEXT: usize = 200;
/// Most lines of it.
const LINES: usize = 4;
/// Longest name that is shown, characters.
const NAME: usize = 60;

/// In which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tongue {
    #[default]
    English,
    Korean,
}

/// A name that came from elsewhere, safe to show.
pub(crate) fn name(text: &str) -> String {
    shortened(&printable(text), NAME)
}

/// What a person wrote, safe to show: a few lines, and no empty ones that would push other notifications off the screen.
pub(crate) fn words(text: &str) -> String {
    let text = printable_lines(text);
    let mut lines = text.split('\n').map(|line| line.replace('\t', " ")).filter(|line| !line.trim().is_empty());
    let first: Vec<String> = lines.by_ref().take(LINES).collect();
    let more = if lines.next().is_some() { "…" } else { "" };
    shortened(&(first.join("\n") + more), TEXT)
}

/// A reason or a list of names, on one line, safe to show.
pub(crate) fn line(text: &str) -> String {
    shortened(&printable(text), TEXT)
}

/// A size for people.
fn size(bytes: u64) -> String {
    const STEPS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match STEPS.into_iter().find(|(step, _)| bytes >= *step) {
        Some((step, unit)) => format!("{}.{} {unit}", bytes / step, bytes % step * 10 / step),
        None => format!("{bytes} B"),
    }
}

/// Six digits in two groups, as they are read out.
fn grouped(code: &str) -> String {
    match code.split_at_checked(3) {
        Some((first, second)) if code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()) => {
            format!("{first} {second}")
        }
        _ => printable(code),
    }
}

impl Tongue {
    /// The language of a locale such as `ko_KR.UTF-8`.
    pub(crate) fn of(locale: &str) -> Self {
        let language = locale.split(['_', '.', '-', '@']).next();
        if language == Some("ko") { Self::Korean } else { Self::English }
    }

    /// The language of this process: the first of these variables that is not empty says it.
    pub(crate) fn here() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::of(&["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default())
    }

    fn pick(self, english: impl Into<String>, korean: impl Into<String>) -> String {
        match self {
            Self::English => english.into(),
            Self::Korean => korean.into(),
        }
    }

    pub(crate) fn button(self, button: Button) -> String {
        match button {
            Button::Open => self.pick("Open", "열기"),
            Button::Accept => self.pick("Accept", "수락"),
            Button::Decline => self.pick("Decline", "거절"),
            Button::Folder => self.pick("Show in folder", "폴더에서 보기"),
        }
    }

    pub(crate) fn invites(self, who: &str) -> String {
        let who = name(who);
        self.pick(format!("{who} wants to connect"), format!("{who} 님이 연결하려고 합니다"))
    }

    /// Under an invite of somebody met before.
    pub(crate) fn known(self, said: Option<&str>) -> String {
        let known = self.pick("You know this device; its key is proven.", "아는 기기이며 키가 확인되었습니다.");
        self.with_words(known, said)
    }

    /// Under an invite of somebody never met: the code comes first.
    pub(crate) fn code(self, code: &str, said: Option<&str>, window: bool) -> String {
        let code = grouped(code);
        let how = match window {
            true => self.pick(
                "Open it and compare the code with the other screen.",
                "열어서 상대 화면의 코드와 같은지 확인하세요.",
            ),
            false => self.pick(
                "Compare it with the other screen, then answer with `hither inbox`.",
                "상대 화면과 비교한 다음 `hither inbox`로 답하세요.",
            ),
        };
        self.with_words(format!("{}: {code}. {how}", self.pick("Code", "코드")), said)
    }

    /// Under an invite that can only be judged with its details.
    pub(crate) fn look_closely(self, said: Option<&str>) -> String {
        let closely = self.pick("Look at the details before you answer.", "답하기 전에 자세한 내용을 확인하세요.");
        self.with_words(closely, said)
    }

    fn with_words(self, text: String, said: Option<&str>) -> String {
        match said.map(words).filter(|said| !said.trim().is_empty()) {
            Some(said) => format!("{text}\n“{said}”"),
            None => text,
        }
    }

    /// What only the person with the card can do: `who` is the other device it is for.
    pub(crate) fn card(self, kind: QuestionKind, token: Option<&str>, who: &str) -> (String, String) {
        let summary = match kind {
            QuestionKind::InsertCard => self.pick("Insert your card", "카드를 꽂아 주세요"),
            QuestionKind::ChooseCertificate => self.pick("Which certificate?", "어느 인증서를 쓸까요?"),
            _ => self.pick("Your card needs its PIN", "카드의 PIN이 필요합니다"),
        };
        let whom =
            self.pick(format!("To be known to {}.", name(who)), format!("{} 님에게 신원을 밝힙니다.", name(who)));
        let body = match token.map(line).filter(|token| !token.trim().is_empty()) {
            Some(token) => format!("{token}\n{whom}"),
            None => whom,
        };
        (summary, body)
    }

    pub(crate) fn strangers(self, count: usize) -> (String, String) {
        (
            self.pick(format!("{count} devices want to connect"), format!("기기 {count}대가 연결하려고 합니다")),
            self.pick("None of them was met before.", "모두 처음 보는 기기입니다."),
        )
    }

    pub(crate) fn key_changed(self, who: &str) -> (String, String) {
        let who = name(who);
        (
            self.pick(format!("{who} shows another key"), format!("{who} 님의 키가 달라졌습니다")),
            self.pick(
                "It may be somebody else. Ask them in another way before you answer.",
                "다른 사람일 수 있습니다. 답하기 전에 다른 방법으로 확인하세요.",
            ),
        )
    }

    pub(crate) fn offers(self, who: &str, title: &str, items: u64, bytes: u64) -> (String, String) {
        let (who, title, size) = (name(who), line(title), size(bytes));
        (
            self.pick(format!("{who} offers files"), format!("{who} 님이 파일을 보내려고 합니다")),
            match self {
                Self::English if items == 1 => format!("{title} ({size})"),
                Self::English => format!("{title} ({items} items, {size})"),
                Self::Korean => format!("{title} (항목 {items}개, {size})"),
            },
        )
    }

    pub(crate) fn many_offers(self, count: usize) -> (String, String) {
        (
            self.pick(format!("{count} offers of files wait"), format!("파일 전송 제안 {count}개가 기다립니다")),
            String::new(),
        )
    }

    pub(crate) fn messages(self, who: &str, last: &str, count: usize) -> (String, String) {
        let who = name(who);
        let summary = if count > 1 { format!("{who} ({count})") } else { who };
        (summary, words(last))
    }

    pub(crate) fn received(self, who: &str, title: &str) -> (String, String) {
        (self.pick(format!("Received from {}", name(who)), format!("{} 님에게서 받음", name(who))), line(title))
    }

    pub(crate) fn sent(self, who: &str, title: &str) -> (String, String) {
        (self.pick(format!("Sent to {}", name(who)), format!("{} 님에게 보냄", name(who))), line(title))
    }

    pub(crate) fn failed(self, who: &str, title: &str, why: &str, inward: bool) -> (String, String) {
        let who = name(who);
        let summary = match inward {
            true => self.pick(
                format!("Not everything from {who} was received"),
                format!("{who} 님에게서 모두 받지 못했습니다"),
            ),
            false => {
                self.pick(format!("Not everything was sent to {who}"), format!("{who} 님에게 모두 보내지 못했습니다"))
            }
        };
        (summary, format!("{}\n{}", line(title), line(why)))
    }

    pub(crate) fn many_ended(self, count: usize) -> (String, String) {
        (self.pick(format!("{count} transfers have ended"), format!("전송 {count}개가 끝났습니다")), String::new())
    }

    /// Something of the outbox did not go.
    pub(crate) fn not_posted(self, who: &str, title: &str, why: &str) -> (String, String) {
        let who = name(who);
        let summary = self.pick(format!("Not sent to {who}"), format!("{who} 님에게 보내지 못했습니다"));
        let why = line(why);
        (summary, if why.is_empty() { line(title) } else { format!("{}\n{why}", line(title)) })
    }

    /// Something of the outbox waited until its time was over.
    pub(crate) fn never_seen(self, who: &str, title: &str) -> (String, String) {
        let who = name(who);
        let summary = self.pick(format!("{who} was not seen in time"), format!("{who} 님이 제때 보이지 않았습니다"));
        (summary, line(title))
    }

    pub(crate) fn many_posted(self, count: usize) -> (String, String) {
        let summary =
            self.pick(format!("News of {count} things to be sent"), format!("보낼 항목 {count}개에 소식이 있습니다"));
        (summary, String::new())
    }

    pub(crate) fn alarm(self, message: &str, count: usize) -> (String, String) {
        let warning = self.pick("hither warns you", "hither 경고");
        let summary = if count > 1 { format!("{warning} ({count})") } else { warning };
        (summary, line(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m10_words_of_others_are_cut_and_show_their_hidden_characters() {
        let hostile = format!("\u{202e}exe.{}\u{0}\u{1b}[2J", "한".repeat(10_000));
        for shown in [name(&hostile), line(&hostile), words(&hostile)] {
            assert!(shown.chars().count() <= TEXT && !shown.chars().any(hither_model::text::is_hidden), "{shown}");
        }
        let (summary, body) = Tongue::English.messages("Ana\u{200b}", "two\nlines \u{202e}", 3);
        assert_eq!((summary.as_str(), body.as_str()), ("Ana\\u{200b} (3)", "two\nlines \\u{202e}"));
    }

    #[test]
    fn g4_many_lines_of_a_message_are_a_few_and_empty_ones_none() {
        assert_eq!(words("\n\n a\tb \r\n\n\n\u{3164}\nc"), " a b \\u{d}\n\\u{3164}\nc");
        assert_eq!(words(&"line\n".repeat(5_000)), "line\nline\nline\nline…");
        assert_eq!(words(&"\n".repeat(60_000)), "");
    }

    #[test]
    fn the_language_follows_the_locale() {
        assert_eq!(Tongue::of("ko_KR.UTF-8"), Tongue::Korean);
        for other in ["", "C", "en_GB.UTF-8", "kok_IN", "한"] {
            assert_eq!(Tongue::of(other), Tongue::English, "{other}");
        }
        assert_eq!(Tongue::Korean.button(Button::Accept), "수락");
    }

    #[test]
    fn sizes_and_codes_read_well() {
        assert_eq!(
            (size(999), size(1536), size(u64::MAX).as_str()),
            ("999 B".into(), "1.5 KiB".into(), "16777215.9 TiB")
        );
        assert_eq!((grouped("123456").as_str(), grouped("한글").as_str()), ("123 456", "한글"));
    }
}
