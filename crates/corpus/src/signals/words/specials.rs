//! English exceptions of spaCy's tokenizer: contractions, abbreviations and emoticons that the rules for affixes would cut
//! elsewhere, or not at all. They are built from the few regularities they have; the goldens hold them to the peer's.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::signals::hash;
use crate::text::HashKeyed;

/// How one exception is cut.
pub struct Special {
    /// Lengths of its pieces in bytes.
    pub pieces: Vec<u32>,
    /// Lengths of the tokens that the rules alone would cut it into, where an affix rule touches it: such exceptions are
    /// also found inside longer words, after the cutting.
    pub by_rules: Option<Vec<u32>>,
}

/// Exceptions by `hash::bytes`, behind a bit set that says no for nearly all words.
pub struct Specials {
    words: HashKeyed<Special>,
    seen: Vec<u64>,
    /// Bytes of the longest exception.
    pub longest: usize,
}

impl Specials {
    /// The exception that this text is; a long text is not even hashed.
    #[inline]
    pub fn of(&self, text: &str) -> Option<&Special> {
        if text.len() > self.longest { None } else { self.get(hash::bytes(text.as_bytes())) }
    }

    /// The exception with this hash.
    #[inline]
    pub fn get(&self, hash: u64) -> Option<&Special> {
        let bit = (hash >> 48) as usize;
        if self.seen[bit / 64] >> (bit % 64) & 1 == 0 { None } else { self.words.get(&hash) }
    }
}

/// All exceptions.
pub static SPECIALS: LazyLock<Specials> = LazyLock::new(|| {
    let words = build();
    let mut seen = vec![0u64; 1 << 10];
    for hash in words.keys() {
        let bit = (hash >> 48) as usize;
        seen[bit / 64] |= 1 << (bit % 64);
    }
    let longest = words.values().map(|special| special.pieces.iter().sum::<u32>()).max().unwrap_or(0);
    Specials { words, seen, longest: longest as usize }
});

/// Pieces of a word are written with `|` between them, an apostrophe as `'`, which also stands for `’`.
struct List(HashMap<String, Vec<u32>>);

impl List {
    /// One exception as written.
    fn add(&mut self, cut: &str) {
        let pieces = cut.split('|').map(|piece| piece.len() as u32).collect();
        self.0.insert(cut.replace('|', ""), pieces);
    }

    /// With both apostrophes.
    fn both(&mut self, cut: &str) {
        self.add(cut);
        self.add(&cut.replace('\'', "’"));
    }

    /// With both apostrophes, in lower case and with a capital.
    fn cased(&mut self, cut: &str) {
        self.both(cut);
        self.both(&capital(cut));
    }
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|c| c.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// Words that a contraction without its apostrophe would hide.
const WORDS: &[&str] = &["ill", "its", "hell", "shell", "shed", "were", "well", "whore"];

/// A contraction with either apostrophe, and without one where that is no word of its own.
fn contraction(list: &mut List, cut: &str) {
    for cut in [cut.to_owned(), capital(cut)] {
        list.both(&cut);
        let bare = cut.replace('\'', "");
        if !WORDS.contains(&bare.replace('|', "").to_lowercase().as_str()) {
            list.add(&bare);
        }
    }
}

const ABBREVIATIONS: &str = "Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. Ill. \
    Ind. Jan. Jul. Jun. Kan. Kans. Ky. La. Mar. Mass. Mich. Minn. Miss. Mo. Mont. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. \
    Nov. Oct. Okla. Ore. Pa. S.C. Sep. Sept. Tenn. Va. Wash. Wis. 'd a.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. \
    Gen. Gov. i.e. I.e. I.E. Inc. Jr. Ltd. Md. Messrs. Mr. Mrs. Ms. p.m. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s. C++ \
    and/or w/o ä. ö. ü. —";

const EMOTICONS: &str = r#"'' :) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;) ;-) (; (-;
    :( :-( :(( :-(( :((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-| ]= =[ :1 :P :-P :p :-p :O :-O :o :-o :0 :-0 :()
    >:o :* :-* :3 :-3 =3 :> :-> :X :-X :x :-x :D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; -_- -__-
    v.v V.V v_v V_V o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3 <33 <333 </3 (^_^) (-_-) (._.) (>_<) (*_*) (¬_¬)
    ಠ_ಠ ಠ︵ಠ (ಠ_ಠ) ¯\(ツ)/¯ (╯°□°）╯︵┻━┻ ><(((*> \")"#;

fn build() -> HashKeyed<Special> {
    let mut list = List(HashMap::new());
    for pronoun in ["i", "you", "he", "she", "it", "we", "they"] {
        for ending in ["'ll", "'ll|'ve", "'d", "'d|'ve"] {
            contraction(&mut list, &format!("{pronoun}|{ending}"));
        }
    }
    for (pronouns, ending) in [
        (&["i"][..], "'m"),
        (&["i"], "'m|a"),
        (&["i", "you", "we", "they"], "'ve"),
        (&["you", "we", "they"], "'re"),
        (&["he", "she", "it"], "'s"),
        (&["who", "what", "when", "where", "why", "how", "there", "that", "this"], "'s"),
        (&["who", "what", "when", "where", "why", "how", "there", "these", "those"], "'re"),
        (&["who", "what", "when", "where", "why", "how", "there", "these", "those"], "'ve"),
        (&["could", "might", "must", "should"], "'ve"),
        (&["not"], "'ve"),
        (&["ca", "could", "do", "does", "did", "had", "may", "might", "must", "need", "ought", "sha", "should"], "n't"),
        (&["wo", "would", "ai", "are", "is", "was", "were", "have", "has", "dare"], "n't"),
        (
            &["ca", "could", "do", "does", "did", "had", "may", "might", "must", "need", "ought", "sha", "should"],
            "n't|'ve",
        ),
        (&["wo", "would"], "n't|'ve"),
    ] {
        for pronoun in pronouns {
            contraction(&mut list, &format!("{pronoun}|{ending}"));
        }
    }
    for word in ["who", "what", "when", "where", "why", "how", "there", "that", "this", "these", "those"] {
        for ending in ["'ll", "'ll|'ve", "'d", "'d|'ve"] {
            contraction(&mut list, &format!("{word}|{ending}"));
        }
    }
    for cut in ["would|'ve", "how|'d|'y", "c'm|on", "let|'s", "o'clock", "ma'am"] {
        list.cased(cut);
    }
    for cut in ["y'|all", "y|all", "Can|not", "can|not", "Gon|na", "gon|na", "Got|ta", "got|ta"] {
        list.both(cut);
    }
    for word in ["doin", "goin", "havin", "lovin", "nothin", "nuthin", "ol", "somethin"] {
        for word in [word.to_owned(), capital(word)] {
            list.add(&word);
            list.both(&format!("{word}'"));
        }
    }
    for word in ["cause", "cos", "coz", "cuz"] {
        list.both(&format!("'{word}"));
        list.both(&format!("'{}", capital(word)));
    }
    for word in ["'S", "'bout", "'d", "'em", "'ll", "'nuff", "'re", "'s", "''"] {
        list.both(word);
    }
    for word in ["em", "ll", "nuff", "‘S", "‘s", "’"] {
        list.add(word);
    }
    for hour in 1..=12 {
        for half in ["am", "pm", "a.m.", "p.m."] {
            list.add(&format!("{hour}|{half}"));
        }
    }
    for letter in 'a'..='z' {
        list.add(&format!("{letter}."));
    }
    for degree in ['C', 'F', 'K', 'c', 'f', 'k'] {
        list.add(&format!("°|{degree}|."));
    }
    for word in ABBREVIATIONS.split_whitespace() {
        list.add(word);
    }
    for word in EMOTICONS.split_whitespace() {
        // A bar is part of some faces.
        for face in [word.to_owned(), word.replace('\'', "’")] {
            list.0.insert(face.clone(), vec![face.len() as u32]);
        }
    }
    let rules = super::spacy::cut_by_rules;
    list.0
        .into_iter()
        .map(|(word, pieces)| (hash::bytes(word.as_bytes()), Special { pieces, by_rules: rules(&word) }))
        .collect()
}

/// How many exceptions there are, for the comparison with the peer.
#[cfg(test)]
pub fn count() -> usize {
    SPECIALS.words.len()
}
