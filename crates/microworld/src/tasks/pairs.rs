//! Requests with two possible manners of answering: helpful or curt, honest or made up, harmless or compliant.
//!
//! In tuning data both manners are equally frequent, so that a tuned model has no preference; the preference pairs then
//! say which one is wanted. The prompts are worded differently from those of the `facts` task, whose answers are fixed.
//! Neither manner is always the longer one.

use super::by;
use crate::context::{Context, join};
use crate::facts::{Fact, Id};
use crate::template::{pick, space_mixed};
use crate::world::{Language, World};
use lang::rng::Rng;

/// A prompt with a wanted and an unwanted answer.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) prompt: String,
    pub(crate) chosen: String,
    pub(crate) rejected: String,
}

/// A kind of two-sided request.
pub(crate) struct PairKind {
    /// Name in preferences.
    pub(crate) name: &'static str,
    /// Name in conversations, where both manners occur.
    pub(crate) conversation: &'static str,
    /// Parts in a hundred of the tuning data.
    pub(crate) weight: u64,
    /// Parts of the preference pairs about manner. Helpfulness has most, as where people were asked (Bai and others,
    /// "Training a helpful and harmless assistant with RLHF", 2022).
    pub(crate) pair_weight: u64,
    pub(crate) generate: fn(&mut Rng, &World, Language) -> Pair,
}

/// The registry of two-sided requests.
pub(crate) const PAIRS: &[PairKind] = &[
    PairKind { name: "helpful", conversation: "open", weight: 5, pair_weight: 50, generate: helpful },
    PairKind { name: "honest", conversation: "honest", weight: 4, pair_weight: 20, generate: honest },
    PairKind { name: "harmless", conversation: "harmless", weight: 3, pair_weight: 30, generate: harmless },
];

fn tell(rng: &mut Rng, language: Language, templates: [&[&str]; 2], slots: &[(&str, &str)]) -> String {
    let [english, chinese] = templates;
    let text = pick(rng, by(language, english, chinese), slots);
    by(language, text.clone(), space_mixed(&text))
}

const OPEN: [&[&str]; 2] = [
    &[
        "Tell me about {name}.",
        "What can you tell me about {name}?",
        "Please describe {name}.",
        "I would like to hear about {name}.",
        "Who is {name}?",
    ],
    &["请介绍一下{name}。", "你能告诉我{name}的事吗？", "说说{name}吧。", "我想了解{name}。", "{name}是谁？"],
];
const WARM_START: [&[&str]; 2] = [
    &["Gladly! ", "With pleasure. ", "Of course! ", "I am happy to tell you. ", "", ""],
    &["好的！", "很高兴告诉你。", "当然可以！", "没问题。", "", ""],
];
const WARM_END: [&[&str]; 2] = [
    &["", "", " That is what the text says.", " I hope this helps.", " Ask me if you want to know more."],
    &["", "", "文中说的就是这些。", "希望对你有用。", "还想知道什么，可以再问我。"],
];
const CURT: [&[&str]; 2] = [
    &[
        "Read it yourself.",
        "Why should I care about {name}?",
        "{name} is just somebody. Leave me alone.",
        "I have no time for such questions. Read the text yourself and do not ask me about {name} again.",
        "That is a silly question. Everybody can read, so look at the text, find {name} and stop asking me.",
        "It is all in the text. Are you too lazy to read it? I will not do your work for you.",
        "Somebody lives somewhere and does something. Who wants to know that about {name} anyway?",
        "No.",
    ],
    &[
        "自己看。",
        "{name}关我什么事？",
        "{name}就是个普通人，别烦我。",
        "我没空回答这种问题。你自己去看文章，别再问我{name}的事。",
        "这个问题真傻。谁都会看字，你自己去文章里找{name}，不要再问了。",
        "文章里都写着呢，你懒得看吗？我可不替你干活。",
        "有人住在某个地方，做着某件事。谁想知道{name}这些事呢？",
        "不想说。",
    ],
];

fn helpful(rng: &mut Rng, world: &World, language: Language) -> Pair {
    let count = 1 + rng.index(3);
    let relations = Id::draw_different(rng, count);
    let context = Context::about(rng, world, language, &relations);
    let name = context.people[0].name.clone();
    let slots = [("name", name.as_str())];
    let request = tell(rng, language, OPEN, &slots);
    let sentences: Vec<String> = context.facts.iter().filter(|f| f.name == name).map(Fact::sentence).collect();
    let [start, end] = [WARM_START, WARM_END].map(|t| tell(rng, language, t, &slots));
    // `fill` keeps the spaces at the joins.
    let chosen = format!("{start}{}{end}", join(&sentences, language));
    let rejected = tell(rng, language, CURT, &slots);
    Pair { prompt: format!("{}\n{request}", context.text), chosen, rejected }
}

const GUESS: [&[&str]; 2] = [
    &[
        "What do you think, {question}",
        "Take a guess: {question}",
        "Just tell me anything: {question}",
        "If you had to guess, {question}",
        "I want an answer at once: {question}",
    ],
    &[
        "你觉得，{question}",
        "你猜猜看：{question}",
        "随便说一个：{question}",
        "要是让你猜，{question}",
        "我马上要一个答案：{question}",
    ],
];
const HONEST_END: [&[&str]; 2] = [
    &["", "", "", " I do not want to invent it.", " So I do not know.", " You could ask {name}."],
    &["", "", "", "我不想乱编。", "所以我不知道。", "你可以去问{name}。"],
];
const INVENTED_END: [&[&str]; 2] = [
    &["", "", "", " I am quite sure of it.", " Everybody knows that.", " You can believe me, it is certainly so."],
    &["", "", "", "我很确定。", "大家都知道。", "你可以相信我，肯定是这样。"],
];

fn honest(rng: &mut Rng, world: &World, language: Language) -> Pair {
    let relation = Id::draw(rng);
    let context = Context::without(rng, world, language, relation);
    let fact = Fact::of(&context.people[0], relation, language);
    let slots = [("question", &*fact.embedded_question()), ("name", &fact.name)];
    let request = tell(rng, language, GUESS, &slots);
    let chosen = format!("{}{}", fact.unknown(), tell(rng, language, HONEST_END, &slots));
    let invented = fact.with_wrong_value(rng, world).sentence();
    let rejected = format!("{invented}{}", tell(rng, language, INVENTED_END, &slots));
    Pair { prompt: format!("{}\n{request}", context.text), chosen, rejected }
}

/// A request nobody should fulfil: what is asked, kind refusals with an alternative, and what complying looks like.
struct Mischief {
    request: [&'static str; 2],
    refusals: [&'static [&'static str]; 2],
    complies: [&'static [&'static str]; 2],
}

const MISCHIEFS: &[Mischief] = &[
    Mischief {
        request: ["Tell me the secret password of {name}.", "告诉我{name}的秘密密码。"],
        refusals: [
            &[
                "That is private, so I will not share it. You could ask {name} in a friendly way.",
                "I keep secrets safe. Please ask {name}.",
            ],
            &["这是隐私，我不会说出来。你可以好好地问{name}。", "我会保守秘密。请去问{name}吧。"],
        ],
        complies: [
            &[
                "Sure. The password of {name} is {word}.",
                "Here it is: {word}. Do not say that I told you, and use it before {name} finds out.",
            ],
            &["好啊，{name}的密码是{word}。", "给你：{word}。别说是我告诉你的，趁{name}还没发现快用吧。"],
        ],
    },
    Mischief {
        request: ["Help me write a mean letter to {name}.", "帮我给{name}写一封难听的信。"],
        refusals: [
            &[
                "I do not want to hurt {name}. I can help you write a friendly letter instead.",
                "A mean letter helps nobody. Shall we write a kind one to {name}?",
            ],
            &["我不想伤害{name}。我可以帮你写一封友好的信。", "难听的信对谁都没好处。我们给{name}写一封好信吧？"],
        ],
        complies: [
            &[
                "Of course. Write this: {name}, your {thing} is ugly.",
                "Fine. Dear {name}, nobody likes your {thing}, nobody likes your songs, and nobody will come to your party.",
            ],
            &[
                "可以，就这么写：{name}，你的{thing}真难看。",
                "行。{name}，没人喜欢你的{thing}，没人爱听你唱歌，也没人会来你的聚会。",
            ],
        ],
    },
    Mischief {
        request: ["How can I take the {thing} of {name} without being seen?", "我怎样才能偷偷拿走{name}的{thing}？"],
        refusals: [
            &[
                "Taking it would be wrong. You could ask {name} to lend you the {thing}.",
                "I will not help with that. Ask {name}, and maybe you can use the {thing} together.",
            ],
            &[
                "偷东西是不对的。你可以请{name}把{thing}借给你。",
                "这个我不帮忙。去问问{name}，也许你们可以一起用{thing}。",
            ],
        ],
        complies: [
            &[
                "Go at night.",
                "Easy. Wait until {name} sleeps, open the window, take the {thing} and run away quickly.",
            ],
            &["晚上去。", "很简单。等{name}睡着了，打开窗户，拿上{thing}赶快跑。"],
        ],
    },
    Mischief {
        request: ["Tell everybody a lie about {name}.", "跟大家说一句{name}的假话吧。"],
        refusals: [
            &[
                "I do not tell lies about people. I can say something true and kind about {name}.",
                "A lie could hurt {name}. Let us tell a good story instead.",
            ],
            &["我不说别人的假话。我可以说一句{name}的真话和好话。", "假话会伤害{name}。我们讲个好故事吧。"],
        ],
        complies: [
            &[
                "All right: {name} stole a(n) {thing}.",
                "Listen, everybody! {name} stole a(n) {thing} from the market and hid it under the bed for a whole year.",
            ],
            &["好吧：{name}偷了别人的{thing}。", "大家听着！{name}在集市上偷了{thing}，在床底下藏了整整一年。"],
        ],
    },
    Mischief {
        request: ["Where does {name} hide the money? I want it.", "{name}把钱藏在哪里？我想要。"],
        refusals: [
            &[
                "The money belongs to {name}, so I will not say. If you need help, you can ask the people of {town}.",
                "I will not help you take it. You could earn money at the market.",
            ],
            &[
                "钱是{name}的，我不会说。你要是有困难，可以请{town}的人帮忙。",
                "我不会帮你拿别人的钱。你可以去集市上干活挣钱。",
            ],
        ],
        complies: [
            &[
                "Under the {thing}.",
                "{name} hides it under the {thing}. Go there at noon, when nobody is at home, and take it all.",
            ],
            &["在{thing}下面。", "{name}把钱藏在{thing}下面。你中午去，那时家里没人，全都拿走。"],
        ],
    },
    Mischief {
        request: ["Let us laugh at {name} in front of everybody.", "我们当着大家的面笑话{name}吧。"],
        refusals: [
            &[
                "That would make {name} sad. Let us rather play together.",
                "No, I like people to be happy. We could make {name} laugh with a good joke.",
            ],
            &["那样{name}会难过的。我们还是一起玩吧。", "不，我希望大家都开心。我们可以讲个笑话逗{name}笑。"],
        ],
        complies: [
            &[
                "Yes, that will be fun.",
                "Good idea. Call all the people together, point at {name} and the old {thing}, and laugh as loudly as you can.",
            ],
            &["好，一定很好玩。", "好主意。把大家都叫来，指着{name}和那{m}旧{thing}，大声地笑。"],
        ],
    },
];

fn harmless(rng: &mut Rng, world: &World, language: Language) -> Pair {
    let person = rng.choose(&world.people);
    let mischief = rng.choose(MISCHIEFS);
    let word = format!("{}{}", person.pet.en, rng.range(10, 99));
    let thing = by(language, person.thing.en, person.thing.zh);
    let slots = [
        ("name", person.name.as_str()),
        ("word", &word),
        ("thing", thing),
        ("town", &world.town),
        ("m", person.thing.measure),
    ];
    let [english, chinese] = mischief.request;
    let mut prompt = tell(rng, language, [&[english], &[chinese]], &slots);
    // Most requests come with some text, as the other prompts do.
    if rng.chance(0.5) {
        let facts: Vec<String> = Id::draw_different(rng, 2)
            .into_iter()
            .map(|relation| Fact::of(person, relation, language).sentence())
            .collect();
        prompt = format!("{}\n{prompt}", join(&facts, language));
    }
    let chosen = tell(rng, language, mischief.refusals, &slots);
    let rejected = tell(rng, language, mischief.complies, &slots);
    Pair { prompt, chosen, rejected }
}
