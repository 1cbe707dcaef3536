//! Walks a frame's JSON once before it is given a shape: no key twice in one object, no deep nesting, one value only.
//! (A derived reader would notice a repeated field that it knows, but not one it ignores.)

use super::{FrameFault, MAX_DEPTH};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::{cell::Cell, collections::BTreeSet, fmt};

/// What can be said of a frame before its kind is known.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The field `t` of the outermost object, if it is a text.
    pub(super) kind: Option<String>,
    /// Whether the outermost object says `"optional": true`.
    pub(super) optional: bool,
}

/// The outline, if the text is one well-behaved JSON value.
pub(super) fn outline(text: &str) -> Result<Outline, FrameFault> {
    let why = Cell::new(FrameFault::NotJson);
    let mut json = serde_json::Deserializer::from_str(text);
    let seen = Walk { depth: 0, why: &why }.deserialize(&mut json).map_err(|_| why.get())?;
    json.end().map_err(|_| FrameFault::NotJson)?;
    Ok(match seen {
        Seen::Object(outline) => outline,
        Seen::Text(_) | Seen::True | Seen::Other => Outline::default(),
    })
}

enum Seen {
    Object(Outline),
    Text(String),
    True,
    Other,
}

struct Walk<'a> {
    depth: usize,
    why: &'a Cell<FrameFault>,
}

impl<'a> Walk<'a> {
    fn deeper<E: Error>(&self) -> Result<Walk<'a>, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.refuse(FrameFault::TooDeep));
        }
        Ok(Walk { depth: self.depth + 1, why: self.why })
    }

    fn refuse<E: Error>(&self, fault: FrameFault) -> E {
        self.why.set(fault);
        E::custom(fault)
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Seen, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Seen, E> {
        Ok(if value { Seen::True } else { Seen::Other })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Seen, E> {
        // Only the kind of the outermost object is of interest, and kinds are short.
        Ok(if self.depth == 1 && text.len() <= 64 { Seen::Text(text.to_owned()) } else { Seen::Other })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Seen, A::Error> {
        while seq.next_element_seed(self.deeper()?)?.is_some() {}
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        let mut keys = BTreeSet::new();
        let mut outline = Outline::default();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.deeper()?)?;
            match (key.as_str(), value) {
                ("t", Seen::Text(kind)) => outline.kind = Some(kind),
                ("optional", Seen::True) => outline.optional = true,
                _ => {}
            }
            if !keys.insert(key) {
                return Err(self.refuse(FrameFault::Duplicate));
            }
        }
        Ok(Seen::Object(outline))
    }
}
