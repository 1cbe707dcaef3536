//! The answer to a challenge: Digest where it is offered (SHA-256 before MD5), else Basic.

use super::{Challenge, PasswordCredential};
use data_encoding::{BASE64, HEXLOWER};
use md5::Md5;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What is asked for, as the digest needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    /// Chosen by us, fresh each time; hexadecimal.
    pub(crate) nonce: &'a str,
}

/// The value of the `Authorization` or `Proxy-Authorization` header; `None` if no scheme offered is known here.
pub(crate) fn authorization(
    offered: &[Challenge],
    credential: &PasswordCredential,
    asked: Asked<'_>,
) -> Option<Zeroizing<String>> {
    let mut digests: Vec<_> = offered.iter().filter_map(|challenge| Some((algorithm(challenge)?, challenge))).collect();
    digests.sort_by_key(|(algorithm, _)| *algorithm != Algorithm::Sha256);
    if let Some(answer) = digests.into_iter().find_map(|(algorithm, c)| digest(algorithm, c, credential, asked)) {
        return Some(answer);
    }
    offered.iter().any(|challenge| challenge.scheme == "basic").then(|| {
        let pair = Zeroizing::new(format!("{}:{}", credential.user(), credential.secret()));
        Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

fn algorithm(challenge: &Challenge) -> Option<Algorithm> {
    if challenge.scheme != "digest" {
        return None;
    }
    match challenge.value("algorithm").map(str::to_ascii_lowercase).as_deref() {
        None | Some("md5") => Some(Algorithm::Md5),
        Some("sha-256") => Some(Algorithm::Sha256),
        Some(_) => None,
    }
}

fn hash(algorithm: Algorithm, text: &str) -> String {
    match algorithm {
        Algorithm::Md5 => HEXLOWER.encode(&Md5::digest(text.as_bytes())),
        Algorithm::Sha256 => HEXLOWER.encode(&Sha256::digest(text.as_bytes())),
    }
}

/// RFC 7616 section 3.4, with `qop=auth`, or without where the challenge has none (RFC 2069).
fn digest(
    algorithm: Algorithm,
    challenge: &Challenge,
    credential: &PasswordCredential,
    asked: Asked<'_>,
) -> Option<Zeroizing<String>> {
    let (realm, nonce) = (challenge.value("realm")?, challenge.value("nonce")?);
    // What is put between quotes must not end them, nor the line.
    let all = [Some(realm), Some(nonce), challenge.value("opaque"), Some(credential.user()), Some(asked.uri)];
    if all.into_iter().flatten().any(|text| text.chars().any(|c| c.is_control() || c == '"' || c == '\\')) {
        return None;
    }
    let first = Zeroizing::new(format!("{}:{realm}:{}", credential.user(), credential.secret()));
    let first = Zeroizing::new(hash(algorithm, &first));
    let second = hash(algorithm, &format!("{}:{}", asked.method, asked.uri));
    let qop = challenge.value("qop").map(|list| list.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")));
    let (response, tail) = match qop {
        Some(true) => {
            let text = Zeroizing::new(format!("{}:{nonce}:00000001:{}:auth:{second}", *first, asked.nonce));
            (hash(algorithm, &text), format!(", qop=auth, nc=00000001, cnonce=\"{}\"", asked.nonce))
        }
        Some(false) => return None,
        None => {
            let text = Zeroizing::new(format!("{}:{nonce}:{second}", *first));
            (hash(algorithm, &text), String::new())
        }
    };
    let name = if algorithm == Algorithm::Md5 { "MD5" } else { "SHA-256" };
    let opaque = challenge.value("opaque").map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
    Some(Zeroizing::new(format!(
        "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{}\", algorithm={name}, response=\"{response}\"{opaque}{tail}",
        credential.user(),
        asked.uri,
    )))
}

#[cfg(test)]
mod tests {
    use super::{super::challenges, *};

    const EXAMPLE: &str = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=ALG,
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;

    fn answer(header: &str) -> Option<Zeroizing<String>> {
        let secret = Zeroizing::new("Circle of Life".to_owned());
        let credential = PasswordCredential::new("h:1", "Mufasa", secret).unwrap();
        let nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        authorization(&challenges(header), &credential, Asked { method: "GET", uri: "/dir/index.html", nonce })
    }

    #[test]
    fn r6_2_the_examples_of_the_standard_come_out() {
        let md5 = answer(&EXAMPLE.replace("ALG", "MD5")).unwrap();
        assert!(md5.contains(r#"response="8ca523f5e9506fed4657c9700eebdbec""#), "{}", *md5);
        let sha = answer(&EXAMPLE.replace("ALG", "SHA-256")).unwrap();
        assert!(sha.contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"), "{}", *sha);
        assert_eq!(*answer("Basic realm=x").unwrap(), "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl");
    }

    #[test]
    fn the_stronger_scheme_is_chosen_and_unknown_ones_are_none() {
        let both = format!("Basic realm=x, {}, {}", EXAMPLE.replace("ALG", "MD5"), EXAMPLE.replace("ALG", "SHA-256"));
        assert!(answer(&both).unwrap().contains("SHA-256"));
        assert!(answer("Negotiate, NTLM").is_none());
        assert!(answer(r#"Digest realm="a\"b", nonce="x""#).is_none(), "a quote in a realm would end ours");
    }
}
