//! Finding what is on the screen as a person (or a screen reader) does: by role and name, as the browser computes both.
//! A script narrows down what may be meant; the browser has the last word. Waiting asks again until it is so, with a
//! deadline.

use super::{
    App, Element,
    driver::{Refusal, Session},
};
use serde_json::json;
use std::{
    fmt,
    time::{Duration, Instant},
};

/// How long something on the screen may take. Generous: two windows on a busy machine; a pass is never slower for it.
pub const PATIENCE: Duration = Duration::from_secs(45);

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none in time.
pub(super) fn until<T>(what: &str, within: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = condition() {
            return answer;
        }
        assert!(began.elapsed() < within, "no {what} within {within:?}");
        std::thread::park_timeout(Duration::from_millis(40));
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The role, as ARIA names it.
    pub role: &'a str,
    /// The name, or a part of it.
    pub name: &'a str,
    /// Whether the name is all of it.
    pub whole: bool,
}

impl<'a> Wanted<'a> {
    /// Of this role with exactly this name.
    pub fn of(role: &'a str, name: &'a str) -> Self {
        Self { role, name, whole: true }
    }

    /// Of this role with these words somewhere in its name.
    pub fn with(role: &'a str, name: &'a str) -> Self {
        Self { role, name, whole: false }
    }

    fn fits(&self, label: &str) -> bool {
        let (label, name) = (plain(label), plain(self.name));
        if self.whole { label == name } else { label.contains(&name) }
    }
}

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.role, self.name)
    }
}

/// Text with its spaces folded and without marks of direction, which nobody sees.
fn plain(text: &str) -> String {
    let seen: String =
        text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Elements that may have a role, visible, and not behind an open dialog; nearest to the wanted name first. The names
/// here are rough: whoever asked compares what the browser computes.
const CANDIDATES: &str = r#"
const [role, name] = arguments;
const usual = {
  button: "button, summary, input[type=button], input[type=submit]", textbox: "input, textarea", searchbox: "input",
  link: "a[href]", heading: "h1,h2,h3,h4,h5,h6", dialog: "dialog", alertdialog: "dialog", list: "ul,ol",
  listitem: "li", checkbox: "input[type=checkbox]", switch: "input[type=checkbox]", radio: "input[type=radio]",
  progressbar: "progress", navigation: "nav", main: "main", img: "img, svg", table: "table", row: "tr",
  combobox: "select", status: "output", article: "article", region: "section", form: "form",
};
const css = [usual[role], `[role=${role}]`].filter(Boolean).join(",");
const modals = [...document.querySelectorAll("dialog:modal")];
const root = modals.at(-1) ?? document;
const fold = (text) => (text ?? "").replace(/[\u2066-\u2069\u200e\u200f]/g, "").replace(/\s+/g, " ").trim();
const rough = (e) => fold([
  e.getAttribute("aria-label"),
  ...(e.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean).map((id) => document.getElementById(id)?.textContent),
  ...[...(e.labels ?? [])].map((label) => label.textContent),
  e.innerText, e.title, e.placeholder, e.alt,
].join(" "));
const inside = (modals.at(-1)?.matches(css) ? [modals.at(-1)] : []).concat([...root.querySelectorAll(css)]);
return inside
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && (!name || rough(e).includes(fold(name))))
  .map((e) => [rough(e).length, e]).sort((a, b) => a[0] - b[0]).slice(0, 20).map(([, e]) => e);
"#;

/// What the browser says an element is.
fn computed(session: &Session, element: &Element) -> Result<(String, String), Refusal> {
    let said = |what: &str| session.get(&format!("/element/{}/computed{what}", element.0));
    let text = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    // ARIA 1.3 has two words for one role; the older one is in use here.
    let role = text(said("role")?).replace("image", "img");
    Ok((role, text(said("label")?)))
}

fn all(session: &Session, wanted: Wanted<'_>) -> Result<Vec<Element>, Refusal> {
    let mut found = Vec::new();
    for element in session.elements_by(CANDIDATES, &json!([wanted.role, wanted.name]))? {
        let (role, label) = computed(session, &element)?;
        if role == wanted.role && wanted.fits(&label) {
            found.push(element);
        }
    }
    Ok(found)
}

impl App {
    /// The elements that are wanted and there now; none while the page changes under the question.
    pub fn there(&self, wanted: Wanted<'_>) -> Vec<Element> {
        all(self.session(), wanted).unwrap_or_default()
    }

    /// Waits for an element.
    ///
    /// # Panics
    /// When it does not come; the message says what there is of that role.
    pub fn find(&self, wanted: Wanted<'_>) -> Element {
        let began = Instant::now();
        loop {
            if let Some(element) = self.there(wanted).into_iter().next() {
                return element;
            }
            if began.elapsed() >= PATIENCE {
                panic!("{}: no {wanted}; there is: {}", self.seat.title, self.named(wanted.role).join(" | "));
            }
            std::thread::park_timeout(Duration::from_millis(40));
        }
    }

    /// Waits until there is none any more.
    ///
    /// # Panics
    /// When it stays.
    pub fn vanishes(&self, wanted: Wanted<'_>) {
        self.until(&format!("end of the {wanted}"), || self.there(wanted).is_empty().then_some(()));
    }

    /// The names of all of a role.
    pub fn named(&self, role: &str) -> Vec<String> {
        let session = self.session();
        let elements = session.elements_by(CANDIDATES, &json!([role, ""])).unwrap_or_default();
        let computed = elements.iter().filter_map(|element| computed(session, element).ok());
        computed.filter(|(is, _)| is == role).map(|(_, label)| plain(&label)).collect()
    }

    /// Presses something, once it is there and can be pressed. What is under another thing, or asleep as questions are
    /// for half a second after they appear, is tried again.
    ///
    /// # Panics
    /// When it cannot be pressed in time.
    pub fn press(&self, wanted: Wanted<'_>) {
        let mut last = None;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let element = self.find(wanted);
            match self.press_now(&element) {
                Ok(true) => return,
                Ok(false) => last = None,
                Err(why) => last = Some(why),
            }
            std::thread::park_timeout(Duration::from_millis(40));
        }
        panic!("{}: the {wanted} could not be pressed: {last:?}", self.seat.title);
    }

    /// Presses a button of this name.
    ///
    /// # Panics
    /// When it cannot be pressed in time.
    pub fn press_button(&self, name: &str) {
        self.press(Wanted::of("button", name));
    }

    /// Opens folded details, whose summaries have no role to be found by.
    ///
    /// # Panics
    /// When there are none of this name.
    pub fn unfold(&self, name: &str) {
        let script = "return [...document.querySelectorAll('details:not([open]) > summary')]\
            .filter((one) => one.innerText.trim() === arguments[0] && one.checkVisibility())";
        let fold = self.until(&format!("details {name:?}"), || {
            self.session().elements_by(script, &json!([name])).ok()?.into_iter().next()
        });
        self.click(&fold);
    }

    /// Presses an element.
    ///
    /// # Panics
    /// When the driver refuses.
    pub fn click(&self, element: &Element) {
        let pressed = self.session().post(&format!("/element/{}/click", element.0), json!({}));
        pressed.unwrap_or_else(|why| panic!("{}: pressing: {why}", self.seat.title));
    }

    fn press_now(&self, element: &Element) -> Result<bool, Refusal> {
        let session = self.session();
        let awake = "return !arguments[0].disabled && arguments[0].getAttribute('aria-disabled') !== 'true'";
        if session.run(awake, &json!([element.argument()]))? != json!(true) {
            return Ok(false);
        }
        session.post(&format!("/element/{}/click", element.0), json!({})).map(|_| true)
    }

    /// Types into a field, after what is there.
    ///
    /// # Panics
    /// When the driver refuses.
    pub fn type_into(&self, wanted: Wanted<'_>, text: &str) {
        let element = self.find(wanted);
        self.keys_to(&element, text);
    }

    /// Types with the focus on an element. The keys of W3C WebDriver (U+E000 and up) may be among the text.
    ///
    /// # Panics
    /// When the driver refuses.
    pub fn keys_to(&self, element: &Element, text: &str) {
        let typed = self.session().post(&format!("/element/{}/value", element.0), json!({"text": text}));
        typed.unwrap_or_else(|why| panic!("{}: typing: {why}", self.seat.title));
    }

    /// The text of an element as it is shown.
    ///
    /// # Panics
    /// When the element is gone.
    pub fn shown(&self, element: &Element) -> String {
        let text = self.session().get(&format!("/element/{}/text", element.0));
        let text = text.unwrap_or_else(|why| panic!("{}: {why}", self.seat.title));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The whole text of the page as it is shown.
    pub fn text(&self) -> String {
        let text = self.session().run("return document.body.innerText", &json!([]));
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until these words are on the screen.
    ///
    /// # Panics
    /// When they do not come; the message holds what is there.
    pub fn reads(&self, words: &str) {
        let began = Instant::now();
        // Where a line breaks is the page's business.
        let squeezed = |text: &str| plain(text).replace(' ', "");
        while !squeezed(&self.text()).contains(&squeezed(words)) {
            assert!(
                began.elapsed() < PATIENCE,
                "{}: {words:?} is not shown; there is:\n{}",
                self.seat.title,
                self.text()
            );
            std::thread::park_timeout(Duration::from_millis(40));
        }
    }

    /// All elements a CSS selector matches, for what has neither role nor name.
    pub fn all(&self, css: &str) -> Vec<Element> {
        self.session().all(css).unwrap_or_default()
    }

    /// The address of the view that is shown, behind `#`.
    pub fn view(&self) -> String {
        self.run("return location.hash", &json!([])).as_str().unwrap_or_default().trim_start_matches('#').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_they_are_seen() {
        assert!(Wanted::of("button", "Invite Ben").fits("Invite \u{2068}Ben\u{2069} "));
        assert!(!Wanted::of("button", "Invite").fits("Invite Ben"));
        assert!(Wanted::with("button", "Invite").fits("Invite\nBen"));
    }
}
