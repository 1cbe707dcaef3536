//! Who somebody is by a certificate, in words. It always says by whom, and stands apart from the name they chose: a line
//! or a column of its own, so that no chosen name can look like it.

use hither_model::{row::CertifiedRow, text::printable};

const NOBODY: &str = "a certificate nobody trusted here vouches for";

/// Who it is, and who says so. A certificate that nobody vouches for proves no name, so none is shown.
pub(crate) fn words(row: &CertifiedRow) -> String {
    let text = match (&row.authority, &row.organisation) {
        (None, _) => NOBODY.to_owned(),
        (Some(authority), Some(of)) => format!("{} ({of}), certified by {authority}", row.name),
        (Some(authority), None) => format!("{}, certified by {authority}", row.name),
    };
    printable(&text)
}

/// The same for a column: empty where no certificate was shown.
pub(crate) fn cell(row: Option<&CertifiedRow>) -> String {
    row.map(words).unwrap_or_default()
}

/// The same, and why nobody vouches for it.
pub(crate) fn sentence(row: &CertifiedRow) -> String {
    match (&row.authority, &row.unvouched) {
        (None, Some(why)) => printable(&format!("{NOBODY}: {why}")),
        _ => words(row),
    }
}

/// Everything that the certificate says, with the names of the facts.
pub(crate) fn facts(row: &CertifiedRow) -> Vec<(&'static str, String)> {
    let mut all = vec![("certified", sentence(row))];
    if let (Some(email), Some(_)) = (&row.email, &row.authority) {
        all.push(("certified mail", email.clone()));
    }
    all.extend([
        ("subject", row.subject.clone()),
        ("issuer", row.issuer.clone()),
        ("valid until", row.not_after.clone()),
        ("certificate", row.sha256.clone()),
    ]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::PeerId;

    #[test]
    fn a_name_is_only_said_together_with_who_certifies_it() {
        let mut row = CertifiedRow {
            name: "Kim Min-ji\u{202e}".into(),
            organisation: None,
            email: Some("kim@lab.example".into()),
            subject: "CN=Kim Min-ji".into(),
            issuer: "CN=Lab Authority".into(),
            not_after: "2030-01-01T00:00:00Z".into(),
            sha256: "ab".into(),
            fingerprint: PeerId::new([1; 32]),
            authority: Some("Lab Authority".into()),
            unvouched: None,
        };
        assert_eq!(words(&row), "Kim Min-ji\\u{202e}, certified by Lab Authority");
        row.organisation = Some("Lab".into());
        assert_eq!(words(&row), "Kim Min-ji\\u{202e} (Lab), certified by Lab Authority");
        assert!(facts(&row).contains(&("certified mail", "kim@lab.example".into())));
        row.authority = None;
        row.unvouched = Some("it has expired".into());
        assert_eq!([words(&row), sentence(&row)], [NOBODY.to_owned(), format!("{NOBODY}: it has expired")]);
        assert!(!facts(&row).iter().any(|(name, _)| *name == "certified mail"));
    }
}
