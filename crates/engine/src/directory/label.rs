//! Made-up names for devices that show none: "violet heron". Drawn from the advert's random bits, so that both the row
//! and a person can refer to it until the advert changes.

use hither_model::InstanceId;

const COLOURS: [&str; 16] = [
    "amber", "azure", "coral", "crimson", "golden", "green", "indigo", "ivory", "lilac", "ochre", "olive", "rose",
    "scarlet", "silver", "teal", "violet",
];
const BIRDS: [&str; 16] = [
    "crane", "dove", "eagle", "finch", "gull", "heron", "ibis", "jay", "kite", "lark", "magpie", "owl", "plover",
    "robin", "swan", "wren",
];

/// The label of an advert.
pub(super) fn of(instance: Option<InstanceId>) -> String {
    let Some(instance) = instance else { return "unnamed device".into() };
    let [first, second, ..] = instance.as_bytes();
    let colour = COLOURS.get(usize::from(first % 16)).copied().unwrap_or_default();
    let bird = BIRDS.get(usize::from(second % 16)).copied().unwrap_or_default();
    format!("{colour} {bird}")
}
