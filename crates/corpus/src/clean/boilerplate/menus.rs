//! Menus and breadcrumbs: lines made of the names pages have, with or without separators between them.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Names of pages and sections that menus are made of.
static NAMES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| ENGLISH.split('|').chain(CHINESE.split('|')).collect());

const ENGLISH: &str = "home|homepage|home page|about|about us|contact|contact us|contacts|news|latest news|blog|blogs|login|\
     log in|sign in|logout|log out|sign out|sign up|signup|register|join|join us|help|faq|faqs|privacy|\
     privacy policy|privacy notice|cookies|cookie policy|terms|terms of use|terms of service|\
     terms and conditions|terms & conditions|legal|legal notice|imprint|disclaimer|accessibility|sitemap|\
     site map|search|menu|archive|archives|events|calendar|gallery|shop|store|cart|basket|my cart|checkout|\
     products|services|support|careers|jobs|press|media|sports|sport|business|politics|opinion|world|local|\
     culture|arts|travel|weather|tech|technology|science|health|entertainment|lifestyle|education|video|videos|\
     photos|pictures|forum|forums|community|subscribe|newsletter|account|my account|profile|my profile|\
     settings|language|english|rss|feed|next|previous|prev|back|top|advertise|advertising|team|our team|\
     pricing|docs|documentation|download|downloads|categories|tags|more|resources|partners|donate|feedback|map|\
     maps|directions|stories|all stories|articles|reviews|features|topics|index|overview|sections|magazine|\
     podcast|podcasts|games|music|books|movies|recipes|food|fashion|share|print|email|facebook|twitter|\
     instagram|youtube|linkedin|wishlist|orders|offers|sale|deals|notifications|messages|dashboard|tools|links|\
     guestbook|members|portfolio|projects|publications|research";

const CHINESE: &str = "首页|主页|网站首页|新闻|新闻中心|关于|关于我们|关于本站|联系|联系我们|登录|登陆|注册|退出|帮助|帮助中心|\
     搜索|产品|产品中心|服务|服务支持|论坛|博客|体育|财经|娱乐|科技|教育|视频|图片|下载|招聘|人才招聘|网站地图|\
     更多|地图|商城|购物车|社区|国际|国内|军事|汽车|房产|健康|旅游|天气|活动|图库|归档|分类|标签|专题|专栏|\
     评论|社会|文化|时尚|游戏|音乐|读书|小说|电影|美食|公司简介|公司新闻|留言|留言板|在线留言|常见问题|设置|\
     收藏|分享|订阅|隐私政策|隐私|使用条款|服务条款|用户协议|免责声明|友情链接|我的|我的账户|个人中心|会员中心|\
     消息|客服|广告服务|版权声明|意见反馈|反馈|上一页|下一页|上一篇|下一篇|返回|返回顶部|顶部|菜单|导航|文章|\
     故事|资讯|直播|热点|头条|English|排行榜|目录|书架|推荐|最新|热门|关注|公告|投稿|合作|加入我们|资源|工具|\
     课程|问答|生活|历史|艺术";

/// Separators that stand between menu items and rarely inside sentences.
const STRONG: &[char] = &['|', '｜', '·', '•', '»', '›', '→', '‹', '«', '┃', '丨', '◦', '▪', '●', '\t'];

/// True when `line` is a menu, a breadcrumb or a list of page names.
pub fn is_menu(line: &str) -> bool {
    let line = line.trim_matches(|c: char| c.is_whitespace() || "-*#[]【】=~_".contains(c));
    // Table rows of Markdown and sentences are no menus.
    if line.starts_with('|') && line.ends_with('|') || line.ends_with(['.', '。', '?', '？', '!', '！', ':', '：'])
    {
        return false;
    }
    let strong: Vec<&str> = items(line, |c| STRONG.contains(&c));
    if strong.len() >= 2 && strong.iter().all(|item| is_short(item)) {
        let named = strong.iter().filter(|item| is_name(item)).count();
        // Two of two, two of three, two of five; with fewer, it may be any list with bars.
        if named >= 2 && named * 5 >= strong.len() * 2 {
            return true;
        }
    }
    let weak =
        items(line, |c| STRONG.contains(&c) || matches!(c, '/' | '>' | '＞' | '／' | '[' | ']' | '-' | '–' | '—'));
    if weak.len() >= 2 && weak.iter().all(|item| is_short(item)) {
        let named = weak.iter().filter(|item| is_name(item)).count();
        if named >= 3 && named * 5 >= weak.len() * 3 || named == 2 && weak.len() == 2 && is_home(weak[0]) {
            return true;
        }
        // "Home > Animals > Birds"; nothing else starts with "Home >".
        if is_home(weak[0]) && line.contains(['>', '＞', '»', '›', '→']) {
            return true;
        }
    }
    made_of_names(line)
}

fn items(line: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    line.split(is_separator).map(str::trim).filter(|item| !item.is_empty()).collect()
}

fn is_home(item: &str) -> bool {
    let item = item.to_lowercase();
    matches!(item.trim_start_matches("you are here:").trim(), "home" | "homepage" | "首页" | "主页" | "网站首页")
        || item.ends_with("：首页")
        || item.ends_with("：主页")
}

/// True for the names of pages and sections.
pub(super) fn is_name(item: &str) -> bool {
    let item = item.trim_matches(|c: char| c.is_whitespace() || "[]()【】".contains(c));
    NAMES.contains(item.to_lowercase().as_str()) || NAMES.contains(item)
}

fn is_short(item: &str) -> bool {
    item.split_whitespace().count() <= 4 && item.chars().count() <= 32
}

/// "Home News Sports About us": names alone, at least four of them, in title case (sentences are not).
fn made_of_names(line: &str) -> bool {
    if line.contains([',', '，', '、', ';', '；']) {
        return false;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let (mut at, mut named, mut capital) = (0, 0usize, 0usize);
    while at < words.len() {
        let longest = (1..=3.min(words.len() - at)).rev().find(|&n| is_name(&words[at..at + n].join(" ")));
        let Some(length) = longest else { return false };
        capital += usize::from(!words[at].starts_with(char::is_lowercase));
        named += 1;
        at += length;
    }
    named >= 4 && capital == named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menus_are_told_from_lists() {
        for menu in [
            "Home | About | Contact",
            "Home » Stories » The red kite",
            "[Home] [News] [Log in]",
            "Home News Sports About us",
            "首页 | 新闻 | 联系我们",
            "首页 > 动物 > 鸟类",
            "首页 新闻 体育 财经 关于我们",
            "Privacy Policy · Terms of Use · Imprint",
        ] {
            assert!(is_menu(menu), "{menu}");
        }
        for text in [
            "| home | news | about |",
            "red | green | blue",
            "3 / 4 / 5",
            "home - a place to live",
            "news, sports, weather",
            "Tom > Ann > Bob",
            "7 > 5 > 2",
            "红色 | 绿色 | 蓝色",
            "Home is where the heart is",
            "She went home · He went to the shop.",
        ] {
            assert!(!is_menu(text), "{text}");
        }
    }
}
