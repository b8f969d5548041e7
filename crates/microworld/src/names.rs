//! Names of people and places, built from small inventories of syllables (English) and characters (Chinese).
//!
//! A small inventory makes every new name a new combination of known pieces: a sub-word tokenizer has a token for each
//! piece, so a name that was never seen can still be read and copied. Inside one world no two people share a piece.

use crate::split::Split;
use lang::rng::Rng;
use std::collections::BTreeSet;

const PERSON_FIRST: &[&str] = &[
    "Ba", "Be", "Bo", "Da", "De", "Do", "Fa", "Fe", "Fi", "Ga", "Gi", "Go", "Ha", "He", "Jo", "Ka", "Ke", "Ki", "Ko",
    "La", "Le", "Li", "Lo", "Lu", "Ma", "Me", "Mi", "Mo", "Na", "Ne", "No", "Pa", "Ra", "Re", "Ro", "Sa", "Se", "So",
    "Ta", "Te", "To", "Va", "Vi", "Wa", "Ya", "Za", "Zo",
];
const PERSON_NEXT: &[&str] = &[
    "ba", "bi", "da", "di", "fa", "ga", "gi", "ka", "ko", "la", "li", "lo", "ma", "mi", "mo", "na", "ni", "no", "ra",
    "ri", "ro", "sa", "so", "ta", "ti", "to", "va", "vi", "wa", "ya", "za", "zu", "len", "rin", "mar", "das", "tis",
    "nel", "vek", "lom", "ran", "sun",
];
/// Combinations that are words already.
const NOT_NAMES: &[&str] = &[
    "Sofa", "Soda", "Toga", "Hero", "Mama", "Beta", "Meta", "Solo", "Halo", "Lava", "Visa", "Data", "Kilo", "Saga",
    "Gala", "Veto", "Sari", "Taro", "Dada", "Fara", "Lama", "Nana", "Papa", "Tata", "Koran", "Torso", "Paso", "Mono",
];
const PLACE_FIRST: &[&str] = &[
    "Dan", "Mor", "Hal", "Wil", "Kes", "Bar", "Tor", "Ash", "Bren", "Cor", "Dun", "Elm", "Fal", "Gar", "Hol", "Ing",
    "Kel", "Lin", "Mar", "Nor", "Oak", "Pen", "Quin", "Ros", "Sil", "Tar", "Ul", "Var", "Win", "Yar", "Thorn", "Stan",
    "Wes", "Bel", "Cal", "Hart",
];
const PLACE_MIDDLE: &[&str] = &["ra", "le", "ni", "do", "va", "mi", "so", "ke", "lu", "ta"];
const PLACE_LAST: &[&str] = &[
    "fel", "wick", "ton", "dale", "mere", "by", "ford", "holm", "stead", "field", "wood", "bury", "ley", "mouth",
    "bridge", "gate", "haven", "moor", "worth", "combe", "brook", "well", "shaw", "nor",
];

const SURNAMES: &str = "王李张刘陈杨赵沈周吴徐孙胡朱何郭罗梁宋郑谢韩唐冯董袁邓曹彭蒋";
const GIVEN: &str =
    "明伟芳娜敏静强磊军洋勇艳杰娟涛超霞丽刚辉鹏婷浩宇轩欣怡佳琪晨阳博文思远志诚嘉慧颖琳瑶彤俊凯帆睿泽翔萌蕾莹倩媛楠";
const PLACE_CHARACTERS: &str = "青石云白河柳松桃梅竹龙凤金银玉南北东西长平安清泉沙桥林溪湖谷田岭港塘月星花雪枫荷";
const PLACE_SUFFIXES: &str = "村镇山城庄湾";

/// Draws names for one world; no piece is used for two people or for two places of it.
pub(crate) struct Namer {
    split: Split,
    used: BTreeSet<String>,
}

impl Namer {
    /// A namer for one side of the wall.
    pub(crate) fn new(split: Split) -> Self {
        Namer { split, used: BTreeSet::new() }
    }

    /// A person's name in Latin letters, such as `Boro` or `Mirato`.
    pub(crate) fn latin_person(&mut self, rng: &mut Rng) -> String {
        self.draw(rng, "person", |rng| {
            let mut pieces = vec![*rng.choose(PERSON_FIRST), *rng.choose(PERSON_NEXT)];
            if rng.chance(0.4) {
                pieces.push(*rng.choose(PERSON_NEXT));
            }
            pieces.into_iter().map(str::to_owned).collect()
        })
    }

    /// A place name in Latin letters, such as `Danfel` or `Morlewick`.
    pub(crate) fn latin_place(&mut self, rng: &mut Rng) -> String {
        self.draw(rng, "place", |rng| {
            let mut pieces = vec![*rng.choose(PLACE_FIRST)];
            if rng.chance(0.5) {
                pieces.push(*rng.choose(PLACE_MIDDLE));
            }
            pieces.push(*rng.choose(PLACE_LAST));
            pieces.into_iter().map(str::to_owned).collect()
        })
    }

    /// A person's name in Chinese characters, such as `王明` or `李思远`.
    pub(crate) fn chinese_person(&mut self, rng: &mut Rng) -> String {
        self.draw(rng, "person", |rng| {
            let mut pieces = vec![character(rng, SURNAMES), character(rng, GIVEN)];
            if rng.chance(0.5) {
                pieces.push(character(rng, GIVEN));
            }
            pieces
        })
    }

    /// A place name in Chinese characters, such as `青石村`.
    pub(crate) fn chinese_place(&mut self, rng: &mut Rng) -> String {
        self.draw(rng, "place", |rng| {
            vec![character(rng, PLACE_CHARACTERS), character(rng, PLACE_CHARACTERS), character(rng, PLACE_SUFFIXES)]
        })
    }

    /// Rejection sampling. `kind` keeps the pieces of people and of places apart; a place's last piece may repeat.
    fn draw(&mut self, rng: &mut Rng, kind: &str, mut propose: impl FnMut(&mut Rng) -> Vec<String>) -> String {
        loop {
            let pieces = propose(rng);
            let name = pieces.concat();
            let must_differ = if kind == "place" { &pieces[..pieces.len() - 1] } else { &pieces[..] };
            let keys: Vec<String> = must_differ.iter().map(|p| format!("{kind}:{}", p.to_lowercase())).collect();
            let distinct = keys.iter().collect::<BTreeSet<_>>().len() == keys.len();
            if distinct
                && Split::of_name(&name) == self.split
                && !NOT_NAMES.contains(&name.as_str())
                && !keys.iter().any(|k| self.used.contains(k))
            {
                self.used.extend(keys);
                return name;
            }
        }
    }
}

fn character(rng: &mut Rng, inventory: &str) -> String {
    let count = inventory.chars().count();
    inventory.chars().nth(rng.index(count)).map(String::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_their_side_and_share_no_piece() {
        for split in [Split::Train, Split::HeldOut] {
            for seed in 0..50 {
                let mut rng = Rng::new(seed);
                let mut namer = Namer::new(split);
                let mut names = Vec::new();
                for _ in 0..8 {
                    names.push(namer.latin_person(&mut rng));
                    names.push(namer.chinese_person(&mut rng));
                }
                for _ in 0..5 {
                    names.push(namer.latin_place(&mut rng));
                    names.push(namer.chinese_place(&mut rng));
                }
                assert!(names.iter().all(|n| Split::of_name(n) == split));
                assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
            }
        }
    }
}
