//! How near a radio is, from how strongly it is received. Pure.
//!
//! Single values jump by ten decibels when somebody turns round, so they are filtered: the median of the last five, then
//! an exponential average of the medians with weight 0.4. What is older than 45 seconds is forgotten. The distance
//! follows from the log-distance model with exponent 2.5 (rooms with furniture and people) and the power the sender's
//! card states for one metre: it is wrong by a factor of [`ERROR_FACTOR`] either way as a rule, by more when a body is in
//! between. So people are told one of three words, and a word is left only at 4 dB below where it was entered.
//!
//! Radio can be relayed and its power lied about: nearness is a convenience, never a proof.

use hither_model::Nearness;
use std::collections::VecDeque;

/// The true distance is as a rule between the estimate divided by this and the estimate times this.
pub const ERROR_FACTOR: f32 = 2.0;
/// The exponent of the log-distance model.
pub const EXPONENT: f32 = 2.5;
/// How many values the median is taken of.
pub const SPAN: usize = 5;
/// After a silence of so many milliseconds, earlier values count no more.
pub const STALE: u64 = 45_000;

/// Decibels above what is received at one metre from which on it is half a metre, and five metres.
const TOUCHING_FROM: f32 = 7.5;
const NEAR_FROM: f32 = -17.5;
const HYSTERESIS: f32 = 4.0;
const WEIGHT: f32 = 0.4;
/// What a receiver can report (Core specification, vol. 4 part E, 7.7.65.2); 127 says that it does not know.
const POSSIBLE: std::ops::RangeInclusive<i16> = -127..=20;

/// How near something is, by estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// In a word.
    pub nearness: Nearness,
    /// In metres, 0.1 to 100; wrong by [`ERROR_FACTOR`] either way.
    pub metres: f32,
}

/// How strongly one sender is received.
#[derive(Debug, Clone, Default)]
pub struct Strength {
    last: VecDeque<i16>,
    smooth: Option<f32>,
    heard: u64,
    word: Option<Nearness>,
}

impl Strength {
    /// A value was received at `now` (milliseconds), in dBm. Impossible ones are not counted.
    pub fn hear(&mut self, now: u64, rssi: i16) {
        if !POSSIBLE.contains(&rssi) {
            return;
        }
        if now.saturating_sub(self.heard) > STALE {
            *self = Self::default();
        }
        self.heard = now;
        self.last.push_back(rssi);
        if self.last.len() > SPAN {
            self.last.pop_front();
        }
        let mut sorted: Vec<i16> = self.last.iter().copied().collect();
        sorted.sort_unstable();
        let median = f32::from(sorted.get(sorted.len() / 2).copied().unwrap_or(rssi));
        self.smooth = Some(self.smooth.map_or(median, |smooth| smooth + WEIGHT * (median - smooth)));
    }

    /// The filtered strength, dBm.
    pub fn rssi(&self) -> Option<i16> {
        #[allow(clippy::cast_possible_truncation, reason = "it is between -127 and 20")]
        self.smooth.map(|smooth| smooth.round() as i16)
    }

    /// How near it is if `power` dBm are received at one metre from it.
    pub fn estimate(&mut self, power: i8) -> Option<Estimate> {
        let excess = self.smooth? - f32::from(power);
        // Whoever is in a nearer word stays there for a while longer.
        let reaches = |from: f32, inside: bool| excess >= from - if inside { HYSTERESIS } else { 0.0 };
        let nearness = if reaches(TOUCHING_FROM, self.word == Some(Nearness::Touching)) {
            Nearness::Touching
        } else if reaches(NEAR_FROM, matches!(self.word, Some(Nearness::Touching | Nearness::Near))) {
            Nearness::Near
        } else {
            Nearness::InRange
        };
        self.word = Some(nearness);
        let metres = 10f32.powf(-excess / (10.0 * EXPONENT)).clamp(0.1, 100.0);
        Some(Estimate { nearness, metres: (metres * 10.0).round() / 10.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steady(rssi: i16) -> Strength {
        let mut strength = Strength::default();
        (0..10).for_each(|n| strength.hear(n * 500, rssi));
        strength
    }

    fn word(strength: &mut Strength) -> Nearness {
        strength.estimate(-59).unwrap().nearness
    }

    #[test]
    fn nothing_heard_is_nothing_known() {
        let mut strength = Strength::default();
        strength.hear(0, 127);
        assert_eq!((strength.rssi(), strength.estimate(-59)), (None, None), "127 is not a strength");
    }

    #[test]
    fn what_is_received_as_at_one_metre_is_one_metre_away() {
        let estimate = steady(-59).estimate(-59).unwrap();
        assert_eq!((estimate.nearness, estimate.metres), (Nearness::Near, 1.0));
        assert_eq!(steady(-84).estimate(-59).unwrap().metres, 10.0);
        assert_eq!(steady(-84).estimate(-84).unwrap().metres, 1.0, "a weak sender that says so is near all the same");
    }

    #[test]
    fn the_words_begin_where_people_would_say_them() {
        assert_eq!(word(&mut steady(-45)), Nearness::Touching);
        assert_eq!(word(&mut steady(-70)), Nearness::Near);
        assert_eq!(word(&mut steady(-90)), Nearness::InRange);
    }

    #[test]
    fn one_wild_value_changes_nothing() {
        let mut strength = steady(-70);
        strength.hear(6_000, -20);
        strength.hear(6_500, -110);
        assert_eq!((strength.rssi(), word(&mut strength)), (Some(-70), Nearness::Near));
    }

    #[test]
    fn somebody_on_the_border_does_not_flicker() {
        let mut strength = steady(-50);
        assert_eq!(word(&mut strength), Nearness::Touching);
        let mut now = 5_000;
        for rssi in [-53, -51, -54, -52, -54, -53, -54, -54] {
            now += 500;
            strength.hear(now, rssi);
            assert_eq!(word(&mut strength), Nearness::Touching, "at {rssi}");
        }
        (0..10).for_each(|n| strength.hear(now + n * 500, -57));
        assert_eq!(word(&mut strength), Nearness::Near, "going away is noticed");
        assert_eq!(word(&mut steady(-53)), Nearness::Near, "the same strength without a history is the farther word");
    }

    #[test]
    fn after_a_silence_the_past_does_not_count() {
        let mut strength = steady(-40);
        strength.hear(60_000, -90);
        assert_eq!((strength.rssi(), word(&mut strength)), (Some(-90), Nearness::InRange));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn b1_no_strength_or_power_gives_a_senseless_distance(
            heard in prop::collection::vec((any::<u64>(), any::<i16>()), 0..20), power in any::<i8>(),
        ) {
            let mut strength = Strength::default();
            heard.into_iter().for_each(|(now, rssi)| strength.hear(now, rssi));
            if let Some(estimate) = strength.estimate(power) {
                prop_assert!((0.1..=100.0).contains(&estimate.metres));
            }
        }

        #[test]
        fn a_stronger_sender_is_never_farther(weak in -120i16..0, more in 0i16..20) {
            let (far, near) = (steady(weak).estimate(-59).unwrap(), steady(weak + more).estimate(-59).unwrap());
            prop_assert!(near.metres <= far.metres && near.nearness <= far.nearness);
        }
    }
}
