//! The sections of a recipe, one plain struct a stage, and what their values must satisfy.

use serde::{Deserialize, Serialize};

use corpus::clean::CleanConfig;
use nn::{Decoder, DecoderConfig, ExpertsConfig, Model, NnError, RecurrentConfig, RecurrentModel};
use tensor::Cell;
use train::{DpoConfig, TrainConfig};

use super::noise::NoiseSection;

/// One whole life.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipe {
    /// Name of the run; it writes under `runs/<name>/`.
    pub name: String,
    /// One sentence on what this life is; it heads the report.
    pub title: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Where text comes from.
    pub corpus: CorpusSection,
    /// How it is cleaned.
    pub clean: CleanConfig,
    /// How it is cut into tokens.
    pub tokenizer: TokenizerSection,
    /// The counting baseline.
    pub ngram: NgramSection,
    /// The shape of the neural model.
    pub model: ModelSection,
    /// Learning the language.
    pub pretrain: PretrainSection,
    /// Learning to follow instructions.
    pub tune: TuneSection,
    /// Learning what people prefer.
    pub align: AlignSection,
    /// Measuring it.
    pub evaluate: EvaluateSection,
    /// What the run must reach; shown as met or missed in the report.
    pub goals: GoalsSection,
}

/// Where text comes from: a folder or file of real text, or the Microworld when `path` is empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct CorpusSection {
    /// A file or a folder of `.txt .md .jsonl(.gz|.zst) .parquet`; empty: the embedded Microworld.
    pub path: String,
    /// Text files longer than this many bytes are cut at paragraph ends into documents; 0: never.
    pub split_bytes: usize,
    /// Share of the documents of `path` held out for measuring.
    pub held_out_share: f64,
    /// Documents of Microworld text to make.
    pub documents: usize,
    /// Documents of the held-out world.
    pub held_out_documents: usize,
    /// Share of Microworld text in Chinese.
    pub chinese_share: f64,
    /// Share of Microworld documents with each kind of planted noise.
    pub noise: NoiseSection,
}

/// How text is cut into tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenizerSection {
    /// Tokens in the vocabulary, special ones included.
    pub vocab_size: usize,
    /// Pairs seen less often are not merged.
    pub min_frequency: u64,
    /// Keep every Han character a token of its own, so that Chinese names are cut the same way everywhere.
    pub split_han: bool,
    /// Join a space to its word last of all, so that words are cut the same way with and without it.
    pub space_last: bool,
}

/// The counting baseline.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct NgramSection {
    /// Order: a model of order n conditions on n-1 tokens.
    pub order: usize,
}

/// The shape of the neural model; vocabulary and special tokens come from the tokenizer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSection {
    /// `llama` (RMSNorm, rotary positions, SwiGLU), `gpt2` (LayerNorm, learned positions, GELU, biases), or a recurrent
    /// model: `rnn`, `lstm`, `gru`.
    pub family: String,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Key-value heads that the heads share; ignored by `gpt2`.
    pub kv_heads: usize,
    /// Width inside the feed-forward block; ignored by recurrent models, as are heads, context and positions.
    pub intermediate_size: usize,
    /// Feed-forward blocks (experts) in every layer of `llama`, each `intermediate_size` wide, of which a router chooses some
    /// for every token; 0: one block that all tokens go through.
    pub experts: usize,
    /// How many experts a token goes through.
    pub experts_per_token: usize,
    /// Weight of the loss that keeps the load of the experts even.
    pub balance_loss: f64,
    /// Weight of the loss that keeps the router's logits small.
    pub router_z_loss: f64,
    /// Width of the token vectors of a recurrent model; 0: as wide as the hidden states, which a tied head needs.
    pub embedding_size: usize,
    /// Longest context in tokens.
    pub context: usize,
    /// Whether the output projection is the embedding table.
    pub tie_embeddings: bool,
    /// How the weights begin: `normal`, or `copying` (LLaMA shape with a head of its own), which puts an induction circuit into the first
    /// two layers instead of waiting for it to grow.
    pub start: String,
    /// Standard deviation of the initial weights.
    pub init_std: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
}

/// Learning the language.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PretrainSection {
    /// Whether a token sees only its own document inside a row.
    pub separate_documents: bool,
    /// The loop.
    #[serde(flatten)]
    pub train: TrainConfig,
}

/// Learning to follow instructions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct TuneSection {
    /// JSONL of conversations (`messages`); empty: made from the Microworld or from the corpus itself.
    pub path: String,
    /// Conversations to make.
    pub conversations: usize,
    /// The loop.
    #[serde(flatten)]
    pub train: TrainConfig,
}

/// Learning what people prefer (DPO, Rafailov et al. 2023).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AlignSection {
    /// JSONL of pairs (`prompt`, `chosen`, `rejected`); empty: made from the Microworld or from the corpus itself.
    pub path: String,
    /// Pairs to make.
    pub pairs: usize,
    /// Strength of the pull towards the tuned model.
    pub beta: f64,
    /// Weight of the likelihood of the chosen answer beside the preference loss.
    pub sft_weight: f64,
    /// The loop.
    #[serde(flatten)]
    pub train: TrainConfig,
}

/// Measuring it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct EvaluateSection {
    /// Held-out questions for each task.
    pub items_per_task: usize,
    /// Held-out preference pairs.
    pub pairs: usize,
    /// Held-out documents scored for bits per byte.
    pub documents: usize,
    /// Longest answer in tokens.
    pub max_tokens: usize,
    /// Free samples in the report.
    pub samples: usize,
    /// Prompts of the free samples; empty: beginnings of held-out documents.
    pub prompts: Vec<String>,
}

/// What the run must reach. A goal at 0 is not shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GoalsSection {
    /// Least exact match of the tuned model.
    pub tuned_exact_match: f64,
    /// Exact match that the base model must stay below.
    pub base_exact_match_below: f64,
    /// Least gain of preference accuracy through alignment.
    pub preference_gain: f64,
    /// Most exact match that alignment may lose.
    pub exact_match_loss: f64,
    /// Least precision and recall of the cleaning, for each planted kind.
    pub cleaning: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            name: String::new(),
            title: String::new(),
            seed: 1,
            corpus: CorpusSection::default(),
            clean: CleanConfig::default(),
            tokenizer: TokenizerSection::default(),
            ngram: NgramSection::default(),
            model: ModelSection::default(),
            pretrain: PretrainSection::default(),
            tune: TuneSection::default(),
            align: AlignSection::default(),
            evaluate: EvaluateSection::default(),
            goals: GoalsSection::default(),
        }
    }
}

impl Default for CorpusSection {
    fn default() -> Self {
        CorpusSection {
            path: String::new(),
            split_bytes: 0,
            held_out_share: 0.05,
            documents: 12_000,
            held_out_documents: 400,
            chinese_share: 0.3,
            noise: NoiseSection::default(),
        }
    }
}

impl Default for TokenizerSection {
    fn default() -> Self {
        TokenizerSection { vocab_size: 2048, min_frequency: 2, split_han: false, space_last: false }
    }
}

impl Default for NgramSection {
    fn default() -> Self {
        NgramSection { order: 4 }
    }
}

impl Default for ModelSection {
    fn default() -> Self {
        ModelSection {
            family: "llama".to_owned(),
            hidden_size: 128,
            layers: 4,
            heads: 4,
            kv_heads: 2,
            intermediate_size: 384,
            experts: 0,
            experts_per_token: 2,
            balance_loss: 0.01,
            router_z_loss: 0.001,
            embedding_size: 0,
            context: 512,
            tie_embeddings: true,
            start: "normal".to_owned(),
            init_std: 0.02,
            rope_theta: 10_000.0,
        }
    }
}

impl Default for TuneSection {
    fn default() -> Self {
        TuneSection { path: String::new(), conversations: 10_000, train: TrainConfig::default() }
    }
}

impl Default for AlignSection {
    fn default() -> Self {
        AlignSection { path: String::new(), pairs: 2_000, beta: 0.1, sft_weight: 0.1, train: TrainConfig::default() }
    }
}

impl Default for EvaluateSection {
    fn default() -> Self {
        EvaluateSection {
            items_per_task: 100,
            pairs: 300,
            documents: 400,
            max_tokens: 96,
            samples: 4,
            prompts: Vec::new(),
        }
    }
}

impl ModelSection {
    /// The model this section describes, for a vocabulary.
    ///
    /// # Errors
    /// Why there can be none.
    pub fn model(&self, vocab_size: usize, beginning_of_text: u32, end_of_text: u32) -> Result<Model, NnError> {
        Ok(match self.cell() {
            Some(cell) => {
                let shape = self.recurrent(cell, vocab_size, beginning_of_text, end_of_text);
                Model::Recurrent(RecurrentModel::new(shape)?)
            }
            None => Model::Decoder(Decoder::new(self.decoder(vocab_size, beginning_of_text, end_of_text))?),
        })
    }

    /// Why there can be no model of this shape; nothing is made.
    fn check(&self, vocab_size: usize) -> Result<(), NnError> {
        match self.cell() {
            Some(cell) => self.recurrent(cell, vocab_size, 0, 0).check(),
            None => self.decoder(vocab_size, 0, 0).check(),
        }
    }

    /// What a recurrent model's layers compute.
    fn cell(&self) -> Option<Cell> {
        Cell::ALL.into_iter().find(|cell| cell.name() == self.family)
    }

    fn recurrent(&self, cell: Cell, vocab_size: usize, bos_token_id: u32, eos_token_id: u32) -> RecurrentConfig {
        RecurrentConfig {
            cell,
            vocab_size,
            embedding_size: if self.embedding_size == 0 { self.hidden_size } else { self.embedding_size },
            hidden_size: self.hidden_size,
            n_layers: self.layers,
            tie_word_embeddings: self.tie_embeddings,
            bos_token_id,
            eos_token_id,
        }
    }

    /// The decoder this section describes, for a vocabulary.
    fn decoder(&self, vocab_size: usize, beginning_of_text: u32, end_of_text: u32) -> DecoderConfig {
        let base = if self.family == "gpt2" {
            DecoderConfig::gpt2(vocab_size, self.hidden_size, self.layers, self.heads)
        } else {
            DecoderConfig {
                vocab_size,
                hidden_size: self.hidden_size,
                n_layers: self.layers,
                n_heads: self.heads,
                n_kv_heads: self.kv_heads,
                position: nn::PositionKind::Rope { theta: self.rope_theta },
                experts: (self.experts > 0).then_some(ExpertsConfig {
                    n_experts: self.experts,
                    n_chosen: self.experts_per_token,
                    balance_loss: self.balance_loss,
                    z_loss: self.router_z_loss,
                }),
                ..DecoderConfig::default()
            }
        };
        DecoderConfig {
            intermediate_size: self.intermediate_size,
            max_position_embeddings: self.context,
            tie_word_embeddings: self.tie_embeddings,
            init_std: self.init_std,
            bos_token_id: beginning_of_text,
            eos_token_id: end_of_text,
            ..base
        }
    }
}

impl AlignSection {
    /// The preference loss of these settings.
    pub fn dpo(&self) -> DpoConfig {
        DpoConfig { beta: self.beta, label_smoothing: self.train.label_smoothing, sft_weight: self.sft_weight }
    }
}

impl Recipe {
    /// A recipe with a value in every key, for the schema of known keys.
    pub fn schema_example() -> Recipe {
        Recipe::default()
    }

    /// Longest instance made from plain text, in characters, so that prompt and answer fit the shortest sequence they
    /// are trained on. English runs at three to four characters a token; two leave room for other text.
    pub fn instance_chars(&self) -> usize {
        2 * self.tune.train.sequence_length.min(self.align.train.sequence_length)
    }

    /// Every value that cannot work, each in a line that names the key.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut share = |key: &str, value: f64, high: f64| {
            if !(0.0..=high).contains(&value) {
                problems.push(format!("{key} = {value}: expected a share from 0 to {high}"));
            }
        };
        share("corpus.chinese_share", self.corpus.chinese_share, 1.0);
        share("corpus.held_out_share", self.corpus.held_out_share, 0.5);
        let noise = &self.corpus.noise;
        let kinds = [
            ("boilerplate", noise.boilerplate),
            ("exact_duplicate", noise.exact_duplicate),
            ("near_duplicate", noise.near_duplicate),
            ("pii", noise.pii),
            ("gibberish", noise.gibberish),
            ("wrong_language", noise.wrong_language),
            ("test_leak", noise.test_leak),
        ];
        for (kind, value) in kinds {
            share(&format!("corpus.noise.{kind}"), value, 0.5);
        }
        let planted: f64 = kinds.iter().map(|kind| kind.1).sum();
        if planted > 0.9 {
            problems.push(format!("corpus.noise: the shares add up to {planted}; at most 0.9 can be noise"));
        }
        let mut at_least = |key: &str, value: usize, low: usize| {
            if value < low {
                problems.push(format!("{key} = {value}: expected at least {low}"));
            }
        };
        at_least("corpus.documents", self.corpus.documents, 1);
        at_least("corpus.held_out_documents", self.corpus.held_out_documents, 1);
        // 256 bytes and three special tokens stand in every vocabulary.
        at_least("tokenizer.vocab_size", self.tokenizer.vocab_size, 260);
        at_least("ngram.order", self.ngram.order, 1);
        at_least("model.context", self.model.context, 8);
        at_least("evaluate.items_per_task", self.evaluate.items_per_task, 1);
        at_least("evaluate.pairs", self.evaluate.pairs, 1);
        at_least("evaluate.documents", self.evaluate.documents, 1);
        at_least("evaluate.max_tokens", self.evaluate.max_tokens, 1);
        at_least("tune.conversations", self.tune.conversations, 1);
        at_least("align.pairs", self.align.pairs, 1);
        // Far beyond any machine's memory, so that a slip of the finger is told before it is tried.
        for (key, value) in [
            ("corpus.documents", self.corpus.documents),
            ("corpus.held_out_documents", self.corpus.held_out_documents),
            ("evaluate.items_per_task", self.evaluate.items_per_task),
            ("evaluate.pairs", self.evaluate.pairs),
            ("tune.conversations", self.tune.conversations),
            ("align.pairs", self.align.pairs),
        ] {
            if value > 100_000_000 {
                problems.push(format!("{key} = {value}: expected at most 100000000"));
            }
        }
        if self.ngram.order > 6 {
            problems.push(format!("ngram.order = {}: expected 1 to 6", self.ngram.order));
        }
        if self.align.beta.is_nan() || self.align.beta <= 0.0 {
            problems.push(format!("align.beta = {}: expected more than 0", self.align.beta));
        }
        if self.align.train.label_smoothing >= 0.5 {
            let smoothing = self.align.train.label_smoothing;
            problems.push(format!("align.label_smoothing = {smoothing}: expected at least 0 and below 0.5"));
        }
        if self.align.sft_weight.is_nan() || self.align.sft_weight < 0.0 {
            problems.push(format!("align.sft_weight = {}: expected 0 or more", self.align.sft_weight));
        }
        let is_recurrent = self.model.cell().is_some();
        if !is_recurrent && !["llama", "gpt2"].contains(&self.model.family.as_str()) {
            problems.push(format!(
                "model.family = \"{}\": expected \"llama\", \"gpt2\", \"rnn\", \"lstm\" or \"gru\"",
                self.model.family
            ));
        }
        if self.model.experts > 0 && self.model.family != "llama" {
            problems.push(format!("model.experts = {}: needs model.family = \"llama\"", self.model.experts));
        }
        for (section, train) in [("tune", &self.tune.train), ("align", &self.align.train)] {
            if train.carry_state {
                problems.push(format!("{section}.carry_state = true: expected false: only running text is carried on"));
            }
        }
        if self.pretrain.train.carry_state && (!is_recurrent || self.pretrain.separate_documents) {
            problems.push(
                "pretrain.carry_state = true: needs a recurrent model.family and pretrain.separate_documents = false"
                    .to_owned(),
            );
        }
        if !["normal", "copying"].contains(&self.model.start.as_str()) {
            problems.push(format!("model.start = \"{}\": expected \"normal\" or \"copying\"", self.model.start));
        }
        let model = &self.model;
        let can_copy = model.family == "llama" && model.experts == 0 && model.layers >= 2 && !model.tie_embeddings;
        if model.start == "copying" && !can_copy {
            problems.push(
                "model.start = \"copying\": needs model.family = \"llama\" without experts, model.layers of 2 or more and \
                 model.tie_embeddings = false"
                    .to_owned(),
            );
        }
        for (section, train) in
            [("pretrain", &self.pretrain.train), ("tune", &self.tune.train), ("align", &self.align.train)]
        {
            let dpo = self.align.dpo();
            let of_loss = if section == "align" { dpo.check_settings(train, section) } else { Ok(()) };
            for error in [train.validate(section), of_loss].into_iter().filter_map(Result::err) {
                problems.push(error.to_string());
            }
            let tokens = [train.batch_size, train.gradient_accumulation, train.sequence_length]
                .iter()
                .try_fold(1usize, |product, &factor| product.checked_mul(factor));
            if tokens.is_none_or(|tokens| tokens > MOST_TOKENS_A_STEP) {
                problems.push(format!(
                    "{section}.batch_size × {section}.gradient_accumulation × {section}.sequence_length: expected at \
                     most {MOST_TOKENS_A_STEP} tokens a step"
                ));
            }
            if !is_recurrent && train.sequence_length > self.model.context {
                problems.push(format!(
                    "{section}.sequence_length = {}: expected at most model.context = {}",
                    train.sequence_length, self.model.context
                ));
            }
        }
        if let Err(error) = self.model.check(self.tokenizer.vocab_size) {
            problems.push(super::keys::in_keys_of_the_recipe(&error.to_string()));
        }
        let model = &self.model;
        let [layers, hidden, inner, words] =
            [model.layers, model.hidden_size, model.intermediate_size, self.tokenizer.vocab_size].map(|n| n as f64);
        let blocks = model.experts.max(1) as f64;
        let parameters = layers * hidden * (4.0 * hidden + 3.0 * inner * blocks) + words * hidden;
        if parameters > 1e12 {
            problems.push(format!(
                "model shape: {parameters:.0e} parameters: expected at most 1e12\nhint: lower model.hidden_size, \
                 model.intermediate_size or model.layers"
            ));
        }
        if let Err(error) = self.clean.validate() {
            problems.push(error.to_string());
        }
        if self.name.is_empty() || self.name.contains(['/', '\\']) || self.name.starts_with('.') {
            problems.push(format!("name = \"{}\": expected a plain folder name", self.name));
        }
        problems
    }
}

/// The largest published batches hold tens of millions of tokens.
const MOST_TOKENS_A_STEP: usize = 1 << 30;
