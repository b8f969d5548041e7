//! The corpus targets without a nightly toolchain: seeds are mutated blindly, with debug assertions on, and what panics or takes
//! long is kept.
//!
//!     cargo run --manifest-path fuzz/Cargo.toml --example drive -- SECONDS [TARGET...]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use lang::rng::Rng;

/// An input that takes longer is a finding.
const LONG: Duration = Duration::from_secs(5);
/// Inputs that are kept and mutated further.
const MOST: usize = 400;

/// Names of targets with what they do.
const TARGETS: [(&str, fn(&[u8])); 9] = [
    ("corpus_warc", |bytes| fuzz::read_documents("x.warc", bytes)),
    ("corpus_warc_gz", |bytes| fuzz::read_documents("x.warc.gz", bytes)),
    ("corpus_mediawiki", fuzz::read_mediawiki),
    ("corpus_html", fuzz::read_page),
    ("corpus_jsonl", |bytes| fuzz::read_documents("x.jsonl", bytes)),
    ("corpus_parquet", |bytes| fuzz::read_documents("x.parquet", bytes)),
    ("corpus_text", |bytes| fuzz::read_documents("x.txt", bytes)),
    ("corpus_bzip2", |bytes| fuzz::read_documents("x.txt.bz2", bytes)),
    ("corpus_zstd", |bytes| fuzz::read_documents("x.jsonl.zst", bytes)),
];

/// Some changes, each of a kind drawn anew.
fn mutate(pool: &[Vec<u8>], dice: &mut Rng) -> Vec<u8> {
    let mut bytes = pool[dice.index(pool.len())].clone();
    for _ in 0..=dice.index(6) {
        let at = dice.index(bytes.len() + 1);
        let end = (at + (1 << dice.index(8))).min(bytes.len()).max(at);
        match dice.index(9) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << dice.index(8),
            2 if at < bytes.len() => bytes[at] = [0, 0xff, 0x7f, 0x80, b'<', b'{', b'"', b'\n'][dice.index(8)],
            3 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(dice.index(256) as u8),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let copy = bytes[at..end].to_vec();
                let to = dice.index(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            6 => {
                let other = &pool[dice.index(pool.len())];
                let from = dice.index(other.len() + 1);
                let until = (from + dice.index(64)).min(other.len());
                bytes.splice(at..end.min(at + 64), other[from..until].iter().copied());
            }
            7 => {
                let number = ["0", "-1", "4294967296", "18446744073709551615", "99999999999999999999", "1e999"][dice.index(6)];
                bytes.splice(at..at, number.bytes());
            }
            _ => {
                let noise: Vec<u8> = (0..dice.index(8)).map(|_| dice.index(256) as u8).collect();
                bytes.splice(at..at, noise);
            }
        }
        bytes.truncate(1 << 16);
    }
    bytes
}

fn keep(name: &str, kind: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(name);
    std::fs::create_dir_all(&folder).expect("a folder for what was found");
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let path = folder.join(format!("{kind}-{hash:016x}"));
    std::fs::write(&path, bytes).expect("what was found");
    println!("{name}: {kind}: {}", path.display());
}

fn main() {
    let mut words = std::env::args().skip(1);
    let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or(60);
    let wanted: Vec<String> = words.collect();
    let mut found = 0;
    for (name, target) in TARGETS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name)) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let mut paths: Vec<_> = std::fs::read_dir(&folder).expect("oracle/fuzz_seeds.py writes seeds").flatten().map(|e| e.path()).collect();
        paths.sort();
        let mut pool: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect();
        let seeds = pool.len();
        let mut dice = Rng::new(0x9e37_79b9_7f4a_7c15);
        let (begun, mut runs, mut findings) = (Instant::now(), 0u64, 0);
        let mut longest = Duration::ZERO;
        while begun.elapsed() < Duration::from_secs(seconds) && findings < 5 {
            let bytes = mutate(&pool, &mut dice);
            let start = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
            let took = start.elapsed();
            runs += 1;
            longest = longest.max(took);
            if result.is_err() || took > LONG {
                keep(name, if result.is_err() { "panic" } else { "long" }, &bytes);
                findings += 1;
            } else if dice.index(20) == 0 {
                // Some go on to be changed further; the seeds stay.
                if pool.len() < seeds + MOST {
                    pool.push(bytes);
                } else {
                    let at = seeds + dice.index(MOST);
                    pool[at] = bytes;
                }
            }
        }
        println!("{name}: {runs} inputs, longest {longest:?}, {findings} findings");
        found += findings;
    }
    std::process::exit(i32::from(found > 0));
}
