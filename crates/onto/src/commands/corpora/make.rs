//! `onto corpus make`

use anyhow::Result;
use serde_json::json;

use crate::cli::MakeArguments;
use crate::commands::{Session, finished};
use crate::recipe::Recipe;
use crate::run::source::make_microworld;
use crate::run::stage::Stage;

pub fn make(session: &Session, arguments: &MakeArguments) -> Result<()> {
    let out = session.out()?;
    let mut recipe = Recipe::load(None, &session.global.set)?;
    recipe.seed = session.seed(recipe.seed);
    recipe.corpus.documents = arguments.documents;
    recipe.corpus.chinese_share = arguments.chinese_share;
    recipe.corpus.noise = recipe.corpus.noise.scaled(arguments.noise);
    let problems = recipe.problems();
    if !problems.is_empty() {
        let hint = "hint: --documents, --chinese-share and --noise (which scales all of corpus.noise) set these";
        return Err(crate::terminal::Usage(format!("{}\n{hint}", problems.join("\n"))).into());
    }
    let context = session.context(&out);
    let stage = Stage {
        name: "source",
        kind: "corpus",
        path: &out,
        config: json!({"corpus": recipe.corpus, "items_per_task": recipe.evaluate.items_per_task,
                       "generator": microworld::GENERATOR_VERSION}),
        seed: recipe.seed,
        inputs: Vec::new(),
    };
    let (manifest, record) = context.stage(stage, |dir, _| make_microworld(&recipe, dir))?;
    finished(session, &out, &manifest, record.skipped)
}
