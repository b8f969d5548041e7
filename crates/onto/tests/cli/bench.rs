//! `onto bench …`: what is measured is there and makes sense. No test looks at how fast anything is.

use serde_json::Value;

use crate::support::Home;

/// A number above zero.
#[track_caller]
fn positive(report: &Value, key: &str) -> f64 {
    let number = report[key].as_f64().unwrap_or_else(|| panic!("{key} is no number in {report}"));
    assert!(number.is_finite() && number > 0.0, "{key} is {number}");
    number
}

#[test]
fn training_steps_are_measured() {
    let home = Home::new();
    for (family, dtype) in [("gpt2", "f32"), ("llama", "bf16")] {
        let arguments = ["--preset", "tiny", "--steps", "2", "--family", family, "--dtype", dtype, "--threads", "2"];
        let report = home.onto(&[&["bench", "train", "--json"], &arguments[..]].concat()).ok().json();
        for (key, expected) in [("preset", "tiny"), ("family", family), ("dtype", dtype)] {
            assert_eq!(report[key], expected);
        }
        assert_eq!((report["threads"].as_u64(), report["steps"].as_u64()), (Some(2), Some(2)));
        assert_eq!(report["seconds_per_step"].as_array().unwrap().len(), 2);
        for key in ["tflops", "peak_fraction", "peak_rss_bytes", "parameters", "read_bytes_per_second"] {
            positive(&report, key);
        }
        assert!(positive(&report, "tokens_per_second_best") >= positive(&report, "tokens_per_second"));
        // The first loss of a model that knows nothing is that of a guess among 512 tokens.
        let (first, last) = (positive(&report, "loss_first"), positive(&report, "loss_last"));
        assert!((first - 512f64.ln()).abs() < 0.2 && last < first, "{first} to {last}");

        // The parts of a step are at most the step; those after a colon are counted in their whole.
        let operations = report["operations"].as_array().unwrap();
        let name = |operation: &Value| operation["operation"].as_str().unwrap().to_owned();
        let whole = operations.iter().filter(|operation| !name(operation).contains(": "));
        let shares: f64 = whole.map(|operation| positive(operation, "share")).sum();
        assert!(shares > 0.5 && shares < 1.01, "{shares} in {report}");
        for (phase, expected) in [("forward", "attention"), ("backward", "linear"), ("update", "optimiser")] {
            let found = operations.iter().any(|operation| operation["phase"] == phase && name(operation) == expected);
            assert!(found, "{phase} {expected} is not in {report}");
        }
    }
}

#[test]
fn a_table_is_for_people() {
    let home = Home::new();
    let table = home.onto(&["bench", "train", "--preset", "tiny", "--steps", "1", "--warmup", "0"]).ok().stdout;
    for part in ["tiny, gpt2 shape", "tokens/s", "of the peak", "memory read", "peak memory", "of which weight"] {
        assert!(table.contains(part), "`{part}` is not in:\n{table}");
    }
}

#[test]
fn a_recurrent_model_is_measured_too() {
    let home = Home::new();
    let arguments = ["bench", "train", "--preset", "lstm", "--steps", "1", "--warmup", "1", "--json"];
    let report = home.onto(&arguments).ok().json();
    assert_eq!((report["family"].as_str(), report["model"]["cell"].as_str()), (Some("lstm"), Some("lstm")));
    let (first, last) = (positive(&report, "loss_first"), positive(&report, "loss_last"));
    assert!((first - 10_000f64.ln()).abs() < 0.1 && last < first, "{first} to {last}");
    for name in ["lstm", "lstm: steps", "lstm: weights", "lstm: input"] {
        let operations = report["operations"].as_array().unwrap();
        assert!(operations.iter().any(|operation| operation["operation"] == name), "{name} is not in {report}");
    }
    let report = home.onto(&["bench", "ops", "--preset", "lstm", "--json"]).ok().json();
    let operations = report["operations"].as_array().unwrap();
    assert_eq!(operations.iter().filter(|line| line["operation"] == "lstm").count(), 4);
    assert!(operations.iter().all(|line| positive(line, "seconds") > 1e-9), "{report}");
}

#[test]
fn an_encoder_is_measured_too() {
    let home = Home::new();
    let arguments = ["bench", "train", "--preset", "bert", "--steps", "1", "--warmup", "0", "--json"];
    let report = home.onto(&arguments).ok().json();
    assert_eq!((report["family"].as_str(), report["model"]["mlp"].as_str()), (Some("bert"), Some("gelu_erf")));
    let first = positive(&report, "loss_first");
    assert!((first - 8192f64.ln()).abs() < 0.2, "{first}");
    let operations = report["operations"].as_array().unwrap();
    for name in ["attention", "gelu_erf", "gather", "linear_cross_entropy"] {
        assert!(operations.iter().any(|operation| operation["operation"] == name), "{name} is not in {report}");
    }
}

#[test]
fn operations_are_measured_alone() {
    let home = Home::new();
    let report = home.onto(&["bench", "ops", "--preset", "tiny", "--json"]).ok().json();
    let operations = report["operations"].as_array().unwrap();
    for expected in ["linear", "attention", "projection + loss", "layer_norm", "rms_norm", "gelu", "swiglu"] {
        assert!(operations.iter().any(|line| line["operation"] == expected), "{expected} is not in {report}");
    }
    for line in operations {
        assert!(["flops", "bytes"].contains(&line["unit"].as_str().unwrap()), "{line}");
        for key in ["seconds", "per_second", "peak_fraction"] {
            // A part that was not found in the profile would have taken no time at all.
            assert!(positive(line, key) > 1e-9, "{line}");
        }
    }
}

#[test]
fn what_cannot_be_measured_is_refused_with_what_can() {
    let home = Home::new();
    let names = "presets are tiny, small, gpt2, bert, lstm";
    // 437 MiB of values at once are not allowed; what the hint names would be.
    let lean = ["bench", "train", "--preset", "small", "--memory", "420MiB"];
    home.onto(&lean).fails(1, &["more than the 420 MiB that --memory allows", "hint: --gradient-accumulation"]);
    home.onto(&["bench", "train", "--preset", "small", "--memory", "300MiB"])
        .fails(1, &["--activation-checkpointing block"]);
    home.onto(&["bench", "train", "--preset", "tiny", "--gradient-accumulation", "3"])
        .fails(2, &["--gradient-accumulation 3"]);
    home.onto(&["bench", "train", "--preset", "huge"]).fails(2, &["--preset huge: no such preset", names]);
    home.onto(&["bench", "train", "--preset", "lstm", "--family", "llama"]).fails(2, &["lstm", "leave --family out"]);
    home.onto(&["bench", "train", "--preset", "bert", "--family", "gpt2"]).fails(2, &["bert", "leave --family out"]);
    home.onto(&["bench", "ops", "--preset", "huge"]).fails(2, &[names]);
    home.onto(&["bench", "train", "--preset", "tiny", "--steps", "0"]).fails(2, &["--steps"]);
    home.onto(&["bench", "train", "--preset", "tiny", "--dtype", "f64"]).fails(2, &["--dtype", "bf16"]);
    home.onto(&["bench", "train", "--preset", "gpt2", "--memory", "1MiB"])
        .fails(1, &["that --memory allows", "--preset"]);
}
