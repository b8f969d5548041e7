//! What has to be done before what: goals, their steps in order, and why each step comes where it does.

use crate::template::{capitalised, fill, space_mixed};
use crate::world::Language;

/// One step in one language: an infinitive without "to", and the reason why it is needed at that point.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) action: &'static str,
    pub(crate) reason: &'static str,
}

/// A goal with its steps in both languages; step `i` depends on step `i - 1`.
#[derive(Debug)]
pub(crate) struct Plan {
    english: (&'static str, &'static [Step]),
    chinese: (&'static str, &'static [Step]),
}

const fn step(action: &'static str, reason: &'static str) -> Step {
    Step { action, reason }
}

impl Plan {
    /// The goal as an infinitive without "to": `bake bread`, `烤面包`.
    pub(crate) fn goal(&self, language: Language) -> &'static str {
        self.telling(language).0
    }

    /// The steps in order.
    pub(crate) fn steps(&self, language: Language) -> &'static [Step] {
        self.telling(language).1
    }

    fn telling(&self, language: Language) -> (&'static str, &'static [Step]) {
        match language {
            Language::English => self.english,
            Language::Chinese => self.chinese,
        }
    }

    /// A numbered list, one step a line.
    pub(crate) fn numbered(&self, language: Language) -> String {
        let lines: Vec<String> = self
            .steps(language)
            .iter()
            .enumerate()
            .map(|(i, s)| match language {
                Language::English => format!("{}. {}.", i + 1, capitalised(s.action)),
                Language::Chinese => format!("{}. {}。", i + 1, s.action),
            })
            .collect();
        lines.join("\n")
    }

    /// What must come right before step `index` (1 or more), said of `name`.
    pub(crate) fn before(&self, language: Language, index: usize, name: &str) -> String {
        let steps = self.steps(language);
        let slots = [("name", name), ("first", steps[index - 1].action), ("then", steps[index].action)];
        match language {
            Language::English => fill("Before that, {name} must {first}.", &slots),
            Language::Chinese => space_mixed(&fill("在那之前，{name}要先{first}。", &slots)),
        }
    }
}

/// The registry of plans.
pub(crate) const PLANS: &[Plan] = &[
    Plan {
        english: (
            "bake bread",
            &[
                step("fetch flour from the mill", "dough is made of flour"),
                step("mix the flour with water", "dry flour does not hold together"),
                step("let the dough rest", "the dough must rise before it is baked"),
                step("heat the oven", "bread bakes only in a hot oven"),
                step("put the dough into the oven", "the heat turns dough into bread"),
            ],
        ),
        chinese: (
            "烤面包",
            &[
                step("去磨坊取面粉", "面团是用面粉做的"),
                step("把面粉和水揉在一起", "干面粉不会自己成团"),
                step("让面团休息一会儿", "面团要先发起来才能烤"),
                step("把烤炉烧热", "炉子不热就烤不出面包"),
                step("把面团放进烤炉", "有了热气，面团才会变成面包"),
            ],
        ),
    },
    Plan {
        english: (
            "plant a tree",
            &[
                step("choose a sunny place", "a young tree needs light"),
                step("dig a deep hole", "the roots need room"),
                step("set the tree into the hole", "the roots must be under the ground"),
                step("fill the hole with earth", "loose roots dry out"),
                step("water the tree", "a new tree is thirsty"),
            ],
        ),
        chinese: (
            "种一棵树",
            &[
                step("选一块有阳光的地方", "小树需要阳光"),
                step("挖一个深坑", "树根需要地方"),
                step("把小树放进坑里", "树根要埋在地下"),
                step("用土把坑填好", "树根露在外面会干掉"),
                step("给小树浇水", "刚种下的树很渴"),
            ],
        ),
    },
    Plan {
        english: (
            "mend the roof",
            &[
                step("borrow a ladder", "the roof is too high to reach"),
                step("take off the broken tiles", "new tiles do not fit over old ones"),
                step("nail new boards to the beams", "the tiles need something to lie on"),
                step("lay the new tiles", "tiles keep the rain out"),
            ],
        ),
        chinese: (
            "修屋顶",
            &[
                step("借一架梯子", "屋顶太高，够不着"),
                step("拆掉破的瓦片", "新瓦不能压在破瓦上"),
                step("在房梁上钉新木板", "瓦片要有东西托着"),
                step("铺上新瓦片", "瓦片能挡住雨水"),
            ],
        ),
    },
    Plan {
        english: (
            "cook soup",
            &[
                step("wash the vegetables", "there is earth on them"),
                step("cut them into small pieces", "small pieces become soft sooner"),
                step("boil water in a pot", "the vegetables must go into hot water"),
                step("put the vegetables into the pot", "they give the soup its taste"),
                step("add some salt", "the taste is right only at the end"),
            ],
        ),
        chinese: (
            "煮汤",
            &[
                step("把菜洗干净", "菜上面有泥土"),
                step("把菜切成小块", "小块的菜熟得快"),
                step("烧开一锅水", "菜要放进热水里"),
                step("把菜放进锅里", "汤的味道从菜里来"),
                step("加一点盐", "最后才尝得出咸淡"),
            ],
        ),
    },
    Plan {
        english: (
            "build a kite",
            &[
                step("find two light sticks", "a heavy kite does not fly"),
                step("tie the sticks into a cross", "the paper needs a frame"),
                step("glue paper onto the cross", "the wind must have something to push"),
                step("fix a tail to the end", "without a tail the kite turns over"),
                step("tie on a long string", "the string keeps the kite from flying away"),
            ],
        ),
        chinese: (
            "做风筝",
            &[
                step("找两根轻的木条", "太重的风筝飞不起来"),
                step("把木条绑成十字", "纸需要一个架子"),
                step("把纸糊在架子上", "风要有东西可以吹"),
                step("在下面系上尾巴", "没有尾巴，风筝会翻跟头"),
                step("系上一根长线", "有了线，风筝才不会飞走"),
            ],
        ),
    },
    Plan {
        english: (
            "paint the fence",
            &[
                step("brush off the dust", "paint does not stick to dust"),
                step("mend the broken boards", "paint cannot hide a hole"),
                step("stir the paint", "the colour sinks to the bottom"),
                step("paint one board after another", "a missed board spoils the whole fence"),
                step("let the paint dry", "wet paint marks every coat"),
            ],
        ),
        chinese: (
            "给篱笆刷漆",
            &[
                step("把灰尘扫干净", "有灰尘，漆就粘不住"),
                step("修好坏了的木板", "漆盖不住破洞"),
                step("把漆搅匀", "颜色会沉到桶底"),
                step("一块一块地刷", "漏掉一块就不好看了"),
                step("等漆晾干", "没干的漆会弄脏衣服"),
            ],
        ),
    },
    Plan {
        english: (
            "catch a fish",
            &[
                step("dig for worms", "fish bite on worms"),
                step("put a worm on the hook", "no fish bites an empty hook"),
                step("throw the line into the river", "the fish are in deep water"),
                step("wait without a sound", "noise drives the fish away"),
                step("pull in the line", "the fish is on the hook"),
            ],
        ),
        chinese: (
            "钓鱼",
            &[
                step("挖几条虫子", "鱼爱吃虫子"),
                step("把虫子挂在鱼钩上", "空鱼钩没有鱼会咬"),
                step("把鱼线抛进河里", "鱼都在深水里"),
                step("安静地等着", "有声音鱼就跑了"),
                step("把鱼线拉上来", "鱼已经上钩了"),
            ],
        ),
    },
    Plan {
        english: (
            "send a letter",
            &[
                step("find paper and a pen", "a letter must be written on something"),
                step("write the letter", "an empty page tells nothing"),
                step("put it into an envelope", "the rain could spoil the paper"),
                step("write the name and the place on it", "the postman must know where to go"),
                step("bring it to the post office", "letters leave from there"),
            ],
        ),
        chinese: (
            "寄一封信",
            &[
                step("找来纸和笔", "写信要用纸和笔"),
                step("把信写好", "空白的纸什么也没说"),
                step("把信装进信封", "下雨会把纸弄湿"),
                step("写上名字和地方", "邮递员要知道送到哪里"),
                step("把信送到邮局", "信都从邮局寄出去"),
            ],
        ),
    },
    Plan {
        english: (
            "wash the clothes",
            &[
                step("carry water from the well", "nothing gets clean without water"),
                step("warm the water", "cold water leaves the spots"),
                step("rub the clothes with soap", "soap takes the dirt away"),
                step("rinse the clothes", "soap makes the cloth stiff"),
                step("hang them in the sun", "the sun dries them"),
            ],
        ),
        chinese: (
            "洗衣服",
            &[
                step("从井里打水", "没有水什么也洗不干净"),
                step("把水烧温", "冷水洗不掉污点"),
                step("用肥皂搓衣服", "肥皂能去掉脏东西"),
                step("用清水漂一遍", "留下肥皂，衣服会变硬"),
                step("把衣服晾在太阳下", "太阳能把衣服晒干"),
            ],
        ),
    },
    Plan {
        english: (
            "make tea",
            &[
                step("fill the kettle", "tea begins with fresh water"),
                step("light the fire", "the kettle must stand on something hot"),
                step("wait until the water boils", "tea leaves open in boiling water"),
                step("pour the water over the leaves", "the water takes the taste from the leaves"),
            ],
        ),
        chinese: (
            "泡茶",
            &[
                step("把水壶装满", "泡茶要用新鲜的水"),
                step("点上火", "水壶要放在火上"),
                step("等水烧开", "茶叶要用开水泡"),
                step("把开水倒在茶叶上", "水会带出茶的香味"),
            ],
        ),
    },
    Plan {
        english: (
            "move a heavy cupboard",
            &[
                step("empty the cupboard", "a full cupboard is too heavy"),
                step("clear the way to the door", "one could fall over a chair"),
                step("ask a strong friend for help", "one person cannot lift it"),
                step("carry the cupboard outside", "it should stand in another house"),
            ],
        ),
        chinese: (
            "搬一个重柜子",
            &[
                step("把柜子腾空", "装满的柜子太重"),
                step("把门口的路清出来", "路上有椅子会绊倒人"),
                step("请一个有力气的朋友帮忙", "一个人抬不动"),
                step("把柜子抬出去", "柜子要放到另一间屋里"),
            ],
        ),
    },
    Plan {
        english: (
            "give a party",
            &[
                step("choose a day", "the guests must know when to come"),
                step("invite the neighbours", "a party needs guests"),
                step("buy food and drinks", "hungry guests go home early"),
                step("put tables in the garden", "everybody wants a place to sit"),
                step("light the lamps", "the evening will be dark"),
            ],
        ),
        chinese: (
            "办一个聚会",
            &[
                step("选一个日子", "客人要知道哪天来"),
                step("邀请邻居", "聚会要有客人"),
                step("买吃的和喝的", "客人饿了会早早回家"),
                step("在院子里摆好桌子", "大家都要有地方坐"),
                step("把灯点亮", "晚上天会黑"),
            ],
        ),
    },
    Plan {
        english: (
            "cross the wide river",
            &[
                step("look for the ferryman", "only he has a boat"),
                step("pay the ferryman", "he rows nobody for nothing"),
                step("step into the boat", "the boat is about to leave"),
                step("sit still", "a boat that rocks takes in water"),
            ],
        ),
        chinese: (
            "过大河",
            &[
                step("去找摆渡的人", "只有他有船"),
                step("付船钱", "他不会白白送人过河"),
                step("上船", "船马上就要开了"),
                step("坐着不动", "船一晃就会进水"),
            ],
        ),
    },
    Plan {
        english: (
            "sew a shirt",
            &[
                step("measure the arms and the back", "the shirt has to fit"),
                step("cut the cloth", "one piece of cloth is no shirt"),
                step("thread the needle", "a needle without thread holds nothing"),
                step("sew the pieces together", "the pieces must become one"),
                step("put on the buttons", "the shirt has to close"),
            ],
        ),
        chinese: (
            "缝一件衬衫",
            &[
                step("量一量胳膊和后背", "衬衫要合身"),
                step("把布裁好", "一整块布还不是衬衫"),
                step("给针穿上线", "没有线，针什么也缝不住"),
                step("把布片缝在一起", "几块布要连成一件"),
                step("钉上扣子", "衬衫要能扣上"),
            ],
        ),
    },
];
