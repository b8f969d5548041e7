//! Learning-rate schedules (`oracle/schedules.py`).

use serde_json::from_value;
use train::{Cooldown, CooldownShape, Schedule, ScheduleKind};

use crate::ledger::{Entry, cases, count, floats, parse, reference};

pub fn entries() -> Vec<Entry> {
    let golden = parse(include_str!("../goldens/schedules.json"));
    let mut entries: Vec<Entry> = Vec::new();
    for case in cases(&golden) {
        let cooldown = case.get("cooldown").map(|shape| shape.as_str().unwrap());
        let (name, package, bound) = match (case["kind"].as_str().unwrap(), cooldown) {
            (kind, None) => (kind.to_owned(), "transformers", 1e-14),
            // PyTorch multiplies from step to step, a thousand times here.
            (kind, Some(shape)) => (format!("{kind}, {shape} cooldown"), "torch", 1e-12),
        };
        if entries.last().is_none_or(|entry| entry.subject != name) {
            entries.push(Entry::new(&name, "every step", reference(&golden, package), bound));
        }
        let kind: ScheduleKind = from_value(case["kind"].clone()).unwrap();
        let [steps, warmup_steps, decay_steps] =
            ["steps", "warmup_steps", "decay_steps"].map(|key| count(case, key) as u64);
        let min_ratio = case["min_ratio"].as_f64().unwrap();
        let cooldown = cooldown.map(|_| Cooldown {
            steps: decay_steps,
            shape: from_value::<CooldownShape>(case["cooldown"].clone()).unwrap(),
        });
        let schedule = Schedule { kind, steps, warmup_steps, decay_steps, min_ratio, cooldown };
        let found: Vec<f64> = (0..=steps).step_by(count(case, "stride")).map(|step| schedule.factor(step)).collect();
        let last = entries.len() - 1;
        entries[last].compare_f64(&found, &floats(&case["factors"]));
    }
    entries
}
