//! A line of the parity ledger: how far values of ours are from those of a reference program.
//!
//! The tests that compare with goldens and the table in `PARITY.md` are made of the same entries, so the table cannot
//! tell anything but what the tests hold.

use serde_json::Value;

/// A list whose largest value is below this holds nothing but rounding; what differs from it counts as it is.
const NOTHING: f64 = 1e-6;

/// One comparison with a reference program.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What is compared, with its settings where there are several.
    pub subject: String,
    /// Which of its numbers: `forward`, `gradient`, `ten steps`.
    pub aspect: &'static str,
    /// The reference program and its version, as the golden names them.
    pub reference: String,
    /// How many values were compared.
    pub values: usize,
    /// Largest difference.
    pub absolute: f64,
    /// Largest difference over the largest value of the list it stands in.
    pub relative: f64,
    /// What `relative` must not exceed.
    pub bound: f64,
}

impl Entry {
    /// An entry without values yet.
    pub fn new(subject: impl Into<String>, aspect: &'static str, reference: String, bound: f64) -> Entry {
        Entry { subject: subject.into(), aspect, reference, values: 0, absolute: 0.0, relative: 0.0, bound }
    }

    /// Adds a list of values: ours and what the reference says. Lists of different length, and anything that is not a
    /// number, count as infinitely far apart.
    pub fn compare<'a>(&mut self, found: impl IntoIterator<Item = &'a f32>, expected: &[f64]) {
        let found: Vec<f64> = found.into_iter().map(|&value| f64::from(value)).collect();
        self.compare_f64(&found, expected);
    }

    /// As [`Entry::compare`], of values that are f64 with us.
    pub fn compare_f64(&mut self, found: &[f64], expected: &[f64]) {
        let largest = expected.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        let mut worst = if found.len() == expected.len() { 0.0 } else { f64::INFINITY };
        for (found, expected) in found.iter().zip(expected) {
            let difference = (found - expected).abs();
            worst = if difference.is_finite() { difference.max(worst) } else { f64::INFINITY };
        }
        self.values += expected.len();
        self.absolute = self.absolute.max(worst);
        self.relative = self.relative.max(if largest > NOTHING { worst / largest } else { worst });
    }

    /// What an entry is known by.
    pub fn name(&self) -> String {
        format!("{}, {}, {}", self.subject, self.aspect, self.reference)
    }

    /// Whether something was compared and it is within the bound.
    pub fn holds(&self) -> bool {
        self.values > 0 && self.relative <= self.bound
    }
}

/// Fails with the first entry that is not within its bound.
pub fn check(entries: &[Entry]) {
    assert!(!entries.is_empty(), "nothing was compared");
    for entry in entries {
        let Entry { values, absolute, relative, bound, .. } = entry;
        let name = entry.name();
        assert!(entry.holds(), "{name}: {values} values, {absolute:e} apart, relative {relative:e}, bound {bound:e}");
    }
}

/// The golden's JSON.
pub fn parse(golden: &str) -> Value {
    serde_json::from_str(golden).unwrap()
}

/// A list of numbers of a golden.
pub fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// The list of cases of a golden.
pub fn cases(golden: &Value) -> &[Value] {
    golden["cases"].as_array().unwrap()
}

/// A whole number of a case.
pub fn count(case: &Value, key: &str) -> usize {
    case[key].as_u64().unwrap() as usize
}

/// A number of a case, as f32.
pub fn number(case: &Value, key: &str) -> f32 {
    case[key].as_f64().unwrap() as f32
}

/// `package version` as the golden's `versions` tell it.
pub fn reference(golden: &Value, package: &str) -> String {
    format!("{package} {}", golden["versions"][package].as_str().unwrap())
}
