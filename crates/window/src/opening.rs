//! Which received files may be opened by a click. Only kinds that programs show and do not run; anything else is shown
//! in its folder, where the person decides with the file manager's own warnings.

use std::path::Path;

/// Endings of files that may be opened. No HTML or SVG (they carry script), no archives, no disk images, no office
/// files with macros.
const SHOWN: &[&str] = &[
    "avif", "bmp", "gif", "heic", "heif", "jpeg", "jpg", "jxl", "png", "tif", "tiff", "webp", // pictures
    "aac", "flac", "m4a", "mid", "mp3", "oga", "ogg", "opus", "wav", "wma", // sound
    "avi", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ogv", "webm", "wmv", // film
    "csv", "json", "log", "md", "toml", "tsv", "txt", "vcf", "ics", "yaml", "yml", // text
    "djvu", "docx", "epub", "hwpx", "odp", "ods", "odt", "pdf", "pptx", "rtf", "xlsx", // documents
];

/// Whether a file of this name may be opened. `runnable` says that the file system lets it be run.
pub fn may_open(path: &Path, runnable: bool) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    !runnable && ending.is_some_and(|ending| SHOWN.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_documents_open_and_what_could_run_does_not() {
        for good in ["a.jpg", "A.JPG", "/x/y.z/report.pdf", "한국어.txt"] {
            assert!(may_open(Path::new(good), false), "{good}");
            assert!(!may_open(Path::new(good), true), "{good} may be run");
        }
        for bad in [
            "a",
            "a.",
            ".jpg",
            "a.desktop",
            "a.sh",
            "a.py",
            "a.exe",
            "a.jar",
            "a.AppImage",
            "a.html",
            "a.svg",
            "a.deb",
            "a.docm",
            "a.jpg.sh",
            "a.jpg ",
            "a.url",
            "a.lnk",
            "a.iso",
            "a.zip",
        ] {
            assert!(!may_open(Path::new(bad), false), "{bad} would be opened");
        }
    }
}
