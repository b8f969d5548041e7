//! The closed vocabulary of the world: animals, colours, foods, things, jobs, hobbies, each in English and Chinese.
//!
//! These words are shared by all worlds; what differs between worlds is who has which.

use lang::rng::Rng;

/// A word in both languages; `measure` is the Chinese measure word that goes with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) en: &'static str,
    pub(crate) zh: &'static str,
    pub(crate) measure: &'static str,
}

const fn word(en: &'static str, zh: &'static str, measure: &'static str) -> Word {
    Word { en, zh, measure }
}

/// Animals that can be pets.
pub(crate) const ANIMALS: &[Word] = &[
    word("cat", "猫", "只"),
    word("dog", "狗", "只"),
    word("goat", "山羊", "只"),
    word("horse", "马", "匹"),
    word("duck", "鸭子", "只"),
    word("hen", "母鸡", "只"),
    word("rabbit", "兔子", "只"),
    word("parrot", "鹦鹉", "只"),
    word("turtle", "乌龟", "只"),
    word("mouse", "老鼠", "只"),
    word("sheep", "绵羊", "只"),
    word("pony", "小马", "匹"),
    word("goose", "鹅", "只"),
    word("otter", "水獭", "只"),
    word("owl", "猫头鹰", "只"),
    word("frog", "青蛙", "只"),
    word("snail", "蜗牛", "只"),
    word("pigeon", "鸽子", "只"),
    word("hamster", "仓鼠", "只"),
    word("donkey", "驴", "头"),
    word("cow", "奶牛", "头"),
    word("fox", "狐狸", "只"),
    word("crow", "乌鸦", "只"),
    word("pig", "小猪", "头"),
];

/// Colours. The Chinese word is the noun (`红色`).
pub(crate) const COLOURS: &[Word] = &[
    word("red", "红色", "种"),
    word("blue", "蓝色", "种"),
    word("green", "绿色", "种"),
    word("yellow", "黄色", "种"),
    word("white", "白色", "种"),
    word("black", "黑色", "种"),
    word("brown", "棕色", "种"),
    word("grey", "灰色", "种"),
    word("pink", "粉色", "种"),
    word("purple", "紫色", "种"),
    word("orange", "橙色", "种"),
    word("golden", "金色", "种"),
    word("silver", "银色", "种"),
];

/// Foods that follow "likes to eat".
pub(crate) const FOODS: &[Word] = &[
    word("soup", "汤", "碗"),
    word("bread", "面包", "块"),
    word("rice", "米饭", "碗"),
    word("noodles", "面条", "碗"),
    word("dumplings", "饺子", "盘"),
    word("apples", "苹果", "个"),
    word("pears", "梨", "个"),
    word("cherries", "樱桃", "颗"),
    word("grapes", "葡萄", "串"),
    word("cheese", "奶酪", "块"),
    word("honey", "蜂蜜", "勺"),
    word("cake", "蛋糕", "块"),
    word("fish", "鱼", "条"),
    word("eggs", "鸡蛋", "个"),
    word("beans", "豆子", "把"),
    word("carrots", "胡萝卜", "根"),
    word("potatoes", "土豆", "个"),
    word("tomatoes", "西红柿", "个"),
    word("corn", "玉米", "根"),
    word("pumpkin", "南瓜", "块"),
    word("mushrooms", "蘑菇", "朵"),
    word("nuts", "坚果", "把"),
    word("peaches", "桃子", "个"),
    word("melon", "甜瓜", "块"),
];

/// Things one can own or carry.
pub(crate) const THINGS: &[Word] = &[
    word("kite", "风筝", "只"),
    word("drum", "鼓", "面"),
    word("lamp", "灯", "盏"),
    word("boat", "小船", "条"),
    word("bicycle", "自行车", "辆"),
    word("cup", "杯子", "个"),
    word("hat", "帽子", "顶"),
    word("coat", "外套", "件"),
    word("scarf", "围巾", "条"),
    word("umbrella", "雨伞", "把"),
    word("basket", "篮子", "个"),
    word("chair", "椅子", "把"),
    word("box", "盒子", "个"),
    word("book", "书", "本"),
    word("clock", "钟", "座"),
    word("flute", "笛子", "支"),
    word("ball", "球", "个"),
    word("knife", "小刀", "把"),
    word("bell", "铃铛", "个"),
    word("mirror", "镜子", "面"),
    word("ladder", "梯子", "架"),
    word("blanket", "毯子", "条"),
    word("bucket", "水桶", "个"),
    word("violin", "小提琴", "把"),
    word("cart", "推车", "辆"),
    word("spoon", "勺子", "把"),
];

/// A thing that is counted, with its singular and plural.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Countable {
    pub(crate) one: &'static str,
    pub(crate) many: &'static str,
    pub(crate) zh: &'static str,
    pub(crate) measure: &'static str,
}

const fn countable(one: &'static str, many: &'static str, zh: &'static str, measure: &'static str) -> Countable {
    Countable { one, many, zh, measure }
}

impl Countable {
    /// `1 marble`, `12 marbles`.
    pub(crate) fn english(&self, count: u32) -> String {
        format!("{count} {}", self.noun(count))
    }

    /// The noun that goes with `count`.
    pub(crate) fn noun(&self, count: u32) -> &'static str {
        if count == 1 { self.one } else { self.many }
    }

    /// `12 颗弹珠`.
    pub(crate) fn chinese(&self, count: u32) -> String {
        format!("{count} {}{}", self.measure, self.zh)
    }
}

/// Things that are counted in facts and in word problems.
pub(crate) const COUNTABLES: &[Countable] = &[
    countable("marble", "marbles", "弹珠", "颗"),
    countable("shell", "shells", "贝壳", "个"),
    countable("coin", "coins", "硬币", "枚"),
    countable("button", "buttons", "纽扣", "颗"),
    countable("stamp", "stamps", "邮票", "张"),
    countable("candle", "candles", "蜡烛", "支"),
    countable("pencil", "pencils", "铅笔", "支"),
    countable("feather", "feathers", "羽毛", "根"),
    countable("stone", "stones", "石子", "颗"),
    countable("flower", "flowers", "花", "朵"),
    countable("card", "cards", "卡片", "张"),
    countable("seed", "seeds", "种子", "粒"),
    countable("plate", "plates", "盘子", "个"),
    countable("bottle", "bottles", "瓶子", "个"),
    countable("ribbon", "ribbons", "丝带", "条"),
    countable("nail", "nails", "钉子", "颗"),
];

/// Jobs that follow "works as a".
pub(crate) const JOBS: &[Word] = &[
    word("baker", "面包师", "名"),
    word("farmer", "农民", "名"),
    word("teacher", "老师", "名"),
    word("doctor", "医生", "名"),
    word("fisher", "渔夫", "名"),
    word("gardener", "园丁", "名"),
    word("painter", "画家", "名"),
    word("singer", "歌手", "名"),
    word("cook", "厨师", "名"),
    word("tailor", "裁缝", "名"),
    word("miller", "磨坊主", "名"),
    word("carpenter", "木匠", "名"),
    word("builder", "建筑工人", "名"),
    word("driver", "司机", "名"),
    word("nurse", "护士", "名"),
    word("writer", "作家", "名"),
    word("potter", "陶工", "名"),
    word("shepherd", "牧羊人", "名"),
    word("sailor", "水手", "名"),
    word("postman", "邮递员", "名"),
    word("guard", "守卫", "名"),
    word("actor", "演员", "名"),
    word("engineer", "工程师", "名"),
    word("clerk", "店员", "名"),
];

/// Hobbies, as nouns in `-ing`.
pub(crate) const HOBBIES: &[Word] = &[
    word("painting", "画画", "种"),
    word("fishing", "钓鱼", "种"),
    word("singing", "唱歌", "种"),
    word("dancing", "跳舞", "种"),
    word("reading", "看书", "种"),
    word("swimming", "游泳", "种"),
    word("cooking", "做饭", "种"),
    word("running", "跑步", "种"),
    word("sewing", "缝纫", "种"),
    word("climbing", "爬山", "种"),
    word("skating", "滑冰", "种"),
    word("gardening", "种花", "种"),
    word("chess", "下棋", "种"),
    word("drawing maps", "画地图", "种"),
    word("sailing", "划船", "种"),
    word("knitting", "织毛衣", "种"),
];

/// `count` different words of a list, in random order.
pub(crate) fn choose_different<'a, T>(rng: &mut Rng, list: &'a [T], count: usize) -> Vec<&'a T> {
    let mut indices: Vec<usize> = (0..list.len()).collect();
    rng.shuffle(&mut indices);
    indices.into_iter().take(count).map(|i| &list[i]).collect()
}
