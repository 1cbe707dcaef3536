//! `hither open`: redeem an invite link. Also what the system calls for `hither://` links, so that a link that was
//! merely clicked, or opened by a program that looks ahead, does nothing before a person says yes.

use super::invite::Inviting;
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    prompt,
};
use clap::Args;
use hither_model::{Answer, Ask, ErrorCode, Failure, ask::LinkText};
use std::fmt;

/// Redeem an invite link.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither open -     (then paste the link, or pipe it in)")]
pub(crate) struct Open {
    /// The link; `-` or nothing: read it from standard input, so that it is not among the arguments
    #[arg(value_name = "URL")]
    link: Option<Typed>,
    /// Redeem it without asking
    #[arg(long)]
    yes: bool,
    /// Say yes to the question whether the codes are the same
    #[arg(long)]
    yes_code: bool,
    /// Be known by this certificate: its id, `local` for the device's own key, or `ask`
    #[arg(long, value_name = "ID|local|ask")]
    identity: Option<String>,
}

/// A link as it was typed; never shown.
#[derive(Clone)]
struct Typed(String);

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

impl From<String> for Typed {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Open {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let (link, handed) = match self.link {
            Some(Typed(link)) if link != "-" => {
                desk.screen.aside(
                    "note: other users can see the arguments of a command; `hither open -` keeps the link to yourself",
                )?;
                (link, false)
            }
            _ => {
                let read = prompt::secret(desk, "Paste the invite link (it is not shown): ");
                let link = tokio::select! {
                    () = desk.interrupted() => return Err(Halt::Interrupted),
                    link = read => link?,
                };
                (link.trim().to_owned(), true)
            }
        };
        if !link.get(..9).is_some_and(|scheme| scheme.eq_ignore_ascii_case("hither://")) {
            return Err(Failure::new(ErrorCode::Misuse, "that is not an invite link")
                .hint("an invite link begins with hither://i/1#")
                .into());
        }
        if !self.yes {
            agree(desk, handed).await?;
        }
        let mut client = desk.unless_interrupted(desk.client()).await?;
        let news = desk.unless_interrupted(client.news()).await?;
        let ask = Ask::OpenLink { url: LinkText(link), identity: self.identity };
        let answer = desk.unless_interrupted(client.ask(ask)).await?;
        let Answer::Inviting { invite } = answer else { return Err(unexpected()) };
        let name = "the device that made the link".to_owned();
        Inviting::new(desk, client, invite, name, self.yes_code).follow(news).await
    }
}

/// The person says yes before the link is used. A link that was handed over on standard input by a script is a yes; one
/// that the system passed as an argument, with nobody to ask, is not.
async fn agree(desk: &Desk<'_>, handed: bool) -> Result<(), Halt> {
    if !prompt::attended() {
        return if handed {
            Ok(())
        } else {
            Err(Failure::new(ErrorCode::AccessDenied, "nobody is here to say yes to this link")
                .hint("run `hither open` in a terminal, or add --yes")
                .into())
        };
    }
    let question = "Connect to the device that made this link, and show it your name?";
    let yes = tokio::select! {
        () = desk.interrupted() => return Err(Halt::Interrupted),
        yes = prompt::yes(desk, question) => yes?,
    };
    if yes {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::Canceled, "the link was not used; it stays good until it expires").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_never_shown_by_debug() {
        let open =
            Open { link: Some(Typed("hither://i/1#secret".into())), yes: false, yes_code: false, identity: None };
        assert!(!format!("{open:?}").contains("secret"));
    }
}
