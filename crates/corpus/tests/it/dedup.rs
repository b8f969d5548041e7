//! Document deduplication against the peers' own numbers, against brute force, and against the S-curve.

use std::collections::{BTreeMap, BTreeSet};

use corpus::dedup::{
    DocumentDedup, DocumentOptions, Family, Fingerprinter, NearOptions, Normalisation, Reason, Representative, Shingle,
    ShingleHash, Summary, best_bands, similarity,
};
use lang::rng::Rng;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../data/datatrove.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect()
}

#[test]
fn texts_are_normalised_as_datatrove_does() {
    for case in golden()["normalised"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let mut out = String::new();
        Normalisation::ALL.apply(text, &mut out);
        assert_eq!(out, case["normalised"].as_str().unwrap(), "{text:?}");
    }
}

#[test]
fn signatures_are_datatroves() {
    let golden = golden();
    for (preset, hash) in [("datatrove", "xxhash"), ("fineweb", "sha1")] {
        let maker = Fingerprinter::new(&DocumentOptions::preset(preset).unwrap()).unwrap();
        for case in golden["signatures"].as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let found = maker.signature(text).unwrap_or_default();
            assert_eq!(found, numbers(&case[hash]), "{preset} {:.40}", text);
        }
    }
    let other = &golden["other"];
    let number = |key: &str| other[key].as_u64().unwrap() as usize;
    let mut options = DocumentOptions::preset("datatrove").unwrap();
    let near = options.near.as_mut().unwrap();
    (near.bands, near.rows, near.seed) = (number("bands"), number("rows"), number("seed") as u32);
    near.shingle = Shingle::Words(number("words"));
    let text = golden["normalised"][3]["text"].as_str().unwrap();
    assert_eq!(Fingerprinter::new(&options).unwrap().signature(text).unwrap(), numbers(&other["signature"]));
}

#[test]
fn bands_are_datasketchs() {
    for case in golden()["bands"].as_array().unwrap() {
        let hashes = case["hashes"].as_u64().unwrap() as usize;
        let expected = numbers(&case["bands"]);
        let (bands, rows) = best_bands(case["threshold"].as_f64().unwrap(), hashes);
        assert_eq!([bands as u64, rows as u64], expected[..], "{case}");
    }
}

/// A word nobody else has.
fn word(number: u64) -> String {
    format!("w{number}x")
}

/// Two texts of single-word shingles with `common` words of `union` in common.
fn pair(rng: &mut Rng, common: usize, union: usize) -> (String, String) {
    let words: Vec<String> = (0..union).map(|_| word(rng.next_u64())).collect();
    let own = (union - common) / 2;
    let a: Vec<&str> = words[..common + own].iter().map(String::as_str).collect();
    let b: Vec<&str> = words[..common].iter().chain(&words[common + own..]).map(String::as_str).collect();
    (a.join(" "), b.join(" "))
}

/// How often pairs of a known similarity become candidates, for both families of hash functions and several shapes.
#[test]
fn candidates_follow_the_curve() {
    let mut rng = Rng::new(11);
    let mut check = |family: Family, bands: usize, rows: usize, common: usize, seed: u32| {
        let near = NearOptions {
            normalisation: Normalisation::NONE,
            shingle: Shingle::Words(1),
            hash: ShingleHash::Xxh3,
            whole_if_short: true,
            family,
            seed,
            bands,
            rows,
            verify: None,
        };
        let s = common as f64 / 100.0;
        let expected = near.chance(s);
        let options = DocumentOptions { near: Some(near), ..DocumentOptions::default() };
        let maker = Fingerprinter::new(&options).unwrap();
        let pairs = 4000;
        let found = (0..pairs)
            .filter(|_| {
                let (a, b) = pair(&mut rng, common, 100);
                let (a, b) = (maker.fingerprint(&a), maker.fingerprint(&b));
                a.bands.iter().zip(&b.bands).any(|(a, b)| a == b)
            })
            .count();
        let rate = found as f64 / f64::from(pairs);
        // Two points, and three standard deviations of the count.
        let allowed = 0.02 + 3.0 * (expected * (1.0 - expected) / f64::from(pairs)).sqrt();
        assert!((rate - expected).abs() <= allowed, "{family:?} {bands}x{rows} at {s}: {rate} for {expected}");
    };
    for family in [Family::Mersenne, Family::MultiplyShift] {
        for common in [40, 60, 70, 80, 90] {
            check(family, 14, 8, common, 1);
            check(family, 25, 5, common, 0);
        }
        check(family, 9, 13, 80, 3);
        check(family, 20, 13, 80, 4);
    }
}

/// Documents with known noise: groups of variants of one text, some of them equal, some empty.
fn noisy(groups: usize, seed: u64) -> Vec<String> {
    let mut rng = Rng::new(seed);
    let mut out = Vec::new();
    for _ in 0..groups {
        let length = 60 + rng.below(200);
        let base: Vec<String> = (0..length).map(|_| format!("t{}", rng.below(5000))).collect();
        for _ in 0..=rng.below(5) {
            let mut words = base.clone();
            for _ in 0..rng.below(8) {
                let place = rng.below(words.len() as u64) as usize;
                words[place] = word(rng.below(1_000_000));
            }
            out.push(words.join(if rng.below(4) == 0 { "  " } else { " " }));
        }
        if rng.below(10) == 0 {
            out.push(String::new());
        }
    }
    // Any order.
    for i in (1..out.len()).rev() {
        out.swap(i, rng.below(i as u64 + 1) as usize);
    }
    out
}

type Found = (Vec<Vec<u64>>, BTreeMap<u64, Reason>, Summary);

fn run(texts: &[String], options: &DocumentOptions, memory: u64) -> Found {
    let place = tempfile::tempdir().unwrap();
    let mut dedup = DocumentDedup::new(options, memory, place.path()).unwrap();
    for (number, text) in texts.iter().enumerate() {
        assert_eq!(dedup.add(&format!("id-{number}"), text).unwrap(), number as u64);
    }
    let mut verdicts = dedup.finish().unwrap();
    let summary = verdicts.summary();
    let mut reasons = BTreeMap::new();
    for verdict in verdicts.by_ref() {
        let verdict = verdict.unwrap();
        assert!(reasons.insert(verdict.document, verdict.reason).is_none());
        assert_eq!(verdict.kept(), verdict.reason == Reason::Representative);
    }
    let mut clusters: Vec<Vec<u64>> = Vec::new();
    for member in verdicts.into_clusters() {
        let member = member.unwrap();
        assert_eq!(member.id, format!("id-{}", member.verdict.document));
        assert_eq!(reasons[&member.verdict.document], member.verdict.reason);
        if member.verdict.kept() {
            clusters.push(Vec::new());
        }
        let cluster = clusters.last_mut().unwrap();
        cluster.push(member.verdict.document);
        assert_eq!(cluster[0], member.verdict.representative);
        assert!(cluster.len() as u64 <= member.verdict.cluster_size);
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "temporary files are gone");
    assert_eq!(summary.clusters as usize, clusters.len());
    assert_eq!(summary.dropped as usize, clusters.iter().map(|c| c.len() - 1).sum::<usize>());
    assert_eq!(summary.kept + summary.dropped, texts.len() as u64);
    (clusters, reasons, summary)
}

/// Clusters of all pairs at the threshold, by comparing everything with everything.
fn brute_force(texts: &[String], options: &DocumentOptions, threshold: f64) -> Vec<Vec<u64>> {
    let maker = Fingerprinter::new(options).unwrap();
    let prints: Vec<_> = texts.iter().map(|text| maker.fingerprint(text)).collect();
    let mut of: Vec<usize> = (0..texts.len()).collect();
    for b in 0..texts.len() {
        for a in 0..b {
            let same = prints[a].exact == prints[b].exact || similarity(&prints[a].set, &prints[b].set) >= threshold;
            if same && of[a] != of[b] {
                let (into, from) = (of[a].min(of[b]), of[a].max(of[b]));
                of.iter_mut().filter(|o| **o == from).for_each(|o| *o = into);
            }
        }
    }
    let mut clusters: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for (number, &cluster) in of.iter().enumerate() {
        clusters.entry(cluster).or_default().push(number as u64);
    }
    clusters.into_values().filter(|cluster| cluster.len() > 1).collect()
}

#[test]
fn clusters_are_those_of_brute_force() {
    let options = DocumentOptions::default();
    for seed in 0..3 {
        let texts = noisy(150, seed);
        let (clusters, reasons, summary) = run(&texts, &options, 16 << 20);
        assert_eq!(clusters, brute_force(&texts, &options, corpus::dedup::THRESHOLD), "seed {seed}");
        assert!(summary.clusters > 30 && summary.dropped_same_text > 3, "the test tests something: {summary:?}");
        assert!(reasons.values().any(|r| *r == Reason::SimilarText));
    }
}

/// The smallest budget spills every sorter many times; the clusters are the same.
#[test]
fn budget_and_threads_change_nothing() {
    let mut texts = noisy(1200, 9);
    texts.extend(std::iter::repeat_n("The same words again and again, everywhere.".to_string(), 3000));
    let options = DocumentOptions::preset("default").unwrap();
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let wide = pool(3).install(|| run(&texts, &options, 1 << 30));
    let narrow = pool(1).install(|| run(&texts, &options, 16 << 20));
    assert_eq!(wide.0, narrow.0);
    assert_eq!(wide.1, narrow.1);
    // More bands than memory holds: 450 a document.
    let refinedweb = DocumentOptions::preset("refinedweb").unwrap();
    let wide = run(&texts[..2500], &refinedweb, 1 << 30);
    let narrow = run(&texts[..2500], &refinedweb, 16 << 20);
    assert!(narrow.2.scratch_bytes > wide.2.scratch_bytes + 10_000_000, "{:?}", narrow.2);
    assert_eq!(wide.0, narrow.0);
}

#[test]
fn the_longest_can_stand_for_its_cluster() {
    let mut options = DocumentOptions::preset("exact").unwrap();
    options.representative = Representative::Longest;
    let texts = ["a b", "x", "A  B ", "a   b ", "a b    ", "y", "x", "y  "].map(str::to_string);
    let (clusters, _, _) = run(&texts, &options, 16 << 20);
    assert_eq!(clusters, [vec![4, 3, 2, 0], vec![1, 6], vec![7, 5]]);
}

#[test]
fn odd_corpora() {
    let options = DocumentOptions::default();
    assert_eq!(run(&[], &options, 16 << 20).2.documents, 0);
    let one = ["only one".to_string()];
    assert_eq!(run(&one, &options, 16 << 20).2, Summary { documents: 1, kept: 1, ..run(&one, &options, 16 << 20).2 });
    let empties = vec![String::new(); 5];
    assert_eq!(run(&empties, &options, 16 << 20).0, [vec![0, 1, 2, 3, 4]]);
    // A giant beside its copy with a changed end.
    let giant: String = (0..400_000u64).map(|i| format!("{} ", i * 7919 % 1_000_003)).collect();
    let texts = [giant.clone(), "small".to_string(), format!("{giant} and an end")];
    assert_eq!(run(&texts, &options, 16 << 20).0, [vec![0, 2]]);
    let little = DocumentDedup::new(&options, 1 << 20, &std::env::temp_dir()).map(|_| ());
    let message = little.unwrap_err().to_string();
    assert!(message.contains("16777216") && message.contains("--memory 16MiB"), "{message}");
}

#[test]
fn chinese_texts_are_compared_by_character() {
    let base = "小船在河上慢慢地走，两边的山很高，天空很蓝。孩子们坐在船头，看着水里的鱼。老人说，明天会下雨，我们要早点回家。";
    let near = base.replace("明天", "后天");
    let other = "城里的市场今天很热闹，卖菜的人从早上四点就来了。大家都想买新鲜的白菜和豆腐，价格比昨天便宜一点。";
    let texts = [base.to_string(), other.to_string(), near];
    assert_eq!(run(&texts, &DocumentOptions::default(), 16 << 20).0, [vec![0, 2]]);
}

/// Ten planted pairs among a thousand news articles.
#[test]
fn planted_pairs_of_real_articles_are_found() {
    let Some(path) = crate::real::data("dedup/articles_1000.train.zst") else { return };
    let text = String::from_utf8_lossy(&crate::real::unpacked(&path)).into_owned();
    let articles: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    let truth = std::fs::read_to_string(path.with_file_name("articles_1000.truth")).unwrap();
    let truth: BTreeSet<Vec<&str>> = truth
        .lines()
        .map(|line| {
            let mut pair: Vec<&str> = line.split_whitespace().collect();
            pair.sort_by_key(|id| articles.iter().position(|(other, _)| other == id));
            pair
        })
        .collect();
    let texts: Vec<String> = articles.iter().map(|(_, text)| (*text).to_string()).collect();
    for preset in ["default", "fineweb", "refinedweb", "nemo", "data-juicer", "text-dedup"] {
        let (clusters, _, _) = run(&texts, &DocumentOptions::preset(preset).unwrap(), 64 << 20);
        let found: BTreeSet<Vec<&str>> =
            clusters.iter().map(|cluster| cluster.iter().map(|&n| articles[n as usize].0).collect()).collect();
        assert_eq!(found, truth, "{preset}");
    }
}
