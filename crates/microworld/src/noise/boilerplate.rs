//! Page furniture: menus, cookie notices, share buttons, copyright lines, as they stand around an article.

use crate::template::pick;
use crate::world::Language;
use lang::rng::Rng;
use std::collections::BTreeSet;

// Slots: {site}, {section}, {other} (a second section), {year}, {n}, {m} (numbers), {day}, {month}.
const ENGLISH: &[&str] = &[
    "Home | About | Contact | {section}",
    "Home | {section} | {other} | Archive | Login",
    "Menu: Home / {section} / {other} / Contact us",
    "Skip to main content | Skip to navigation",
    "We use cookies to improve your experience. Accept all | Reject | Settings",
    "This website uses cookies. By continuing to use {site} you agree to our cookie policy.",
    "{site} and our {n} partners use cookies and similar technologies. Manage preferences",
    "Share this on Facebook | Twitter | WhatsApp",
    "Share: Facebook Twitter Pinterest LinkedIn Email ({n} shares)",
    "Copyright © {year} {site}. All rights reserved.",
    "© {year} {site} Media Group. All Rights Reserved. Terms of Service",
    "Subscribe to our newsletter and never miss a story from {site}!",
    "Sign up for the {site} newsletter: enter your email address below",
    "Log in | Register | Forgot your password?",
    "Privacy Policy | Terms of Use | Imprint | Sitemap",
    "Click here to read more about {section} »",
    "Read more: {n} things you did not know about {section} >>",
    "Leave a comment ({n} comments so far)",
    "{n} comments | {m} likes | {n} shares | Report",
    "« Previous post | Next post »",
    "Posted by admin on {month} {day}, {year} in {section}",
    "Tags: {section}, {other}, featured, {year}",
    "Page {n} of {m} | Next page »",
    "Please enable JavaScript to view this page on {site}.",
    "Advertisement - continue reading below",
    "Back to top ↑",
    "Print this page | Send to a friend | Download as PDF",
    "Follow us on Instagram, YouTube and TikTok: @{site}",
    "Download the {site} app from the App Store or Google Play",
    "You are here: Home > {section} > {other}",
    "Rate this article: ★★★★☆ ({n} votes)",
    "Search {site}... Advanced search",
    "Sponsored links: {section} deals, cheap {other}, free shipping",
    "Last updated: {day} {month} {year} | Views: {m}",
    "Add to cart | Wishlist | Compare | {n} in stock",
    "Already a subscriber? Sign in to {site} | Start your free trial",
];
const CHINESE: &[&str] = &[
    "首页 | 新闻 | {section} | 关于我们 | 联系我们",
    "首页 | {section} | {other} | 论坛 | 登录",
    "导航：首页 / {section} / {other} / 网站地图",
    "本网站使用 Cookie 以改善您的浏览体验。全部接受 | 拒绝",
    "继续使用{site}即表示您同意我们的 Cookie 政策。",
    "分享到：微信 微博 QQ空间 豆瓣",
    "分享本文：微信 | 微博 | 复制链接（已分享 {n} 次）",
    "版权所有 © {year} {site} 保留所有权利",
    "Copyright © {year} {site} 版权所有，未经授权禁止转载",
    "订阅{site}电子报，第一时间获取更多精彩内容",
    "登录 | 注册 | 忘记密码？",
    "隐私政策 | 使用条款 | 网站地图 | 联系客服",
    "点击查看更多{section}内容 >>",
    "阅读({m}) 评论({n}) 点赞({n}) 收藏",
    "上一篇 | 下一篇 | 返回列表",
    "发布于 {year}年{mon}月{day}日 | 来源：{site} | 责任编辑：admin",
    "标签：{section} {other} 热门 {year}",
    "第 {n} 页 / 共 {m} 页 | 下一页 >",
    "扫描二维码，关注{site}公众号",
    "返回顶部 ↑",
    "打印本页 | 关闭窗口 | 加入收藏",
    "下载{site}客户端，看更多精彩{section}",
    "当前位置：首页 > {section} > 正文",
    "您是本站第 {m} 位访客",
    "广告 | 赞助商链接：{section}特价，全场包邮",
    "相关推荐：{section}排行榜 | {other}大全",
    "评分：★★★★★（{n} 人参与）",
    "加入购物车 | 收藏 | 客服在线",
    "搜索{site}... 热搜：{section} {other}",
    "举报 | 反馈 | 帮助中心 | 关于{site}",
];
const ENGLISH_SECTIONS: &[&str] = &[
    "News", "Sports", "Weather", "Travel", "Recipes", "Health", "Culture", "Shop", "Blog", "Gallery", "Events",
    "Forum", "Science", "Music", "Garden", "Games", "Video", "Jobs", "Fashion", "Cars",
];
const CHINESE_SECTIONS: &[&str] = &[
    "新闻", "体育", "天气", "旅游", "美食", "健康", "文化", "商城", "博客", "图库", "活动", "科技", "音乐", "汽车",
    "视频", "招聘",
];
const SITE_FIRST: &[&str] = &["Daily", "Planet", "Happy", "Open", "Bright", "Super", "Town", "River", "Smart", "Prime"];
const SITE_LAST: &[&str] = &["Times", "Post", "Portal", "Hub", "World", "Online", "Press", "Space", "Market", "Line"];
const CHINESE_SITES: &[&str] = &[
    "快看网",
    "天天资讯",
    "好生活网",
    "大众门户",
    "新潮在线",
    "百味网",
    "每日头条网",
    "乐读网",
    "万象网",
    "城市热线",
    "知道网",
    "优选商城",
];
const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Plants one to four lines of furniture: mostly before and after the text, sometimes between its lines. Returns the new
/// text and the lines.
pub(crate) fn plant(rng: &mut Rng, text: &str, language: Language) -> (String, Vec<String>) {
    let mut planted: BTreeSet<String> = BTreeSet::new();
    let wanted = 1 + rng.index(4);
    while planted.len() < wanted {
        planted.insert(line(rng, language));
    }
    let mut furniture: Vec<String> = planted.into_iter().collect();
    rng.shuffle(&mut furniture);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for piece in &furniture {
        let at = match rng.index(5) {
            0 | 1 => 0,
            2 | 3 => lines.len(),
            _ => rng.index(lines.len() + 1),
        };
        lines.insert(at, piece.clone());
    }
    (lines.join("\n"), furniture)
}

fn line(rng: &mut Rng, language: Language) -> String {
    let english = language == Language::English;
    let sections = if english { ENGLISH_SECTIONS } else { CHINESE_SECTIONS };
    let site = if english {
        format!("{}{}", rng.choose(SITE_FIRST), rng.choose(SITE_LAST))
    } else {
        (*rng.choose(CHINESE_SITES)).to_owned()
    };
    let slots = [
        ("site", site),
        ("section", (*rng.choose(sections)).to_owned()),
        ("other", (*rng.choose(sections)).to_owned()),
        ("year", rng.range(1998, 2024).to_string()),
        ("n", rng.range(2, 99).to_string()),
        ("m", rng.range(100, 9999).to_string()),
        ("day", rng.range(1, 28).to_string()),
        ("mon", rng.range(1, 12).to_string()),
        ("month", (*rng.choose(MONTHS)).to_owned()),
    ];
    let slots: Vec<(&str, &str)> = slots.iter().map(|(k, v)| (*k, v.as_str())).collect();
    pick(rng, if english { ENGLISH } else { CHINESE }, &slots)
}
