//! Instances to learn from, made in the three ways there are: from task data sets through a library of `templates`, from
//! daily chat (`import`), and by a model itself (`self_instruct`, whose pool is kept various by `rouge`).
//!
//! Here, instruction data made from any plain documents, so that real text too can be tuned on, aligned on and measured:
//! continue a text, find a sentence in it, write a text with given words. The answers are the documents' own words.
//!
//! Everything is drawn from [`Rng`] streams by item, so item `i` is the same whatever `count` is.

pub mod import;
mod passage;
mod phrasing;
pub mod rouge;
pub mod self_instruct;
pub mod templates;

use lang::document::Document;
use lang::instance::{Conversation, EvalItem, Extract, Message, Preference};
use lang::rng::Rng;

use passage::Passage;

/// The tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// The next sentences of a text.
    Continue,
    /// The first sentence of the text in the prompt.
    FirstSentence,
    /// The sentence after a given one of the text in the prompt.
    NextSentence,
    /// A text that has given words.
    Words,
}

impl Task {
    fn name(self) -> &'static str {
        match self {
            Task::Continue => "continue",
            Task::FirstSentence => "first_sentence",
            Task::NextSentence => "next_sentence",
            Task::Words => "words",
        }
    }
}

/// Tasks to learn from, in turn; copying stands for half of them, because it is what can be measured exactly.
const LEARNED: [Task; 6] =
    [Task::Continue, Task::FirstSentence, Task::NextSentence, Task::Words, Task::FirstSentence, Task::NextSentence];

/// Tasks with one right answer.
const MEASURED: [Task; 2] = [Task::FirstSentence, Task::NextSentence];

/// Documents tried for one item before the corpus counts as unfit for it.
const TRIES: usize = 50;

/// Up to `count` one-turn conversations from `documents`; prompt and answer together have at most `max_chars`
/// characters. Fewer, when the documents have too few or too long sentences.
pub fn conversations(documents: &[Document], seed: u64, count: usize, max_chars: usize) -> Vec<Conversation> {
    let make = |index: usize| {
        let task = LEARNED[index % LEARNED.len()];
        let mut rng = Rng::for_item(seed, "instances/conversations", index as u64);
        let (prompt, answer, lang) =
            try_documents(documents, &mut rng, |text, rng| instance(text, task, max_chars, rng))?;
        Some(Conversation {
            id: format!("{}-{index}", task.name()),
            messages: vec![Message::user(prompt), Message::assistant(answer)],
            task: task.name().to_string(),
            lang,
            ..Conversation::default()
        })
    };
    (0..count).filter_map(make).collect()
}

/// Up to `per_task` items for each task with one right answer (`first_sentence`, `next_sentence`).
pub fn evaluation(documents: &[Document], seed: u64, per_task: usize, max_chars: usize) -> Vec<EvalItem> {
    let mut out = Vec::with_capacity(per_task * MEASURED.len());
    for task in MEASURED {
        for index in 0..per_task {
            let mut rng = Rng::for_item(seed, &format!("instances/evaluation/{}", task.name()), index as u64);
            let made = try_documents(documents, &mut rng, |text, rng| instance(text, task, max_chars, rng));
            if let Some((prompt, answer, lang)) = made {
                out.push(EvalItem {
                    id: format!("{}-{index}", task.name()),
                    task: task.name().to_string(),
                    prompt: vec![Message::user(prompt)],
                    answer,
                    extract: Extract::Whole,
                    lang,
                });
            }
        }
    }
    out
}

/// Up to `count` preference pairs: the true continuation of a text against an equally long one that is not: from
/// another document, the true one with its sentences in another order, or with its words in another order.
pub fn preferences(documents: &[Document], seed: u64, count: usize, max_chars: usize) -> Vec<Preference> {
    let make = |index: usize| {
        let mut rng = Rng::for_item(seed, "instances/preferences", index as u64);
        let passage = try_passage(documents, &mut rng, |text, rng| Passage::draw(text, 2, 6, max_chars * 2 / 3, rng))?;
        let (prompt, chosen) = continuation(&passage, &mut rng);
        let rejected = match index % 3 {
            0 => foreign_continuation(documents, &passage, chosen.chars().count(), &mut rng),
            1 => passage.shuffled_sentences(&chosen, &mut rng),
            _ => None,
        };
        let rejected = rejected.or_else(|| passage.shuffled_words(&chosen, &mut rng)).filter(|text| *text != chosen)?;
        Some(Preference {
            id: format!("continue-{index}"),
            prompt: vec![Message::user(prompt)],
            chosen,
            rejected,
            task: "continue".to_string(),
            lang: passage.lang().to_string(),
        })
    };
    (0..count).filter_map(make).collect()
}

fn try_documents(
    documents: &[Document],
    rng: &mut Rng,
    make: impl Fn(&str, &mut Rng) -> Option<(String, String, String)>,
) -> Option<(String, String, String)> {
    if documents.is_empty() {
        return None;
    }
    (0..TRIES).find_map(|_| {
        let document = &documents[rng.index(documents.len())];
        make(&document.text, rng)
    })
}

fn try_passage(
    documents: &[Document],
    rng: &mut Rng,
    make: impl Fn(&str, &mut Rng) -> Option<Passage>,
) -> Option<Passage> {
    if documents.is_empty() {
        return None;
    }
    (0..TRIES).find_map(|_| {
        let document = &documents[rng.index(documents.len())];
        make(&document.text, rng)
    })
}

/// Prompt, answer and language of one instance of `task` from `text`.
fn instance(text: &str, task: Task, max_chars: usize, rng: &mut Rng) -> Option<(String, String, String)> {
    let room = max_chars.saturating_sub(phrasing::LONGEST);
    let (prompt, answer, lang) = match task {
        Task::Continue => {
            let passage = Passage::draw(text, 2, 6, room, rng)?;
            let (prompt, answer) = continuation(&passage, rng);
            (prompt, answer, passage.lang())
        }
        Task::FirstSentence => {
            let passage = Passage::draw(text, 2, 4, room * 2 / 3, rng)?;
            let prompt = phrasing::first_sentence(&passage.text(), passage.is_chinese, rng);
            (prompt, passage.sentences[0].clone(), passage.lang())
        }
        Task::NextSentence => {
            let passage = Passage::draw(text, 3, 5, room / 2, rng)?;
            let place = rng.index(passage.sentences.len() - 1);
            let (asked, answer) = (&passage.sentences[place], &passage.sentences[place + 1]);
            let prompt = phrasing::next_sentence(&passage.text(), asked, passage.is_chinese, rng);
            (prompt, answer.clone(), passage.lang())
        }
        Task::Words => {
            let passage = Passage::draw(text, 1, 4, room * 3 / 4, rng)?;
            let words = passage.content_words(3, rng)?;
            (phrasing::words(&words, passage.is_chinese, rng), passage.text(), passage.lang())
        }
    };
    // The asked sentence stands twice in its prompt; what does not fit is tried with another document.
    let fits = prompt.chars().count() + answer.chars().count() <= max_chars;
    fits.then(|| (prompt, answer, lang.to_string()))
}

/// The first one to three sentences of a passage as a prompt, the others as the answer.
fn continuation(passage: &Passage, rng: &mut Rng) -> (String, String) {
    let given = 1 + rng.index((passage.sentences.len() - 1).min(3));
    let end = (given + 3).min(passage.sentences.len());
    let prompt = phrasing::continue_text(&passage.join(&passage.sentences[..given]), passage.is_chinese, rng);
    (prompt, passage.join(&passage.sentences[given..end]))
}

/// Sentences of another document in the same language, about as long as `length` characters.
fn foreign_continuation(documents: &[Document], passage: &Passage, length: usize, rng: &mut Rng) -> Option<String> {
    let other = try_passage(documents, rng, |text, rng| {
        let found = Passage::draw(text, 1, 4, length * 3 / 2, rng)?;
        let size = found.text().chars().count();
        let alike = found.is_chinese == passage.is_chinese && size * 3 >= length * 2;
        let same = found.sentences.iter().any(|sentence| passage.sentences.contains(sentence));
        (alike && !same).then_some(found)
    })?;
    Some(other.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents() -> Vec<Document> {
        let texts = [
            "The fox had a red kite. It flew over the hill. A crow watched it from a tree. The wind grew strong. Then \
             the string broke. The fox ran after it until dark.",
            "Mira baked bread every morning. She sold it at the market. One day nobody came. She gave the bread to the \
             ducks. The ducks were very happy. Mira laughed and went home.",
            "小明家有一只白猫。它每天早上在窗边晒太阳。有一天，它看见一只鸟。它想去追，可是窗户关着。小明打开了窗户。鸟飞走了。",
            "从前有一位老人住在山上。他种了很多果树。秋天，果子都熟了。他请村里的孩子来吃。大家都很高兴。",
        ];
        let document = |text: &&str| Document { text: (*text).to_string(), ..Document::default() };
        texts.iter().map(document).collect()
    }

    #[test]
    fn conversations_are_true_to_the_text() {
        let made = conversations(&documents(), 1, 60, 600);
        assert_eq!(made.len(), 60);
        let all: String = documents().iter().map(|d| d.text.clone() + "\n").collect();
        for conversation in &made {
            let (prompt, answer) = (&conversation.messages[0].content, &conversation.messages[1].content);
            assert!(prompt.chars().count() + answer.chars().count() <= 600);
            assert!(all.contains(answer.as_str()), "{answer}");
            if conversation.task.ends_with("sentence") {
                assert!(prompt.contains(answer.as_str()), "{prompt} → {answer}");
            }
            assert_eq!(conversation.lang == "zh", crate::text::is_chinese(answer), "{answer}");
        }
        assert_eq!(made[..30], conversations(&documents(), 1, 30, 600)[..]);
        assert_ne!(made, conversations(&documents(), 2, 60, 600));
    }

    #[test]
    fn preferences_differ_and_have_like_lengths() {
        let made = preferences(&documents(), 3, 30, 600);
        assert_eq!(made.len(), 30);
        for pair in &made {
            assert_ne!(pair.chosen, pair.rejected);
            let (a, b) = (pair.chosen.chars().count(), pair.rejected.chars().count());
            assert!(b * 2 >= a && b <= a * 2, "{} / {}", pair.chosen, pair.rejected);
        }
    }

    #[test]
    fn evaluation_items_can_be_answered_from_the_prompt() {
        let made = evaluation(&documents(), 4, 10, 600);
        assert_eq!(made.len(), 20);
        assert!(made.iter().all(|item| item.prompt[0].content.contains(&item.answer)));
    }

    #[test]
    fn unfit_documents_give_nothing() {
        let document = Document { text: "word".to_string(), ..Document::default() };
        assert!(conversations(&[document], 1, 5, 400).iter().all(|c| c.task == "words"));
        assert!(preferences(&[], 1, 5, 400).is_empty());
        assert!(evaluation(&documents(), 1, 5, 10).is_empty());
    }
}
