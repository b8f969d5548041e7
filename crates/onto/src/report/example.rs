//! A made-up life with something in every section, for the tests of the page and for looking at it.

use crate::report::*;

fn stage(name: &str, kind: &str, inputs: &[&str], seconds: f64, megabytes: u64) -> Stage {
    let digest: u64 =
        name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let sha256 =
        (0..4u64).map(|part| format!("{:016x}", digest.rotate_left(part as u32 * 13).wrapping_mul(part + 3))).collect();
    Stage {
        name: name.into(),
        kind: kind.into(),
        artifact: format!("runs/quickstart/{name}"),
        sha256,
        inputs: inputs.iter().map(|input| input.to_string()).collect(),
        seconds,
        peak_rss_bytes: megabytes << 20,
        skipped: name == "world",
    }
}

fn curve(stage: &str, steps: usize, from: f64, to: f64, evaluated: bool) -> LossCurve {
    let loss = |step: usize| {
        to + (from - to) * (-(step as f64) / (steps as f64 * 0.16)).exp() + 0.25 * (1.0 - step as f64 / steps as f64)
    };
    let noise = |step: usize| ((step * 2_654_435_761) % 1000) as f64 / 1000.0 - 0.5;
    LossCurve {
        stage: stage.into(),
        measure: "loss (nats per token)".into(),
        training: (1..=steps).map(|step| (step as f64, loss(step) * (1.0 + 0.12 * noise(step)))).collect(),
        evaluation: if evaluated {
            (1..=8).map(|part| ((steps * part / 8) as f64, loss(steps * part / 8) * 1.03)).collect()
        } else {
            Vec::new()
        },
    }
}

fn score(share: f64, n: f64) -> Score {
    let half = 1.96 * (share * (1.0 - share) / n).sqrt() + 0.004;
    Score { score: share, low: (share - half).max(0.0), high: (share + half).min(1.0) }
}

fn answer(text: &str, correct: bool) -> Option<Answer> {
    Some(Answer { text: text.into(), correct })
}

fn rule(rule: &str, documents: (u64, u64, u64), bytes_removed: u64) -> RuleCount {
    let (documents_in, documents_dropped, documents_changed) = documents;
    RuleCount { rule: rule.into(), documents_in, documents_dropped, documents_changed, bytes_removed }
}

fn measure(name: &str, value: f64, highlight: bool) -> Measure {
    Measure { name: name.into(), value, highlight }
}

/// The made-up life.
pub fn report() -> ReportData {
    let tasks = [
        ("facts", "en", 240, 0.021, 0.946, 0.942),
        ("facts", "zh", 240, 0.013, 0.929, 0.933),
        ("arithmetic", "en", 160, 0.000, 0.881, 0.875),
        ("arithmetic", "zh", 160, 0.006, 0.869, 0.881),
        ("format", "en", 120, 0.058, 0.992, 0.992),
        ("format", "zh", 120, 0.033, 0.983, 0.983),
        ("", "", 1040, 0.019, 0.931, 0.931),
    ];
    let preferences = [
        ("helpful", 160, 0.58, 0.93),
        ("honest", 160, 0.52, 0.84),
        ("harmless", 120, 0.61, 0.95),
        ("", 440, 0.566, 0.902),
    ];
    let mut data = ReportData {
        title: "Quickstart".into(),
        summary: "A small bilingual model, grown from raw text to an aligned, chatting assistant on one machine and \
                  measured on worlds it has never seen."
            .into(),
        recipe: "quickstart".into(),
        recipe_text: "name = \"quickstart\"\nseed = 7\n\n[world]\ndocuments = 12000\
            \nnoise = 0.2\n\n[model]\nhidden_size = 192\nn_layers = 6\n\n\
            # <b>not markup</b>\n"
            .into(),
        machine: vec![
            Fact::new("processor", "2 × Xeon Platinum 8488C (AVX-512, AMX)"),
            Fact::new("memory", "16 GiB"),
            Fact::new("threads", "2"),
            Fact::new("program", "onto 0.1.0"),
            Fact::new("started", "2026-03-02 14:05:11 UTC"),
        ],
        total_seconds: 523.4,
        goals: vec![
            Goal::at_least("Tuned model, exact match", 0.931, 0.80, Unit::Share),
            Goal::at_most("Base model, exact match", 0.019, 0.30, Unit::Share),
            Goal::at_least("Preference accuracy gained", 0.336, 0.15, Unit::Points),
            Goal::at_least("Exact match change by alignment", -0.031, -0.02, Unit::Points),
            Goal::at_most("Base bits per byte against n-gram", 0.612, 0.894, Unit::Number),
            Goal::at_least("Lowest precision of cleaning", 0.987, 0.95, Unit::Share),
            Goal::at_least("Lowest recall of cleaning", 0.962, 0.95, Unit::Share),
            Goal::at_most("Time of the run", 523.4, 600.0, Unit::Seconds),
            Goal::at_most("Peak memory", 1.21e9, 4.294_967_296e9, Unit::Bytes),
        ],
        stages: vec![
            stage("world", "microworld", &[], 6.1, 210),
            stage("corpus", "corpus", &["world"], 14.8, 640),
            stage("tokenizer", "tokenizer", &["corpus"], 3.9, 420),
            stage("shards", "shards", &["corpus", "tokenizer"], 2.2, 310),
            stage("ngram", "ngram_model", &["shards", "tokenizer"], 4.1, 700),
            stage("base", "model", &["shards", "tokenizer"], 281.0, 1154),
            stage("tuned", "model", &["base", "world", "tokenizer"], 121.7, 1010),
            stage("aligned", "model", &["tuned", "world"], 43.0, 1090),
            stage("evaluation", "evaluation", &["ngram", "base", "tuned", "aligned", "world"], 46.1, 880),
            stage("report", "report", &["evaluation", "corpus"], 0.3, 90),
        ],
        curves: vec![
            curve("base", 1800, 8.3, 1.05, true),
            curve("tuned", 600, 1.9, 0.16, true),
            curve("aligned", 160, 0.69, 0.12, false),
        ],
        cleaning: Some(Cleaning {
            rules: vec![
                rule("boilerplate_lines", (14_382, 0, 1_204), 96_410),
                rule("statistics", (14_382, 611, 0), 402_118),
                rule("language", (13_771, 488, 0), 377_002),
                rule("exact_duplicates", (13_283, 702, 0), 512_000),
                rule("near_duplicates", (12_581, 655, 0), 498_100),
                rule("personal_data", (11_926, 0, 512), 8_204),
                rule("decontamination", (11_926, 240, 0), 51_000),
            ],
            documents_kept: 11_686,
            bytes_kept: 9_412_800,
            noise: [
                ("boilerplate", 1204, 0.998, 0.996),
                ("exact_duplicate", 702, 1.0, 1.0),
                ("near_duplicate", 660, 0.987, 0.979),
                ("gibberish", 607, 0.993, 0.997),
                ("wrong_language", 480, 0.990, 0.962),
                ("personal_data", 934, 1.0, 0.994),
                ("test_leak", 252, 0.995, 0.941),
            ]
            .map(|(kind, planted, precision, recall)| NoiseScore { kind: kind.into(), planted, precision, recall })
            .into(),
            examples: vec![
                CleaningExample {
                    rule: "statistics".into(),
                    decision: "dropped".into(),
                    reason: "symbol share 0.41 over 0.10".into(),
                    text: "@@@ ### zxq qqz $$$ ~~~ ||| zxq zxq %%%".into(),
                },
                CleaningExample {
                    rule: "statistics".into(),
                    decision: "kept".into(),
                    reason: "all signals inside their bounds".into(),
                    text: "Mina lives in Larkhaven. She keeps three lanterns in the mill.".into(),
                },
                CleaningExample {
                    rule: "near_duplicates".into(),
                    decision: "dropped".into(),
                    reason: "Jaccard 0.91 with world-004127".into(),
                    text: "On Monday, Teo walked to the harbour and sold two red kites to Ada.".into(),
                },
                CleaningExample {
                    rule: "personal_data".into(),
                    decision: "changed".into(),
                    reason: "1 e-mail address masked".into(),
                    text: "Write to <EMAIL> before the fair.\n请写信给 <EMAIL>。".into(),
                },
            ],
        }),
        tokenizer: Some(TokenizerFacts {
            vocabulary_size: 4096,
            bytes_per_token: vec![
                measure("English", 4.31, true),
                measure("Chinese", 4.02, true),
                measure("digits", 1.0, false),
            ],
            samples: vec![
                [
                    "M", "ina", " lives", " in", " Lar", "kh", "aven", " and", " keeps", " three", " lan", "terns",
                    ".", "\n", "How", " many", "?",
                ]
                .map(String::from)
                .into(),
                ["米", "娜", "住在", "云雀", "港", "，", "她", "有", "三", "盏", "灯笼", "。"].map(String::from).into(),
            ],
        }),
        model: vec![
            Fact::new("parameters", "3.1 M"),
            Fact::new("training tokens", "14.7 M"),
            Fact::new("shape", "LLaMA, 6 layers × 192"),
            Fact::new("attention heads", "6, 2 of them for keys"),
            Fact::new("context", "256 tokens"),
            Fact::new("compute", "2.7 × 10¹⁴ operations"),
            Fact::new("speed", "52 400 tokens/s"),
        ],
        bits_per_byte: vec![
            measure("unigram", 2.214, false),
            measure("5-gram", 0.894, false),
            measure("base model", 0.612, true),
        ],
        bits_per_byte_curve: (1..=9)
            .map(|step| (200.0 * step as f64, 0.60 + 1.9 * (-0.75 * step as f64).exp()))
            .collect(),
        exact_match: tasks
            .map(|(task, language, n, base, tuned, aligned)| TaskScores {
                task: task.into(),
                language: language.into(),
                n,
                base: Some(score(base, n as f64)),
                tuned: Some(score(tuned, n as f64)),
                aligned: Some(score(aligned, n as f64)),
            })
            .into(),
        preferences: preferences
            .map(|(task, n, before, after)| PreferenceScores {
                task: task.into(),
                n,
                before: score(before, n as f64),
                after: score(after, n as f64),
            })
            .into(),
        samples: vec![
            Sample {
                task: "facts".into(),
                language: "en".into(),
                prompt: "Oren lives in Brightwater. Lia lives in Stonebridge. Oren keeps \
                    four goats and Lia keeps nine hens.\nWhere does the keeper of \
                    the hens live?"
                    .into(),
                expected: "Stonebridge".into(),
                base: answer(
                    "Oren lives in Brightwater. Oren lives in the mill and sells kites. \
                        Oren lives in",
                    false,
                ),
                tuned: answer("Stonebridge", true),
                aligned: answer("Stonebridge", true),
            },
            Sample {
                task: "arithmetic".into(),
                language: "en".into(),
                prompt: "What is 47 + 38? Show your steps.".into(),
                expected: "7 + 8 = 15, write 5 carry 1\n4 + 3 + 1 = 8\n85".into(),
                base: answer("47 + 47 + 38 lanterns on the harbour", false),
                tuned: answer("7 + 8 = 15, write 5 carry 1\n4 + 3 + 1 = 8\n85", true),
                aligned: answer("7 + 8 = 15, write 5 carry 1\n4 + 3 + 1 = 8\n85", true),
            },
            Sample {
                task: "facts".into(),
                language: "zh".into(),
                prompt: "米娜住在云雀港，她有三盏灯笼。泰奥住在石桥镇，他有五只风筝。\n谁有风筝？".into(),
                expected: "泰奥".into(),
                base: answer("", false),
                tuned: answer("泰奥", true),
                aligned: answer("泰奥", true),
            },
            Sample {
                task: "format".into(),
                language: "en".into(),
                prompt: "List the colours red and green as JSON. <script>alert('no')</script>".into(),
                expected: "[\"red\", \"green\"]".into(),
                base: answer("red red red <b>red</b>", false),
                tuned: answer("[\"red\", \"green\"]", true),
                aligned: answer("[\"red\"; \"green\"]", false),
            },
        ],
        generations: vec![
            FreeText {
                model: "base".into(),
                prompt: "One morning in Larkhaven,".into(),
                text: " Mina found a small blue kite on the roof of the mill. She asked \
                    Teo whose it was. Teo said that Ada had lost it on the day of \
                    the fair, so Mina took it to her before noon. Ada was glad, and \
                    she gave Mina a lantern."
                    .into(),
                settings: "temperature 0.7, top-p 0.95, seed 1".into(),
            },
            FreeText {
                model: "base".into(),
                prompt: "一天早上，云雀港".into(),
                text: "下着小雨。米娜带着三盏灯笼走到磨坊，把其中一盏送给了泰奥。泰奥很高兴，请她喝了一杯热茶。".into(),
                settings: "temperature 0.7, top-p 0.95, seed 2".into(),
            },
        ],
        ..ReportData::default()
    };
    for (name, value) in [
        ("base.bits_per_byte", 0.612),
        ("unigram.bits_per_byte", 2.214),
        ("ngram.bits_per_byte", 0.894),
        ("base.exact_match", 0.0192),
        ("tuned.exact_match", 0.931),
        ("aligned.exact_match", 0.9312),
        ("tuned.preference_accuracy", 0.566),
        ("aligned.preference_accuracy", 0.902),
        ("base.parameters", 3_104_256.0),
        ("base.tokens_per_second", 52_412.7),
    ] {
        data.metrics.insert(name.into(), value);
    }
    let noise: Vec<NoiseScore> = data.cleaning.iter().flat_map(|cleaning| cleaning.noise.clone()).collect();
    for kind in noise {
        data.metrics.insert(format!("clean.{}.precision", kind.kind), kind.precision);
        data.metrics.insert(format!("clean.{}.recall", kind.kind), kind.recall);
    }
    data
}
