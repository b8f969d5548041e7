//! Function words of the languages the language check knows, and the most common Han characters.
//!
//! A word's languages are the bits of one mask, so that words shared between languages (`in`, `die`, `me`) count for
//! neither side of a comparison.

use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use super::HashKeyed;

/// Languages with function words, by bit.
pub const LANGUAGES: [&str; 19] =
    ["en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "hu", "ro", "tr", "id", "vi", "la"];

/// The bit of English.
pub const ENGLISH: u32 = 1;

/// Languages in which the word of this [`hash`](super::Token::hash) is a function word, as bits by the order of
/// [`LANGUAGES`].
pub fn languages_of(hash: u64) -> u32 {
    FUNCTION_WORDS.get(&hash).copied().unwrap_or(0)
}

/// True for the hashes of English function words.
pub fn is_english_function_word(hash: u64) -> bool {
    languages_of(hash) & ENGLISH != 0
}

/// True for the Han characters that make up about half of any running Chinese text.
pub fn is_common_han(c: char) -> bool {
    let place = u32::from(c).wrapping_sub(FIRST_HAN);
    COMMON.get(place as usize / 64).is_some_and(|bits| bits & (1 << (place % 64)) != 0)
}

const FIRST_HAN: u32 = 0x4e00;

/// One bit a character from [`FIRST_HAN`] on.
static COMMON: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut bits = vec![0u64; 0x5200 / 64];
    for c in COMMON_HAN.chars() {
        let place = u32::from(c).wrapping_sub(FIRST_HAN) as usize;
        if let Some(word) = bits.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }
    bits
});

static FUNCTION_WORDS: LazyLock<HashKeyed<u32>> = LazyLock::new(|| {
    let mut words: HashKeyed<u32> = HashKeyed::default();
    for (bit, list) in LISTS.iter().enumerate() {
        for word in list.split_whitespace() {
            *words.entry(xxh3_64(word.as_bytes())).or_default() |= 1 << bit;
        }
    }
    words
});

const LISTS: [&str; 19] = [
    // en
    "the of and to a in is was that for it as with his her he she they i you we be are were on at by this have had has \
     from not but or an which one there all so if what when who will would can could do did does said my your me him them \
     our us its been no more about into then than out up very some how where why because after before just like also over \
     only other their these those any each many much such own same both between under again once here too may might must \
     should shall let don't didn't isn't it's i'm that's can't won't off down until while through every never always don \
     yes please get got make made go went come came see saw say know put use",
    // de
    "der die das und ist nicht ein eine einen einem einer eines zu den dem des mit von auf für im sich auch als es an \
     werden aus er hat dass sie nach wird bei wir ich war haben noch am nur oder aber vor bis zum zur wenn über durch sind \
     man kann mehr mir mich du dir dich ihr ihre ihren seine seinen seiner sein wurde waren hatte hatten wie was wo wer \
     diese dieser dieses diesem diesen alle kein keine unter gegen vom schon sehr um so doch jetzt da dann immer",
    // fr
    "le la les de des du et est en un une que qui dans pour pas sur au aux avec il elle ils elles ce cette ces se sont par \
     plus ne son sa ses mais ou où nous vous je tu on leur leurs été être était avait ont fait comme tout tous toute très \
     bien aussi même sans si deux entre après avant chez donc mon ma mes ton ta votre notre c'est d'un d'une qu'il l'on \
     n'est j'ai dont y lui peut quand puis alors",
    // es
    "el la los las de del y en que es un una por con no para su sus se lo al como más pero ha fue este esta estos estas \
     son entre cuando muy sin sobre también me hasta hay donde quien desde todo todos toda nos durante ser está están era \
     han le les yo tú él ella ellos nosotros mi tu porque o ya si había tiene puede según fueron esto eso así muchos",
    // it
    "il lo la i gli le di del della dei delle degli dello e è in che un una uno per con non si da dal dalla al alla ai nel \
     nella nei nelle sul sulla come più ma anche sono ha suo sua suoi loro questo questa questi se o ed era stato stata \
     essere hanno ci mi ti io tu lui lei noi voi tra fra dopo prima molto quando dove perché ancora già tutti tutto fu",
    // pt
    "o a os as de do da dos das e é em um uma que no na nos nas para por com não se ao aos à às como mais mas foi ele ela \
     eles elas seu sua seus suas são está tem ser ou quando muito já também só pelo pela pelos até isso esta este entre \
     era depois sem mesmo quem nós você eu meu minha foram havia ter há tinha estava onde sobre ainda",
    // nl
    "de het een en van in is dat op te zijn met voor niet aan er om ook als dan bij uit door naar heeft hij ze zij wij je \
     ik maar worden werd wordt hebben had was nog wel geen of over tot zo deze dit die hun haar zich kan meer na mijn jij \
     ons onze uw waar wat wie hoe al tegen onder veel moet zou zal kunnen omdat toen",
    // sv
    "och att det i en är som på de av för med den till inte om ett har han hon jag vi du ni var så men från sig eller när \
     kan ska skulle där här mycket mer också efter vid över under utan sin sitt sina hans hennes deras denna detta dessa \
     blev blir hade vara varit bara nu alla många mot upp ut",
    // da
    "og at det i en er som på de af for med den til ikke om et har han hun jeg vi du var så men fra sig eller når kan skal \
     ville hvor der her meget mere også efter ved over under uden sin sit sine hans hendes deres denne dette disse blev \
     bliver havde være været kun nu alle mange mod op ud hvad",
    // no
    "og at det i en er som på de av for med den til ikke om et har han hun jeg vi du var så men fra seg eller når kan skal \
     ville hvor der her mye mer også etter ved over under uten sin sitt sine hans hennes deres denne dette disse ble blir \
     hadde være vært bare nå alle mange mot opp ut hva",
    // fi
    "ja on ei se että hän oli ovat en mutta kun niin kuin myös joka jos tai sen hänen minä sinä me he tämä nämä ne mitä \
     siitä siinä vain jo nyt ollut olla olisi voi mukaan sekä kanssa jälkeen vielä koska sitten kaikki hyvin",
    // pl
    "i w na z się nie do że to jest jak po o co ale za od przez przy dla są być był była było może tak jego jej ich tym \
     tego który która które czy już tylko jeszcze oraz ze lub gdy więc bardzo mnie ja ty on ona my wy pan bez pod nad",
    // cs
    "a v na se je že to s z do o i ve jsem jsou byl byla bylo by jako ale za po pro při od co jak tak když který která \
     které není jen už také jeho její jejich ze k u si nebo však podle až jsme být má může",
    // hu
    "a az és nem hogy egy is van volt ez azt ha csak de már még meg el mint vagy ki be én te ő mi ti ők kell lesz lehet \
     után között szerint nagyon minden pedig ezt aki ami amely mert majd itt ott így úgy",
    // ro
    "și în de la cu pe nu un o este sunt a fi din pentru care mai că ce se au am ai fost ca sau dar prin după până între \
     al ale lui ei lor său sa sale acest această aceste foarte când unde doar",
    // tr
    "ve bir bu da de için ile çok ne daha gibi olarak var o ben sen biz siz onlar ama en kadar sonra olan değil mi mı ki \
     her şey ya hem oldu olduğu iyi tarafından diye göre ise bunu önce",
    // id
    "yang dan di ini itu untuk dengan tidak dari dalam akan pada juga ke ada oleh karena saya kami kita anda dia mereka \
     sudah bisa adalah atau telah lebih seperti hanya dapat orang banyak sebagai bagi tersebut belum kepada tetapi",
    // vi
    "và là của có không được cho một những các trong với người này đã để khi từ ra đến như về tôi anh em chúng nhưng cũng \
     vào ở lại nhiều sẽ rất thì đó phải trên năm nếu bị hay",
    // la
    "et in est non ad ut cum sed qui quae quod ex ab si aut enim esse sunt hoc per nec atque lorem ipsum dolor sit amet \
     consectetur adipiscing elit eiusmod tempor incididunt labore dolore magna aliqua",
];

/// The most common characters of news, novels, everyday sentences and classical prose, simplified and traditional.
const COMMON_HAN: &str = "的我了不一是你他在有人大上道来个这那要之到去得她天下中为出子行以能也们可时好生就很看会说曰自多都家想者和将年\
    事见知地么前法与里三国起只心于如老明成此而用公后对做何作日把回无什方过等小本没今正打然所军兵相手面十身还喜当着意些定高被师又发真\
    现问学分经其主入头开进却最同山王常间已二言但走父儿两工点水因从门关使吗力吃至全必果住再新名太外美教路女重西望业次众比先动告放怎受更\
    民信安笑金八理处东口月城候非让应它话书报内接五火听实命早感解死跟情少四体若部取便机度往叫才令晚直车每花合即请云給给對說這個來為們時會\
    過還沒見長後裡點嗎妈爸朋友爱果树鱼鸟猫狗白红黄绿青春夏秋冬风雨雪问题答案几加减乘除数字等题快乐玩送找向完文句写读词孩";
