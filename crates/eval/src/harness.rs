//! Results in the files of EleutherAI's lm-evaluation-harness 0.4 (`results.json`, `samples_<task>.jsonl`), so that its
//! tables, leaderboards and comparison scripts read ours.
//!
//! A task measured in several languages is a group of one task a language, as the harness does it: `facts` over
//! `facts_en` and `facts_zh`. There is no date in the files: equal results are equal bytes, and the manifest beside
//! them tells the time.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::exact::{ExactMatch, Sample};
use crate::held_out::HeldOut;
use crate::preference::PreferenceAccuracy;
use crate::score::Score;
use crate::{EvalError, extracted};

/// Version of our tasks, raised when a task's prompts or comparison change.
const TASK_VERSION: f64 = 1.0;
/// Parts of `results.json` with an entry for each task.
const PARTS: [&str; 8] =
    ["results", "groups", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples"];

/// The results of one model, gathered measure by measure and then written.
#[derive(Clone, Debug)]
pub struct HarnessResults {
    config: Value,
    parts: Map<String, Value>,
    samples: Vec<(String, Vec<Value>)>,
}

impl HarnessResults {
    /// No results yet of the model called `model`; `model_args` says where it is or how it was made.
    pub fn new(model: &str, model_args: &str) -> Self {
        let config = json!({
            "model": model, "model_args": model_args, "batch_size": 1, "device": "cpu", "use_cache": null,
            "limit": null, "bootstrap_iters": 0, "gen_kwargs": null,
        });
        let parts = PARTS.iter().map(|part| ((*part).to_owned(), json!({}))).collect();
        HarnessResults { config, parts, samples: Vec::new() }
    }

    /// Adds answers to questions: `exact_match` by task and language, with every sample.
    pub fn add_exact_match(&mut self, result: &ExactMatch) {
        for task in &result.tasks {
            let of_task: Vec<&Score> = result.languages.iter().filter(|score| score.task == task.task).collect();
            let names: Vec<String> = of_task.iter().map(|score| task_name(&score.task, &score.language)).collect();
            for (score, name) in of_task.iter().zip(&names) {
                let samples = result
                    .samples
                    .iter()
                    .filter(|sample| (&sample.task, &sample.language) == (&score.task, &score.language));
                let samples: Vec<Value> = samples.enumerate().map(|(index, sample)| question(index, sample)).collect();
                self.add_task(name, "generate_until", "exact_match", score);
                self.samples.push((name.clone(), samples));
            }
            if names.len() > 1 {
                let row = result_row(&task.task, "exact_match", task);
                self.set("results", &task.task, row.clone());
                self.set("groups", &task.task, row);
                self.set("group_subtasks", &task.task, json!(names));
            }
        }
    }

    /// Adds preference pairs: `acc` of choosing the preferred answer, by task.
    pub fn add_preferences(&mut self, result: &PreferenceAccuracy) {
        let mut names = Vec::new();
        for task in &result.tasks {
            let name = task_name("preference", &task.score.task);
            let samples = result.samples.iter().filter(|sample| sample.task == task.score.task);
            let samples = samples.enumerate().map(|(index, sample)| {
                let (chosen, rejected) = (sample.chosen_log_prob, sample.rejected_log_prob);
                let doc = json!({"id": sample.id, "task": sample.task, "lang": sample.language});
                json!({
                    "doc_id": index, "doc_hash": hash(&pretty(&doc)), "doc": doc, "target": 0,
                    "resps": [[chosen], [rejected]], "filtered_resps": [chosen, rejected], "filter": "none",
                    "metrics": ["acc"], "acc": sample.correct(),
                })
            });
            let samples = samples.collect();
            self.add_task(&name, "multiple_choice", "acc", &task.score);
            self.samples.push((name.clone(), samples));
            names.push(name);
        }
        if names.len() > 1 {
            let row = result_row("preference", "acc", &result.total.score);
            self.set("results", "preference", row.clone());
            self.set("groups", "preference", row);
            self.set("group_subtasks", "preference", json!(names));
        }
    }

    /// Adds held-out text under `name`: `word_perplexity`, `byte_perplexity` and `bits_per_byte`.
    pub fn add_held_out(&mut self, name: &str, result: &HeldOut) {
        let per = |count: u64| (-result.total.log_prob / count.max(1) as f64).exp();
        let row = json!({
            "alias": name,
            "word_perplexity,none": per(result.total.words), "word_perplexity_stderr,none": "N/A",
            "byte_perplexity,none": per(result.total.bytes), "byte_perplexity_stderr,none": "N/A",
            "bits_per_byte,none": result.total.bits_per_byte, "bits_per_byte_stderr,none": "N/A",
        });
        let metrics = ["word_perplexity", "byte_perplexity", "bits_per_byte"];
        self.describe(name, "loglikelihood_rolling", &metrics, false, result.documents);
        self.set("results", name, row);
    }

    /// The content of `results.json`.
    pub fn to_json(&self) -> Value {
        let mut all = self.parts.clone();
        all.insert("config".into(), self.config.clone());
        all.insert("model_name".into(), self.config["model"].clone());
        Value::Object(all)
    }

    /// Writes `results.json` and one `samples_<task>.jsonl` a task into `dir`; returns the files.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, dir: &Path) -> Result<Vec<PathBuf>, EvalError> {
        let mut files = vec![(dir.join("results.json"), pretty(&self.to_json()) + "\n")];
        for (name, samples) in &self.samples {
            let mut lines = String::new();
            for sample in samples {
                lines.push_str(&serde_json::to_string(sample)?);
                lines.push('\n');
            }
            files.push((dir.join(format!("samples_{name}.jsonl")), lines));
        }
        let mut paths = Vec::new();
        for (path, text) in files {
            fs::write(&path, text).map_err(|source| EvalError::Write { path: path.clone(), source })?;
            paths.push(path);
        }
        Ok(paths)
    }

    fn add_task(&mut self, name: &str, output_type: &str, metric: &str, score: &Score) {
        self.describe(name, output_type, &[metric], true, score.n);
        self.set("results", name, result_row(name, metric, score));
    }

    fn describe(&mut self, name: &str, output_type: &str, metrics: &[&str], higher: bool, n: usize) {
        let list: Vec<Value> =
            metrics.iter().map(|metric| json!({"metric": metric, "higher_is_better": higher})).collect();
        let better: Map<String, Value> = metrics.iter().map(|metric| ((*metric).to_owned(), json!(higher))).collect();
        let mut config = json!({
            "task": name, "output_type": output_type, "num_fewshot": 0, "metric_list": list,
            "metadata": {"version": TASK_VERSION},
        });
        if output_type == "generate_until" {
            config["generation_kwargs"] = json!({"until": ["<|im_end|>"], "do_sample": false, "temperature": 0.0});
        }
        self.set("group_subtasks", name, json!([]));
        self.set("configs", name, config);
        self.set("versions", name, json!(TASK_VERSION));
        self.set("n-shot", name, json!(0));
        self.set("higher_is_better", name, Value::Object(better));
        self.set("n-samples", name, json!({"original": n, "effective": n}));
    }

    fn set(&mut self, part: &str, name: &str, value: Value) {
        if let Some(Value::Object(map)) = self.parts.get_mut(part) {
            map.insert(name.to_owned(), value);
        }
    }
}

fn result_row(name: &str, metric: &str, score: &Score) -> Value {
    json!({
        "alias": name, "sample_len": score.n,
        format!("{metric},none"): score.score, format!("{metric}_stderr,none"): score.stderr,
    })
}

/// One line of a samples file.
fn question(index: usize, sample: &Sample) -> Value {
    let doc = json!({
        "id": sample.id, "task": sample.task, "lang": sample.language, "prompt": sample.prompt,
        "answer": sample.expected,
    });
    let target = extracted(&sample.expected, sample.extract).unwrap_or_else(|| sample.expected.clone());
    json!({
        "doc_id": index, "doc_hash": hash(&pretty(&doc)), "doc": doc,
        "target": target, "target_hash": hash(&target),
        "arguments": {"gen_args_0": {"arg_0": sample.rendered, "arg_1": {
            "until": ["<|im_end|>"], "do_sample": false, "temperature": 0.0, "max_gen_toks": sample.max_tokens,
        }}},
        "prompt_hash": hash(&sample.rendered),
        "resps": [[sample.answer]], "filtered_resps": [sample.extracted.as_deref().unwrap_or("[invalid]")],
        "filter": "none", "metrics": ["exact_match"], "exact_match": if sample.correct { 1.0 } else { 0.0 },
    })
}

/// `facts_en`; whatever could not stand in a file name becomes an underscore.
fn task_name(task: &str, detail: &str) -> String {
    let name = if detail.is_empty() { task.to_owned() } else { format!("{task}_{detail}") };
    let fits = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    let name: String = name.chars().map(|character| if fits(character) { character } else { '_' }).collect();
    if name.is_empty() { "task".into() } else { name }
}

/// As Python's `json.dumps(…, indent=2, ensure_ascii=False)`, which the harness hashes.
fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use lang::chat::ChatTemplate;
    use lang::instance::Extract;

    use super::*;
    use crate::scripted::{Scripted, item, tokenizer};
    use crate::{bits_per_byte, exact_match};

    #[test]
    fn files_have_the_harness_shape() {
        let tokenizer = tokenizer();
        let template = ChatTemplate::chatml();
        let items = [
            item("a", "facts", "en", "Where does Mina live?", "Larkhaven", Extract::Whole),
            item("b", "facts", "en", "Where does Teo live?", "the mill", Extract::Whole),
            item("c", "facts", "zh", "米娜住在哪里？", "云雀港", Extract::Whole),
            item("d", "sums/steps", "", "What is 4 + 3?", "4 + 3 = 7", Extract::LastNumber),
        ];
        let mut model = Scripted::new(&tokenizer, None);
        model.answers(&template, &items[0].prompt, "Larkhaven");
        model.answers(&template, &items[1].prompt, "Larkhaven");
        model.answers(&template, &items[2].prompt, "云雀港");
        model.answers(&template, &items[3].prompt, "I do not know");
        let answers = exact_match(&model, &tokenizer, &template, &items, None, &|_, _| ()).unwrap();
        let held_out = bits_per_byte(&model, &tokenizer, &["Mina lives".into()], &|_, _| ()).unwrap();
        let mut results = HarnessResults::new("tuned", "models/tuned");
        results.add_exact_match(&answers);
        results.add_held_out("held_out", &held_out);
        let dir = tempfile::tempdir().unwrap();
        let files = results.write(dir.path()).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
        let expected = ["results.json", "samples_facts_en.jsonl", "samples_facts_zh.jsonl", "samples_sums_steps.jsonl"];
        assert_eq!(names, expected);

        let json: Value = serde_json::from_str(&fs::read_to_string(&files[0]).unwrap()).unwrap();
        assert_eq!(json["results"]["facts_en"]["exact_match,none"], 0.5);
        assert_eq!(json["results"]["facts_en"]["exact_match_stderr,none"], 0.5);
        assert_eq!(json["group_subtasks"]["facts"], json!(["facts_en", "facts_zh"]));
        assert_eq!(json["n-samples"]["sums_steps"], json!({"original": 1, "effective": 1}));
        assert!(json["results"]["held_out"]["bits_per_byte,none"].as_f64().unwrap() > 0.0);
        for part in PARTS {
            assert!(json[part].is_object(), "{part}");
        }

        let line: Value = serde_json::from_str(fs::read_to_string(&files[3]).unwrap().trim_end()).unwrap();
        assert_eq!((&line["target"], &line["exact_match"]), (&json!("7"), &json!(0.0)));
        assert_eq!((&line["resps"], &line["filtered_resps"]), (&json!([["I do not know"]]), &json!(["[invalid]"])));
        let prompt = line["arguments"]["gen_args_0"]["arg_0"].as_str().unwrap();
        assert!(prompt.ends_with("<|im_start|>assistant\n"));
        // Python: hashlib.sha256("7".encode()).hexdigest()
        assert_eq!(line["target_hash"], "7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451");

        let missing = results.write(&dir.path().join("missing")).unwrap_err().to_string();
        assert!(missing.contains("missing") && missing.contains("hint:"));
    }

    /// Made with Python: hashlib.sha256(json.dumps(doc, indent=2, ensure_ascii=False).encode()).hexdigest()
    #[test]
    fn document_hashes_are_those_of_the_harness() {
        let doc = json!({"id": "a", "lang": "zh", "prompt": "米娜 \"x\"\n", "n": [1, 2.5], "none": []});
        assert_eq!(hash(&pretty(&doc)), "3c483c268078fb9b7e2fc95bb4fbfddfba6b1a2f342fdb6c04c23c91157978f8");
    }
}
