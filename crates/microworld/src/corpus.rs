//! The corpus: documents of all kinds in one order, with the noise asked for and the truth about each.

use crate::documents;
use crate::noise::{self, NoiseConfig, Planted};
use crate::split::Split;
use crate::world::Language;
use lang::document::Document;
use lang::instance::EvalItem;
use lang::rng::Rng;
use lang::truth::{DocumentKind, Truth};

/// What corpus to make.
#[derive(Clone, Debug)]
pub struct CorpusConfig {
    /// Seed of everything.
    pub seed: u64,
    /// Whose worlds are told.
    pub split: Split,
    /// How many documents.
    pub documents: usize,
    /// Share of clean documents in Chinese, in `[0, 1]`.
    pub chinese_share: f64,
    /// What is planted, and how much of it.
    pub noise: NoiseConfig,
    /// The items that test leaks leak. Without any, no leak is planted.
    pub eval_items: Vec<EvalItem>,
}

/// All documents in corpus order, each with the truth about it.
pub fn corpus(config: &CorpusConfig) -> Vec<(Document, Truth)> {
    (0..config.documents).map(|index| document(config, index)).collect()
}

/// The document at `index`, made without the others (a duplicate makes its original again).
pub fn document(config: &CorpusConfig, index: usize) -> (Document, Truth) {
    let planted = noise::plan(config, index);
    let mut rng = Rng::for_item(config.seed, &config.split.stream("noise text"), index as u64);
    let mut truth = Truth {
        id: id(config.split, index),
        kind: DocumentKind::Clean,
        of: None,
        boilerplate: vec![],
        personal: vec![],
    };
    let text = match planted {
        Planted::Lines { boilerplate, personal } => {
            let (language, mut text) = clean_text(config, index);
            if personal {
                (text, truth.personal) = noise::personal::plant(&mut rng, &text, language);
            }
            if boilerplate {
                (text, truth.boilerplate) = noise::boilerplate::plant(&mut rng, &text, language);
            }
            text
        }
        Planted::ExactDuplicate { of } => {
            truth.kind = DocumentKind::ExactDuplicate;
            truth.of = Some(id(config.split, of));
            clean_text(config, of).1
        }
        Planted::NearDuplicate { of } => {
            truth.kind = DocumentKind::NearDuplicate;
            truth.of = Some(id(config.split, of));
            noise::duplicates::edit(&mut rng, &clean_text(config, of).1)
        }
        Planted::Gibberish => {
            truth.kind = DocumentKind::Gibberish;
            noise::gibberish::generate(&mut rng)
        }
        Planted::WrongLanguage => {
            truth.kind = DocumentKind::WrongLanguage;
            noise::foreign::generate(&mut rng)
        }
        Planted::TestLeak { item } => {
            let item = &config.eval_items[item];
            truth.kind = DocumentKind::TestLeak;
            truth.of = Some(item.id.clone());
            noise::leak::plant(&mut rng, &clean_text(config, index).1, item)
        }
    };
    let document = Document { id: truth.id.clone(), text, source: "microworld".to_owned(), ..Document::default() };
    (document, truth)
}

/// The clean text that stands, or would stand, at `index`.
fn clean_text(config: &CorpusConfig, index: usize) -> (Language, String) {
    let mut rng = Rng::for_item(config.seed, &config.split.stream("document"), index as u64);
    let language = Language::draw(&mut rng, config.chinese_share);
    (language, documents::generate(&mut rng, config.split, language))
}

fn id(split: Split, index: usize) -> String {
    match split {
        Split::Train => format!("mw-{index:06}"),
        Split::HeldOut => format!("mw-held-out-{index:06}"),
    }
}
