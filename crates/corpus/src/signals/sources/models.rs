//! What models say of a text: the classifier's score and the perplexity.

use crate::signals::view::View;
use crate::signals::{Column, Family, Out};

pub static FAMILY: Family = Family {
    name: "models",
    source: "the classifier and the language model named by --classifier and --model",
    columns: &[
        Column::number("quality_score", "chance that the text is a good one, by the classifier"),
        Column::number("perplexity", "perplexity by the language model"),
    ],
    measure,
};

fn measure(view: &View<'_>, out: &mut Out<'_>) {
    if let Some(classifier) = &view.options.classifier {
        out.set(0, classifier.score(view.text));
    }
    // A text the model cannot read has no perplexity: rules about it are undefined and named as such.
    if let Some(perplexity) = &view.options.perplexity
        && let Ok(Some(value)) = perplexity.score(view.text)
    {
        out.set(1, value);
    }
}
