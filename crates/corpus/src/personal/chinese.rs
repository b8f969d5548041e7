//! Names and addresses in Chinese characters.
//!
//! A name is a surname with one or two characters after it. Two characters of names that are seldom anything else, between
//! boundaries, are enough; otherwise a title after it or a phrase before it must speak for it. An address is what stands
//! between a province, a city or a phrase and a house number after a word of streets.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::Taken;
use super::checks::compile;

/// Surnames by frequency (the hundred most frequent bear 85 % of the people), ones that are seldom another word first.
const SURE: &str = "王李张刘陈杨赵吴徐孙朱郭罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘袁蒋杜苏魏吕沈姚卢傅崔谭廖范汪贾韦侯邹熊孟秦阎薛尹雷陶贺郝龚邵钱严覃武戴莫孔汤";
const OTHERS: &str = "黄周胡林何高马董田于余叶程任钟姜陆金石夏方丁江史黎龙毛康常顾万段白向温施牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝";
const DOUBLE: &[&str] = &[
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容", "司徒", "夏侯", "端木", "长孙",
    "南宫", "独孤",
];

/// Characters of given names beyond those of the list that `oracle/names.py` makes.
const GIVEN: &str = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛超霞平刚桂梅婷玲珍雪琳晓建国华明志文斌宇浩然子轩梓涵欣怡诗雨佳俊豪泽嘉思睿博晨曦梦瑶紫萱一诺可馨雅琪悦心若依晴菲萌萍莉莹慧兰凤云洁燕红春秋冬梦琴淑惠宁倩蕾薇岚岩松柏林森鑫铭鹏飞翔宏远达兴旺福禄寿祥瑞坤乾龙虎豹峰岭海波涵润泉清澄源江河光辉耀灿炜煜烨炎焕振东南西北中山川忠孝仁义礼智信诚德才良贤卓立新民生富贵荣昌盛世安康健乐喜庆媛婕妍妮姗娇嫣嫦蓉莲菊荷芬芸茜萱蓓彤彩虹霖露霜冰寒梁栋楠桐榕樱桃柳杨";
const LISTED: &str = include_str!("names/chinese.txt");

/// What follows a name.
const TITLES: &[&str] = &[
    "先生",
    "女士",
    "小姐",
    "老师",
    "教授",
    "医生",
    "大夫",
    "护士",
    "经理",
    "主任",
    "同学",
    "博士",
    "律师",
    "校长",
    "局长",
    "处长",
    "院长",
    "部长",
    "市长",
    "省长",
    "总裁",
    "总经理",
    "董事长",
    "主席",
    "书记",
    "警官",
    "法官",
    "师傅",
    "同志",
    "太太",
    "夫人",
    "阿姨",
    "叔叔",
    "大爷",
    "奶奶",
    "记者",
    "队长",
    "班长",
    "导演",
    "总监",
    "工程师",
    "院士",
    "研究员",
];
/// What a person does right after being named.
const ACTS: &[&str] = &[
    "说",
    "表示",
    "告诉",
    "指出",
    "认为",
    "介绍",
    "问",
    "答",
    "回答",
    "写道",
    "称",
    "强调",
    "透露",
    "解释",
    "住在",
    "出生",
    "毕业",
    "的电话",
    "的手机",
    "的邮箱",
    "的地址",
    "的身份证",
    "的账号",
    "的银行卡",
    "今年",
    "（",
    "(",
    "，男",
    "，女",
    "的生日",
    "的家",
    "在电话",
];
/// What announces a name.
const CUES: &[&str] = &[
    "我叫",
    "名叫",
    "叫做",
    "姓名：",
    "姓名:",
    "姓名是",
    "名字是",
    "名字叫",
    "名字：",
    "联系人：",
    "联系人:",
    "联系人是",
    "联系人",
    "收件人：",
    "收件人:",
    "收件人",
    "寄件人：",
    "我是",
    "我的名字是",
    "作者：",
    "作者",
    "记者",
    "法人",
    "法定代表人",
    "被告",
    "原告",
    "患者",
    "客户",
    "用户",
    "业主",
    "员工",
    "同事",
    "朋友",
    "同学",
    "老师",
    "医生",
    "经理",
    "教授",
    "导演",
    "演员",
    "歌手",
    "主持人",
    "亲爱的",
    "尊敬的",
    "负责人：",
    "负责人",
    "嫌疑人",
    "户主",
    "持卡人",
    "开户人",
    "申请人",
    "申请人：",
    "通知",
    "找",
    "给",
    "请",
    "由",
    "丈夫",
    "妻子",
    "儿子",
    "女儿",
    "哥哥",
    "弟弟",
    "姐姐",
    "妹妹",
    "父亲",
    "母亲",
    "邻居",
    "学生",
];
/// What may stand right before or after a name that speaks for itself.
const BOUNDARIES: &str =
    "的在和与是把被向对将从说了到给同跟也都让请由及或等，。、；：！？“”‘’（）《》()\"' \n\t,.;:!?　去来住寄打有";

/// Common words that look like surname and given name.
const NOT_NAMES: &[&str] = &[
    "高兴", "高中", "高山", "马上", "马路", "王国", "王子", "方便", "方法", "方向", "白天", "白云", "白雪", "黄金",
    "黄河", "黄山", "张开", "周末", "周年", "金色", "金融", "江南", "江山", "平安", "安全", "安静", "成功", "成立",
    "华人", "任何", "何时", "林业", "田野", "石头", "时代", "程度", "程序", "常常", "向东", "万一", "云南", "龙江",
    "明天", "和平", "路上", "水平", "文明", "文化", "中国", "国家", "建设", "海洋", "海南", "山东", "河南", "广东",
    "东方", "于是", "关于", "关心", "全国", "全民", "陈旧", "许多", "杨树", "杨柳", "李子", "唐诗", "宋词", "唐朝",
    "宋朝", "明朝", "孙子", "钱包", "严重", "严格", "温和", "温泉", "应该", "童年", "单位", "包子", "费用", "古代",
    "古典", "农民", "农业", "车站", "连忙", "时间", "易于", "康复", "解放", "解决", "成长", "盛世", "米饭", "荣誉",
    "明星", "明白", "郑州", "徐州", "郭家", "汪洋", "罗马", "莫名", "莫非", "孔子", "武汉", "武术", "武器", "雷雨",
    "雷达", "汤圆", "秦国", "秦朝", "韩国", "吴国", "魏国", "赵国", "曹国", "蔡国", "苏州", "苏联", "杜绝", "许可",
    "谢谢", "彭湃", "曾经", "沈阳", "贺年", "贺卡", "陶器", "范围", "孟子", "侯爵", "熊猫", "朱红", "梁山", "蒋家",
    "韩文", "严寒", "严明", "李树", "唐山", "宋江", "安康", "和谐", "明明", "高峰", "高龙", "江河", "江海", "金山",
    "龙虎", "史书", "史诗", "丁香", "兰花", "梅花", "桂林", "柳州", "华山", "华东", "华南", "荣昌", "吉林", "常州",
    "成立", "龙岩", "石林", "平和", "温州", "钟山", "连云", "安阳", "海口",
];

static SETS: LazyLock<Sets> = LazyLock::new(|| Sets {
    sure: SURE.chars().collect(),
    others: OTHERS.chars().collect(),
    given: GIVEN.chars().chain(LISTED.lines().filter(|line| !line.starts_with('#')).flat_map(str::chars)).collect(),
    boundaries: BOUNDARIES.chars().collect(),
});

struct Sets {
    sure: HashSet<char>,
    others: HashSet<char>,
    given: HashSet<char>,
    boundaries: HashSet<char>,
}

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

pub(super) fn names(text: &str, found: &mut Taken) {
    let sets = &*SETS;
    let mut before = None;
    let mut skip = 0;
    for (at, c) in text.char_indices() {
        let previous = before.replace(c);
        if at < skip || !is_han(c) {
            continue;
        }
        let rest = &text[at..];
        let double = DOUBLE.iter().find(|surname| rest.starts_with(**surname));
        let sure = sets.sure.contains(&c);
        if double.is_none() && !sure && !sets.others.contains(&c) {
            continue;
        }
        let surname = double.map_or(c.len_utf8(), |surname| surname.len());
        if let Some((length, reason)) = judge(text, at, surname, sure || double.is_some(), previous, sets)
            && found.add((at, at + length), "name", reason)
        {
            skip = at + length;
        }
    }
}

/// The length in bytes of the name whose surname is the `surname` bytes at `at`.
fn judge(
    text: &str,
    at: usize,
    surname: usize,
    sure: bool,
    previous: Option<char>,
    sets: &Sets,
) -> Option<(usize, &'static str)> {
    let rest = &text[at..];
    if NOT_NAMES.iter().any(|word| rest.starts_with(word)) {
        return None;
    }
    let given: Vec<char> = rest[surname..].chars().take(2).take_while(|c| is_han(*c)).collect();
    let end_of = |n: usize| surname + given[..n].iter().map(|c| c.len_utf8()).sum::<usize>();
    let after = |n: usize| &rest[end_of(n)..];
    let before = &text[..at];
    let cued = CUES.iter().any(|cue| before.ends_with(cue));
    let free = previous.is_none_or(|c| sets.boundaries.contains(&c) || !is_han(c)) || cued;
    // The surname alone before a title: 王先生.
    if let Some(title) = TITLES.iter().find(|title| rest[surname..].starts_with(**title)) {
        let strong = matches!(
            *title,
            "先生"
                | "女士"
                | "小姐"
                | "老师"
                | "医生"
                | "经理"
                | "教授"
                | "同学"
                | "师傅"
                | "阿姨"
                | "律师"
                | "太太"
                | "博士"
                | "主任"
        );
        return (strong && free && (sure || cued)).then_some((surname, "surname before a title"));
    }
    for n in [2, 1] {
        if given.len() < n {
            continue;
        }
        let all_given = given[..n].iter().all(|c| sets.given.contains(c));
        let tail = after(n);
        let next = tail.chars().next();
        let bounded = next.is_none_or(|c| sets.boundaries.contains(&c) || !is_han(c));
        let titled = TITLES.iter().any(|title| tail.starts_with(title));
        let acts = ACTS.iter().any(|act| tail.starts_with(act));
        if titled && (free || all_given) && (all_given || sure) {
            return Some((end_of(n), "before a title"));
        }
        if cued && (all_given || sure) && (bounded || acts || all_given) {
            return Some((end_of(n), "announced as a name"));
        }
        if free && acts && all_given {
            return Some((end_of(n), "does what persons do"));
        }
        if n == 2 && all_given && free && bounded && sure {
            return Some((end_of(n), "surname and characters of names"));
        }
        if n == 1
            && all_given
            && sure
            && free
            && previous.is_none_or(|c| "\n，。、；：“（ ".contains(c))
            && next.is_some_and(|c| "和与、，的说是".contains(c))
        {
            return Some((end_of(n), "surname and character of names"));
        }
    }
    None
}

const REGIONS: &str = "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|\
    广州|深圳|杭州|南京|苏州|成都|武汉|西安|青岛|大连|沈阳|长春|哈尔滨|济南|郑州|长沙|南昌|合肥|福州|厦门|昆明|贵阳|南宁|海口|太原|石家庄|兰州|西宁|银川|乌鲁木齐|拉萨|呼和浩特|宁波|无锡|常州|温州|东莞|佛山|珠海|中山|惠州|烟台|洛阳|唐山|徐州|扬州|南通|绍兴|嘉兴|金华|台州|泉州|桂林|三亚";

static REGION: LazyLock<Regex> = LazyLock::new(|| compile(REGIONS));
/// From a word of streets on.
static HOUSE: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:路|街|道|巷|弄|胡同|里|村|园|苑|屯|庄|镇|乡|社区|小区|新村|花园|广场|大厦|中心)(?:[东南西北中]段|[东南西北一二三四五六七八九十]{1,2}[路街巷里])?[ ]?(?:[0-9０-９]{1,5}|[一二三四五六七八九十百]{1,5})(?:-[0-9]{1,4})?(?:号楼|号院|号|弄|栋|幢|座|组|队)(?:院|附)?(?:[ ]?(?:[0-9A-Za-z０-９]{1,5}|[一二三四五六七八九十]{1,3})[ ]?(?:号楼|栋|幢|座|单元|层|楼|室|号|房|户|门|组)|[ ]?[\p{Han}]{2,8}(?:大厦|小区|花园|公寓|广场|中心|大楼|家园|苑))*(?:[ ]?[0-9]{3,4}(?:室|房)?)?",
    )
});
/// Phrases after which an address begins.
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:地址(?:是|为|在)?[：:]?|住址[：:]?|住在|居住在|家住|位于|坐落于|坐落在|寄到|寄往|寄至|送到|送至|送往|搬到|前往|来到|到达|到|在|于|从|至|往|去|是|为|[：:，。；,;！？!?、“”（）() \n])",
    )
});

/// Longest beginning of an address before its word of streets, in characters.
const LONGEST: usize = 32;

pub(super) fn addresses(text: &str, found: &mut Taken) {
    let mut from = 0;
    while let Some(m) = HOUSE.find_at(text, from) {
        from = m.end();
        // Line numbers of the underground and issues of magazines have a word of their own after the number.
        if text[m.end()..].starts_with('线') {
            continue;
        }
        let mut begin = m.start();
        for (place, _) in text[..m.start()].char_indices().rev().take(LONGEST).take_while(|&(_, c)| c != '\n') {
            begin = place;
        }
        let lead = &text[begin..m.start()];
        let after_phrase = LEAD.find_iter(lead).last().map(|phrase| phrase.end());
        let region = REGION.find_iter(lead).map(|region| region.start()).find(|&place| {
            // Nothing but Chinese characters and digits between the region and the street.
            lead[place..].chars().all(|c| is_han(c) || c.is_ascii_digit())
        });
        let start = match (region, after_phrase) {
            (Some(region), _) => begin + region,
            (None, Some(phrase)) => begin + phrase,
            (None, None) => begin,
        };
        let name = text[start..m.start()].chars().count();
        let has_region = region.is_some();
        let street = ["路", "街", "道", "巷", "弄", "胡同"].iter().any(|word| text[m.start()..].starts_with(word));
        if name >= 1
            && (street || has_region || name >= 2)
            && text[start..m.start()].chars().all(|c| is_han(c) || c.is_ascii_digit())
        {
            found.add((start, m.end()), "address", "word of streets and house number");
        }
    }
}
