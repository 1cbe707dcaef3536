//! Comparing the six digits, the same for both sides.

use crate::{desk::Desk, halt::Halt, prompt, words};
use hither_model::{ErrorCode, Failure, text};

/// Shows the code and asks the person to compare it; `sure` answers yes for them.
pub(crate) async fn compare(desk: &Desk<'_>, name: &str, code: &str, sure: bool) -> Result<bool, Halt> {
    let paint = desk.screen.paint_error();
    let shown = format!("Code with {}: {}", text::printable(name), paint.bold(&words::code(code)));
    if sure {
        desk.screen.remark(&shown)?;
        return Ok(true);
    }
    desk.screen.aside(&shown)?;
    prompt::yes(desk, "Does the other screen show the same code?").await
}

/// What a code that was not the same means.
pub(crate) fn differ() -> Failure {
    Failure::new(ErrorCode::CertificateRefused, "the codes were not confirmed to be the same; nothing was stored")
        .hint("if they differed, somebody may be in between: meet in person and use an invite link or its QR code")
}
