//! Invite links as QR codes: on the terminal, or in a file. The code holds the same bytes as the link in upper-case
//! base32, which QR packs tighter. Files are readable by this user only: the link is a secret.

use crate::halt::Halt;
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use hither_model::{ErrorCode, Failure, ask::LinkText};
use qrcode::{
    EcLevel, QrCode,
    render::{svg, unicode::Dense1x2},
};
use std::{
    fs::OpenOptions,
    io::{Cursor, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The code as lines of half blocks.
pub(crate) fn terminal(link: &LinkText) -> Result<String, Halt> {
    let code = code(link)?;
    // Dark on light whatever the terminal's colours: the blocks are the light parts.
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

/// Writes the code to a new file; its name says whether as PNG or as SVG.
pub(crate) fn file(link: &LinkText, path: &Path) -> Result<(), Halt> {
    let kind = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let bytes = match kind.as_str() {
        "svg" => code(link)?.render::<svg::Color<'_>>().min_dimensions(256, 256).build().into_bytes(),
        "png" => png(&code(link)?)?,
        _ => return Err(Failure::new(ErrorCode::Misuse, "a QR file ends in .png or .svg").into()),
    };
    let failed = |e: std::io::Error| {
        Failure::new(ErrorCode::StorageFailed, format!("{}: {e}", path.display())).hint("choose a name that is free")
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    Ok(file.write_all(&bytes).map_err(failed)?)
}

fn png(code: &QrCode) -> Result<Vec<u8>, Failure> {
    let picture = code.render::<image::Luma<u8>>().min_dimensions(512, 512).build();
    let mut out = Cursor::new(Vec::new());
    picture
        .write_to(&mut out, image::ImageFormat::Png)
        .map_err(|e| Failure::new(ErrorCode::Internal, format!("the picture cannot be made: {e}")))?;
    Ok(out.into_inner())
}

fn code(link: &LinkText) -> Result<QrCode, Failure> {
    let text = dense(&link.0).unwrap_or_else(|| link.0.clone());
    QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M)
        .map_err(|_| Failure::new(ErrorCode::TooLarge, "the link does not fit into a QR code"))
}

/// The same link in the form for QR codes.
fn dense(link: &str) -> Option<String> {
    let (head, secret) = link.split_once('#')?;
    let bytes = BASE64URL_NOPAD.decode(secret.as_bytes()).ok()?;
    Some(format!("{}#{}", head.to_uppercase(), BASE32_NOPAD.encode(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn link() -> LinkText {
        LinkText(format!("hither://i/1#{}", BASE64URL_NOPAD.encode(&[7; 61])))
    }

    #[test]
    fn the_code_holds_the_links_bytes_in_upper_case() {
        let text = dense(&link().0).unwrap();
        let secret = text.strip_prefix("HITHER://I/1#").unwrap();
        assert_eq!(BASE32_NOPAD.decode(secret.as_bytes()).unwrap(), [7; 61]);
    }

    #[test]
    fn files_are_for_this_user_only_and_nothing_is_overwritten() {
        let top = tempfile::tempdir().unwrap();
        for (name, begins) in [("a.png", &b"\x89PNG"[..]), ("b.SVG", b"<?xml")] {
            let path = top.path().join(name);
            file(&link(), &path).unwrap();
            assert!(std::fs::read(&path).unwrap().starts_with(begins), "{name}");
            assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
            assert!(file(&link(), &path).is_err(), "{name} was overwritten");
        }
        assert!(file(&link(), &top.path().join("c.jpg")).is_err());
    }

    #[test]
    fn the_terminal_form_has_no_escapes() {
        let text = terminal(&link()).unwrap();
        assert!(text.lines().count() > 10 && !text.contains('\u{1b}'));
    }
}
