//! Times of repeated steps: medians, and the interval of their ratio. Pure.

use std::fmt;

use serde_json::Value;

use crate::pointer::Pointer;

/// How many times as long the candidate took, as a ratio of medians with a 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Median of the candidate over median of the reference.
    pub median: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// A difference in time is reported when the interval lies wholly beyond this factor.
pub const NOTABLE: f64 = 1.5;

impl Ratio {
    /// Whether the two sides differ by more than noise and [`NOTABLE`].
    pub fn is_notable(&self) -> bool {
        self.low > NOTABLE || self.high < 1.0 / NOTABLE
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.1} times as long (95 % interval {:.1} to {:.1})", self.median, self.low, self.high)
    }
}

/// The ratio of two series of times in milliseconds, with an interval by resampling both
/// (2,000 times, from a fixed seed, so that the same times give the same interval).
/// None when a side has fewer than three times, which tell no noise, or no positive median.
pub fn ratio(reference: &[f64], candidate: &[f64]) -> Option<Ratio> {
    if reference.len().min(candidate.len()) < 3 {
        return None;
    }
    let middle = median(candidate)? / median(reference)?;
    if !middle.is_finite() {
        return None;
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut ratios: Vec<f64> = (0..2_000)
        .filter_map(|_| {
            let [reference, candidate] = [reference, candidate].map(|times| median(&dice.resample(times)));
            Some(candidate? / reference?)
        })
        .filter(|ratio| ratio.is_finite())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios.get((ratios.len() as f64 * share) as usize).copied();
    Some(Ratio { median: middle, low: at(0.025)?, high: at(0.975)? })
}

/// The middle value; of an even number the mean of the two in the middle.
pub fn median(times: &[f64]) -> Option<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        even if even % 2 == 0 => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
        _ => Some(sorted[middle]),
    }
}

/// The times of an exchange, given the place of its `time` (or of the list below it).
pub fn millis_at(place: &Pointer, tree: &Value) -> Vec<f64> {
    let found = place.find(tree);
    let list = found.and_then(|value| value.get("millis").or(Some(value))).and_then(Value::as_array);
    list.map(|list| list.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
}

/// Times for people: `412.0 ms (median of 9)`.
pub fn told(times: &[f64]) -> String {
    match median(times) {
        Some(middle) => format!("{middle:.1} ms (median of {})", times.len()),
        None => "no times".to_owned(),
    }
}

/// A small generator (xorshift64*), so that intervals can be repeated.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn resample(&mut self, times: &[f64]) -> Vec<f64> {
        let length = times.len() as u64;
        (0..length).map(|_| times[((self.next() >> 33) % length) as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clear_ratio_has_a_narrow_interval_and_noise_is_not_notable() {
        let fast = [5.0, 5.2, 4.9, 5.1, 5.0, 5.3, 4.8];
        let slow = [50.0, 52.0, 51.0, 49.0, 50.5, 48.0, 53.0];
        let found = ratio(&fast, &slow).unwrap();
        assert!(found.low > 8.0 && found.high < 12.0, "{found}");
        assert!(found.is_notable());
        assert!(!ratio(&fast, &fast).unwrap().is_notable());
        assert_eq!(ratio(&[], &slow), None);
        assert_eq!(ratio(&fast[..2], &slow), None);
        assert_eq!(found, ratio(&fast, &slow).unwrap());
    }
}
