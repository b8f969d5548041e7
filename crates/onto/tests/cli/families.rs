//! Models of other kinds than the usual decoder, from a recipe or a folder to scores and text: mixtures of experts, recurrent
//! models, encoders.

use nn::{Encoder, EncoderConfig, EncoderDecoder, EncoderDecoderConfig, Network as _};
use serde_json::Value;

use crate::support::{Home, Ran, bytes, json};
use crate::wordpiece::wordpiece;

/// A corpus and a tokenizer to pre-train with.
fn ready() -> Home {
    let home = Home::new();
    home.onto(&["corpus", "make", "--documents", "160", "--noise", "0", "--out", "text"]).ok();
    home.onto(&["tokenizer", "train", "text", "--vocab-size", "400", "--out", "tokens"]).ok();
    home
}

fn pretrain(home: &Home, out: &str, set: &[&str]) -> Ran {
    let mut arguments =
        vec!["pretrain", "--recipe", "tiny.toml", "--data", "text", "--tokenizer", "tokens", "--out", out];
    set.iter().for_each(|pair| arguments.extend(["--set", pair]));
    home.onto(&arguments)
}

/// Scores and writes with a model, which is the same twice.
fn use_it(home: &Home, model: &str) {
    let text = home.write("story.txt", b"The baker rises early. The children come for bread before school.\n");
    let score = || home.onto(&["score", "--model", model, "--text", text.to_str().unwrap(), "--json"]).ok().json();
    let found = score();
    assert!(found["log_prob"].as_f64().unwrap() < 0.0 && found["tokens"].as_u64().unwrap() > 10, "{found}");
    assert_eq!(found, score());
    let write = |max: &str| {
        let settings = ["--max-tokens", max, "--temperature", "0.8", "--seed", "3", "--json"];
        let arguments = [&["generate", "--model", model, "--prompt", "The baker"][..], &settings].concat();
        home.onto(&arguments).ok().json()
    };
    // Longer than the context of the recipe, for a recurrent model.
    let (short, long) = (write("6"), write("12"));
    assert_eq!(short["tokens"], 6, "{short}");
    let text = |written: &Value| written["text"].as_str().unwrap().to_owned();
    assert!(text(&long).starts_with(text(&short).trim_end_matches('\u{fffd}')), "{long} {short}");
    let info = home.onto(&["info", model, "--json"]).ok().json();
    assert!(info["parameters"].as_u64().unwrap() > 1000 && info["verified"] == true, "{info}");
}

#[test]
fn a_mixture_of_experts_is_trained_scored_and_written_with() {
    let home = ready();
    let experts = ["model.experts=4", "model.experts_per_token=2", "model.intermediate_size=32"];
    pretrain(&home, "mixture", &experts).ok();
    use_it(&home, "mixture");
    let config = json(&home.path("mixture/config.json"));
    assert_eq!((&config["model_type"], &config["num_local_experts"]), (&Value::from("mixtral"), &Value::from(4)));
    let log = String::from_utf8(bytes(&home.path("mixture.logs/metrics.jsonl"))).unwrap();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    let number = |key: &str| last[key].as_f64().unwrap_or_else(|| panic!("{key} is not in {last}"));
    let total = number("loss") + 0.01 * number("balance_loss") + 0.001 * number("router_z_loss");
    assert!((number("total_loss") - total).abs() < 1e-9, "{last}");
    assert!((1.5..4.0).contains(&number("balance_loss")), "{last}");

    // Checkpointed blocks give the same weights.
    let blocks = [&experts[..], &["pretrain.activation_checkpointing=block"]].concat();
    pretrain(&home, "blocks", &blocks).ok();
    assert!(bytes(&home.path("mixture/model.safetensors")) == bytes(&home.path("blocks/model.safetensors")));

    pretrain(&home, "bad", &["model.experts=4", "model.experts_per_token=5"])
        .fails(1, &["a token cannot go through 5 of 4 experts", "model.experts_per_token"]);
    pretrain(&home, "bad", &["model.experts=4", "model.family=gpt2"]).fails(1, &["model.experts", "llama"]);
    assert!(!home.path("bad").exists());
}

#[test]
fn recurrent_models_are_trained_scored_and_written_with() {
    let home = ready();
    let sizes = ["model.hidden_size=24", "model.embedding_size=24", "pretrain.carry_state=true"];
    for family in ["rnn", "lstm", "gru"] {
        let named = format!("model.family={family}");
        let set = [&sizes[..], &[named.as_str()]].concat();
        pretrain(&home, family, &set).ok();
        use_it(&home, family);
        assert_eq!(json(&home.path(&format!("{family}/config.json")))["cell"], family);
    }
    let ran = home.onto(&["pretrain", "replay", "lstm", "--step", "7"]).ok();
    assert!(ran.stderr.contains("the same to the last bit"), "{}", ran.stderr);

    let refused = ["a recurrent model.family", "pretrain.separate_documents"];
    pretrain(&home, "bad", &["pretrain.carry_state=true"]).fails(1, &refused);
    let set = ["model.family=lstm", "pretrain.carry_state=true", "pretrain.separate_documents=true"];
    pretrain(&home, "bad", &set).fails(1, &refused);
    let set = ["model.family=lstm", "model.hidden_size=24", "model.embedding_size=16"];
    pretrain(&home, "bad", &set).fails(1, &["a tied head of width 24 on an embedding of 16", "model.tie_embeddings"]);
    pretrain(&home, "bad", &["model.family=elman"]).fails(1, &["model.family", "\"gru\""]);
    assert!(!home.path("bad").exists());
}

/// A whole life of an LSTM: tuned, aligned and evaluated by the code that does so with a decoder.
#[test]
fn an_lstm_lives_a_whole_life() {
    let home = Home::new();
    home.onto(&["run", "tiny.toml", "--set", "model.family=lstm", "--set", "model.hidden_size=24"]).ok();
    let report = json(&home.path("runs/tiny/report.json"));
    assert!(report["metrics"]["base.bits_per_byte"].as_f64().unwrap() > 0.0);
    assert!(home.path("runs/tiny/models/aligned/model.safetensors").exists());
}

#[test]
fn an_encoder_is_scored_and_does_not_write() {
    let home = Home::new();
    let words = ["the", "cat", "sat", "on", "a", "mat", ".", "dog", "ran"];
    let config = EncoderConfig {
        vocab_size: 14,
        hidden_size: 16,
        n_layers: 1,
        n_heads: 2,
        intermediate_size: 16,
        max_position_embeddings: 16,
        ..EncoderConfig::default()
    };
    let network = Encoder::new(config).unwrap();
    network.save(&network.init(1), &home.path("bert")).unwrap();
    home.write("bert/tokenizer.json", wordpiece(&words).as_bytes());
    home.write("text.txt", b"The cat sat on a mat. The dog ran. The cat sat on a mat. The dog ran on the mat.");
    let score = home.onto(&["score", "--model", "bert", "--text", "text.txt", "--json"]).ok().json();
    assert_eq!(score["tokens"], 25, "{score}");
    // Fresh weights know nothing: every token of fourteen is as likely as another.
    let nats = -score["log_prob"].as_f64().unwrap() / 25.0;
    assert!((nats - 14f64.ln()).abs() < 0.1, "{nats}");
    let parameters = home.onto(&["info", "bert", "--json"]).ok().json()["parameters"].clone();
    assert_eq!(parameters, network.n_parameters());
    home.onto(&["generate", "--model", "bert", "--prompt", "the cat"])
        .fails(1, &["an encoder fills in masked tokens", "to write, take a decoder"]);

    let t5 = EncoderDecoder::new(EncoderDecoderConfig {
        vocab_size: 14,
        hidden_size: 16,
        n_layers: 1,
        n_decoder_layers: 1,
        ..EncoderDecoderConfig::default()
    })
    .unwrap();
    t5.save(&t5.init(1), &home.path("t5")).unwrap();
    home.write("t5/tokenizer.json", wordpiece(&words).as_bytes());
    home.onto(&["score", "--model", "t5", "--text", "text.txt"]).fails(1, &["reads one text and writes another"]);
    home.onto(&["info", "t5"]).ok();
}
