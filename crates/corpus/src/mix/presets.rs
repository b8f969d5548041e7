//! Published mixtures as data: one file each under `presets/`, with its citation, shares and, where published, epochs.

use super::Mixture;

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        /// Every published mixture: its name, and its file.
        pub const PRESETS: &[(&str, &str)] = &[$(($name, include_str!(concat!("presets/", $name, ".toml")))),*];
    };
}

presets!(
    "alphacode",
    "chinchilla",
    "codegen",
    "dolma-3",
    "galactica",
    "glam",
    "gopher",
    "gpt-3",
    "gpt-3-175b",
    "gpt-neox",
    "lamda",
    "llama",
    "llama-65b",
    "mt-nlg",
    "mt5",
    "palm",
    "pile",
    "t5",
);

/// The mixture of that name.
pub fn preset(name: &str) -> Option<Mixture> {
    let (_, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
    Some(toml::from_str(text).expect("every preset is parsed by the tests of this module"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_mixed() {
        assert!(PRESETS.is_sorted());
        for (name, _) in PRESETS {
            let mixture = preset(name).unwrap();
            assert_eq!(mixture.name, *name);
            assert!(!mixture.citation.is_empty());
            mixture.check().unwrap();
            let sum: f64 = mixture.source.iter().map(|source| source.share.unwrap()).sum();
            // Rounded percents are off by a few; GPT-3's are published with a sum of 105.
            assert!((0.97..=1.051).contains(&sum), "{name}: {sum}");
            let sizes = vec![1_000_000; mixture.source.len()];
            let targets = mixture.resolve(&sizes, Some(1_000_000)).unwrap();
            assert_eq!(targets.iter().map(|target| target.tokens).sum::<u64>(), 1_000_000);
        }
    }

    #[test]
    fn llama_is_as_published() {
        let targets = preset("llama").unwrap().resolve(&[1_000_000; 7], Some(1_000_000)).unwrap();
        let tokens: Vec<u64> = targets.iter().map(|target| target.tokens).collect();
        assert_eq!(tokens, [670_000, 150_000, 45_000, 45_000, 45_000, 25_000, 20_000]);
    }
}
