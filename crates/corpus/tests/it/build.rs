//! Builds: the same bytes however the work is cut and however often it is stopped, and what becomes of documents.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use corpus::CorpusError;
use corpus::build::report::BuildReport;
use corpus::build::{Build, BuildConfig, Decision, LEAST_MEMORY, OutputFormat, build};
use corpus::policy::Policy;
use lang::document::Document;
use lang::instance::EvalItem;

const STORY: &str = "The old lamp in the harbour was lit every evening by a keeper who knew the names of all the boats. \
                     When fog came in from the sea he rang a bell, and the boats answered one after another.";

fn texts() -> Vec<String> {
    let places = ["harbour", "village", "valley", "forest", "market", "island", "castle", "bridge"];
    let things = ["lamp", "kite", "drum", "clock", "mirror", "violin", "ladder", "basket", "wheel"];
    let mut out = Vec::new();
    for (i, place) in places.iter().enumerate() {
        for (j, thing) in things.iter().enumerate() {
            out.push(format!(
                "In the {place} number {i} there was a {thing} that nobody had used for {} years. One day a child found the \
                 {thing} and took it home, where the family of {} people looked at it for a long time. They said that the \
                 {place} had been better with it, so the child brought the {thing} back before evening number {j}.",
                7 * i + 3 * j + 2,
                i + j + 2
            ));
        }
    }
    out
}

/// Files of every kind of document a build has to do with.
fn corpus(folder: &Path) -> PathBuf {
    let input = folder.join("in");
    fs::create_dir_all(&input).unwrap();
    let line = |id: &str, text: &str| format!("{}\n", serde_json::json!({"id": id, "text": text, "source": "tales"}));
    let mut lines = String::new();
    for (index, text) in texts().iter().enumerate() {
        lines.push_str(&line(&format!("t{index}"), text));
    }
    fs::write(input.join("a.jsonl"), &lines).unwrap();
    let mut more = String::new();
    more.push_str(&line("again", &texts()[3].to_uppercase()));
    more.push_str(&line("nearly", &texts()[5].replace("One day", "Then")));
    more.push_str(&line("t4", STORY));
    more.push_str(&line("t4~2", "A short letter to a friend about the weather and the garden behind the house."));
    more.push_str(&line(
        "menu",
        "Home | News | Contact | Log in\nA painter walked along the shore and counted the white stones, because her teacher had told her that a picture needs patience more than colour. It was the last light.\nShare this on Facebook",
    ));
    more.push_str(&line(
        "german",
        "Der kleine Hund lief über die Straße und suchte seinen Ball im Garten, aber er war nicht da.",
    ));
    more.push_str(&line("noise", "xqzt wkfjd bvncm qpwlx zxcvb jhgfd trwqk plmkj xqzt wkfjd bvncm"));
    more.push_str(&line(
        "mail",
        "Write to anna.keller@example.org if you want to see the boats in the harbour this summer.",
    ));
    more.push_str(&line(
        "leak",
        "They asked: how many boats can the seven captains of Brinmoor repair in one long winter? Nobody knew.",
    ));
    more.push_str("{broken\n");
    fs::write(input.join("b.jsonl"), &more).unwrap();
    input
}

fn items() -> Vec<EvalItem> {
    let question = "how many boats can the seven captains of Brinmoor repair in one long winter?";
    let item = serde_json::json!({"id": "q1", "task": "boats", "lang": "en", "answer": "twelve",
                                  "prompt": [{"role": "user", "content": question}]});
    vec![serde_json::from_value(item).unwrap()]
}

struct Setting<'s> {
    config: BuildConfig,
    threads: usize,
    interrupted: &'s (dyn Fn() -> bool + Sync),
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Setting { config: BuildConfig::default(), threads: 2, interrupted: &|| false }
    }
}

fn run(input: &Path, folder: &Path, name: &str, setting: &Setting<'_>) -> Result<BuildReport, CorpusError> {
    let out = folder.join(name);
    fs::create_dir_all(&out).unwrap();
    let policies: Vec<Policy> = setting.config.policies.iter().map(|name| Policy::preset(name).unwrap()).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(setting.threads).build().unwrap();
    pool.install(|| {
        build(&Build {
            inputs: &[input.to_path_buf()],
            config: &setting.config,
            policies: &policies,
            signals: &corpus::signals::TagOptions::default(),
            held_out: &items(),
            work: &folder.join(format!("{name}.work")),
            out: &out,
            memory: LEAST_MEMORY,
            watch: &|_, _, _| {},
            interrupted: setting.interrupted,
        })
    })
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn decisions(folder: &Path) -> BTreeMap<String, Decision> {
    let text = fs::read_to_string(folder.join("decisions.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str::<Decision>(line).unwrap()).map(|d| (d.id.clone(), d)).collect()
}

fn documents(folder: &Path) -> Vec<Document> {
    let text = fs::read_to_string(folder.join("documents.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_document_has_a_decision_and_those_that_stay_are_clean() {
    let folder = tempfile::tempdir().unwrap();
    let input = corpus(folder.path());
    let report = run(&input, folder.path(), "out", &Setting::default()).unwrap();
    let out = folder.path().join("out");
    let decisions = decisions(&out);
    let rule = |id: &str| decisions[id].rule.as_deref();
    assert_eq!(rule("again"), Some("duplicates"));
    assert_eq!(decisions["again"].duplicate_of.as_deref(), Some("t3"));
    assert_eq!(decisions["nearly"].duplicate_of.as_deref(), Some("t5"));
    assert_eq!(rule("german"), Some("language"));
    assert_eq!(rule("noise"), Some("statistics"));
    assert_eq!(rule("leak"), Some("decontamination"));
    assert_eq!(rule("menu"), None);
    assert_eq!(decisions["menu"].removed_lines, ["Home | News | Contact | Log in", "Share this on Facebook"]);
    assert_eq!(decisions["mail"].masked[0].text, "anna.keller@example.org");
    let documents = documents(&out);
    assert_eq!(documents.len() as u64, report.account.all.after.documents);
    assert_eq!(report.account.all.before.documents, 81);
    assert_eq!(report.n_problems, 1, "{:?}", report.problems);
    let text = |id: &str| &documents.iter().find(|document| document.id == id).unwrap().text;
    assert!(!text("mail").contains("keller"), "{}", text("mail"));
    assert!(text("menu").ends_with("the last light."));
    // The second `t4` becomes `t4~2`, which another document has.
    let ids: std::collections::BTreeSet<&str> = documents.iter().map(|document| document.id.as_str()).collect();
    assert_eq!(ids.len(), documents.len());
    assert!(ids.contains("t4") && ids.contains("t4~2"));
    assert_eq!(text("t4~2"), "A short letter to a friend about the weather and the garden behind the house.");
    // Every step takes what the one before it let through.
    for pair in report.account.steps.windows(2) {
        assert_eq!(pair[0].after.documents, pair[1].before.documents);
    }
    assert_eq!(report.clusters.clusters, 2);
}

#[test]
fn workers_and_the_size_of_units_change_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let input = corpus(folder.path());
    run(&input, folder.path(), "one", &Setting { threads: 1, ..Setting::default() }).unwrap();
    let one = files(&folder.path().join("one"));
    for threads in [2, 7] {
        let name = format!("with {threads}");
        run(&input, folder.path(), &name, &Setting { threads, ..Setting::default() }).unwrap();
        assert!(files(&folder.path().join(name)) == one, "{threads} threads");
    }
    // Units of a few documents: more batches would need megabytes, but ids and places must not change.
    let mut config = BuildConfig::default();
    config.read.unit_bytes = 3000;
    run(&input, folder.path(), "small", &Setting { config, ..Setting::default() }).unwrap();
    let small = files(&folder.path().join("small"));
    for name in ["documents.jsonl", "decisions.jsonl", "clusters.jsonl"] {
        assert!(small[name] == one[name], "{name}");
    }
}

#[test]
fn a_build_that_was_stopped_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let input = corpus(folder.path());
    run(&input, folder.path(), "whole", &Setting::default()).unwrap();
    let asked = AtomicUsize::new(0);
    let mut stops = 0;
    for limit in 1.. {
        asked.store(0, Ordering::SeqCst);
        // Each attempt gets one question further than the one before it.
        let interrupted = || asked.fetch_add(1, Ordering::SeqCst) >= limit;
        match run(&input, folder.path(), "parts", &Setting { interrupted: &interrupted, ..Setting::default() }) {
            Ok(_) => break,
            Err(CorpusError::Stopped) => stops += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(stops >= 2, "{stops}");
    assert!(files(&folder.path().join("parts")) == files(&folder.path().join("whole")));
}

#[test]
fn policies_decide_where_they_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let input = corpus(folder.path());
    let config = BuildConfig { policies: vec!["gopher".to_owned()], ..BuildConfig::default() };
    let report = run(&input, folder.path(), "out", &Setting { config, ..Setting::default() }).unwrap();
    let names: Vec<&str> = report.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["gopher", "duplicates", "decontamination", "personal_data"]);
    let decisions = decisions(&folder.path().join("out"));
    // Fewer than fifty words.
    assert_eq!(decisions["mail"].rule.as_deref(), Some("gopher"));
    assert!(decisions["mail"].reason.contains(": datatrove_"), "{}", decisions["mail"].reason);
    assert_eq!(decisions["t0"].rule, None);
}

/// Files with a notice in many documents and a long passage in two that are no duplicates of each other.
fn with_repeats(folder: &Path) -> PathBuf {
    let input = corpus(folder);
    let notice = "All pictures of this page were taken by the harbour office.";
    let lines = |ids: std::ops::Range<usize>, between: &str| -> String {
        let texts = texts();
        ids.map(|i| {
            let text = format!(
                "{} {}\n{notice}\n{between} {}",
                texts[i],
                i * 31,
                texts[(i + 17) % texts.len()].to_uppercase()
            );
            format!("{}\n", serde_json::json!({"id": format!("r{i}"), "text": text}))
        })
        .collect()
    };
    fs::write(input.join("c.jsonl"), lines(0..20, &format!("{STORY} {STORY} In between.")) + &lines(30..34, ""))
        .unwrap();
    input
}

#[test]
fn repeated_parts_are_cut_at_every_level_named_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let input = with_repeats(folder.path());
    let config = BuildConfig {
        own_rules: Some(false),
        duplicates: Some("exact".to_owned()),
        repeats: vec!["line".to_owned(), "substring".to_owned()],
        ..BuildConfig::default()
    };
    let setting = |threads| Setting { config: config.clone(), threads, ..Setting::default() };
    let report = run(&input, folder.path(), "one", &setting(1)).unwrap();
    let names: Vec<&str> = report.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["duplicates", "repeated_line", "repeated_substring", "decontamination", "personal_data"]);
    for pair in report.account.steps.windows(2) {
        assert_eq!(pair[0].after, pair[1].before);
    }
    let [line, substring] = [1, 2].map(|step| &report.account.steps[step]);
    assert!(line.edited >= 23 && line.reasons["part"] >= 23, "{line:?}");
    assert!(substring.edited >= 20 && line.after.bytes > substring.after.bytes, "{substring:?}");
    let one = folder.path().join("one");
    let found = documents(&one);
    assert_eq!(found.iter().filter(|document| document.text.contains("All pictures of this page")).count(), 1);
    // The story stands twice in the first of twenty documents, and alone in one that is shorter than a run.
    let stories = |document: &Document| document.text.matches("a keeper who knew the names of all the boats").count();
    assert_eq!(found.iter().map(stories).sum::<usize>(), 3);
    let told = &decisions(&one)["r3"];
    assert!(
        told.rule.is_none()
            && told
                .removed_parts
                .iter()
                .any(|part| part == "All pictures of this page were taken by the harbour office.")
    );
    assert!(told.removed_parts.iter().any(|part| part.contains("a keeper who knew the names")), "{told:?}");
    // Any number of workers, and any number of stops.
    run(&input, folder.path(), "seven", &setting(7)).unwrap();
    assert!(files(&folder.path().join("seven")) == files(&one));
    let asked = AtomicUsize::new(0);
    for limit in 1.. {
        asked.store(0, Ordering::SeqCst);
        let interrupted = || asked.fetch_add(1, Ordering::SeqCst) >= limit;
        match run(&input, folder.path(), "stopped", &Setting { interrupted: &interrupted, ..setting(2) }) {
            Ok(_) => break,
            Err(CorpusError::Stopped) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(files(&folder.path().join("stopped")) == files(&one));
    let config = BuildConfig { repeats: vec!["linne".to_owned()], ..BuildConfig::default() };
    let error = run(&input, folder.path(), "bad", &Setting { config, ..Setting::default() }).unwrap_err().to_string();
    assert!(error.contains("linne") && error.contains("paragraph"), "{error}");
}

#[test]
fn rules_that_could_not_be_asked_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let input = corpus(folder.path());
    let config = BuildConfig { policies: vec!["dclm".to_owned()], ..BuildConfig::default() };
    let report = run(&input, folder.path(), "out", &Setting { config, ..Setting::default() }).unwrap();
    let quality = report.unasked.iter().find(|said| said.contains("rule `quality` of policy dclm")).unwrap();
    assert!(quality.contains("any of the") && quality.contains("--classifier"), "{quality}");
    assert!(report.unasked.iter().any(|said| said.contains("`url_domain`") && said.contains("--url-lists")));
    // Personal data is looked for where a policy asks for it.
    let config = BuildConfig { policies: vec!["dolma".to_owned()], ..BuildConfig::default() };
    let report = run(&input, folder.path(), "dolma", &Setting { config, ..Setting::default() }).unwrap();
    assert!(!report.unasked.iter().any(|said| said.contains("personal_spans")), "{:?}", report.unasked);
}

#[test]
fn of_a_made_corpus_only_the_documents_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    fs::create_dir_all(&made).unwrap();
    let read = || corpus::read::read(&made, &corpus::read::ReadOptions::default(), &|_, _, _| {}).unwrap();
    for name in ["documents.jsonl", "held-out.jsonl", "decisions.jsonl"] {
        fs::write(made.join(name), format!("{{\"id\":\"{name}\",\"text\":\"a text\"}}\n")).unwrap();
    }
    assert_eq!(read().0.len(), 3);
    fs::write(made.join("manifest.json"), r#"{"kind":"corpus","more":[]}"#).unwrap();
    let (documents, report) = read();
    assert_eq!((documents.len(), &*documents[0].id, report.n_problems), (1, "documents.jsonl", 0));
    fs::write(made.join("manifest.json"), r#"{"kind":"instances"}"#).unwrap();
    assert_eq!(read().0.len(), 3);
}

#[test]
fn packed_corpora_hold_the_same_documents() {
    let folder = tempfile::tempdir().unwrap();
    let input = corpus(folder.path());
    run(&input, folder.path(), "plain", &Setting::default()).unwrap();
    let plain = fs::read(folder.path().join("plain/documents.jsonl")).unwrap();
    for format in [OutputFormat::JsonlZst, OutputFormat::JsonlGz, OutputFormat::Parquet] {
        let config = BuildConfig { format, ..BuildConfig::default() };
        run(&input, folder.path(), format.ending(), &Setting { config, ..Setting::default() }).unwrap();
        let packed = folder.path().join(format.ending()).join(format!("documents.{}", format.ending()));
        let (found, _) = corpus::read::read(&packed, &corpus::read::ReadOptions::default(), &|_, _, _| {}).unwrap();
        let lines: Vec<u8> =
            found.iter().flat_map(|d| [serde_json::to_vec(d).unwrap(), b"\n".to_vec()].concat()).collect();
        assert!(lines == plain, "{format:?}");
    }
}

#[test]
fn what_cannot_work_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let input = corpus(folder.path());
    let config = BuildConfig { duplicates: Some("finewep".to_owned()), ..BuildConfig::default() };
    let error = run(&input, folder.path(), "a", &Setting { config, ..Setting::default() }).unwrap_err().to_string();
    assert!(error.contains("finewep") && error.contains("fineweb"), "{error}");
    let error = run(&folder.path().join("nowhere"), folder.path(), "b", &Setting::default()).unwrap_err().to_string();
    assert!(error.contains("nowhere"), "{error}");
    let empty = folder.path().join("empty");
    fs::create_dir_all(&empty).unwrap();
    assert!(matches!(run(&empty, folder.path(), "c", &Setting::default()), Err(CorpusError::NoDocuments { .. })));
}
