//! Lines that stand in many documents of a corpus and consist mostly of the words of page furniture. Repetition alone is
//! no evidence (`Question:` and `The end.` repeat too), nor are the words alone; together they are.

use std::sync::LazyLock;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::super::BoilerplateConfig;
use super::super::stage::Stage;
use crate::text::{HashKeyed, HashSetKeyed, tokens};

/// Longest line looked at, in tokens.
const MAX_TOKENS: usize = 20;
/// Least share of a line's tokens that must be furniture words.
const MIN_SHARE: f64 = 0.5;

static WORDS: LazyLock<HashSetKeyed> = LazyLock::new(|| {
    "home menu search login log sign register account cart checkout wishlist share tweet like follow subscribe newsletter \
     cookie cookies privacy terms policy copyright sitemap contact advertise advertisement sponsored comments comment reply \
     print email download app click tap view load more next previous top skip visit website site web page pages online www \
     com http https html us our your here now today free offer offers deals sale shop buy order shipping join members member \
     facebook twitter instagram youtube rss feed updates update posted published author tags category categories related \
     popular trending latest recommended read accept agree consent rights reserved inc ltd llc"
        .split_whitespace()
        .map(|word| xxh3_64(word.as_bytes()))
        .collect()
});

static CHINESE: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    "首页 菜单 搜索 登录 注册 账号 购物车 分享 点赞 关注 订阅 隐私 条款 政策 版权 地图 联系 广告 赞助 评论 回复 打印 邮件 下载 客户端 点击 查看 加载 更多 \
     上一 下一 返回 顶部 网站 本站 网址 页面 在线 免费 优惠 购买 会员 加入 微信 微博 公众号 二维码 更新 发布 作者 标签 分类 相关 热门 最新 推荐 阅读 同意 接受 收藏 转发 扫码"
        .split_whitespace()
        .collect()
});

/// Hashes of the lines that are repeated furniture.
pub(super) fn find(stage: &Stage<'_>, config: &BoilerplateConfig) -> HashSetKeyed {
    let alive = stage.alive();
    let least = least(config, alive.len());
    let documents = &stage.documents;
    let lines: Vec<Vec<u64>> = alive.par_iter().map(|&index| furniture_lines(&documents[index].text)).collect();
    let mut counts: HashKeyed<usize> = HashKeyed::default();
    for hash in lines.into_iter().flatten() {
        *counts.entry(hash).or_default() += 1;
    }
    counts.retain(|_, count| *count >= least);
    counts.into_keys().collect()
}

/// A line is repeated furniture when it stands in at least this many of `documents` documents.
pub(crate) fn least(config: &BoilerplateConfig, documents: usize) -> usize {
    config.repeated_documents.max((config.repeated_share * documents as f64).ceil() as usize).max(2)
}

/// Hashes of the different lines of a text that have the words of furniture, sorted.
pub(crate) fn furniture_lines(text: &str) -> Vec<u64> {
    let mut hashes: Vec<u64> = text.split('\n').filter_map(furniture_hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// Hash of a line that has the words of furniture, case, digits and surrounding space apart; `None` for other lines.
pub(super) fn furniture_hash(line: &str) -> Option<u64> {
    let line = line.trim();
    // Sentences end in a full stop; furniture words in them do not make them furniture.
    if line.is_empty() || line.len() > 300 || line.ends_with(['.', '。', '?', '？', '”', '"']) {
        return None;
    }
    let (mut total, mut hits) = (0usize, 0usize);
    for token in tokens(line) {
        total += 1;
        if total > MAX_TOKENS {
            return None;
        }
        hits += usize::from(WORDS.contains(&token.hash()));
    }
    if total == 0 {
        return None;
    }
    let chinese = if line.is_ascii() { &[][..] } else { &CHINESE[..] };
    hits += chinese.iter().map(|word| line.matches(word).count() * word.chars().count()).sum::<usize>();
    if total < 2 || (hits as f64) < MIN_SHARE * total as f64 {
        return None;
    }
    let folded: String = line.to_lowercase().chars().map(|c| if c.is_numeric() { '0' } else { c }).collect();
    Some(xxh3_64(folded.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_furniture_words_are_hashed() {
        for line in ["Visit our website now", "Today's top offers", "更多精彩 在线阅读"] {
            assert!(furniture_hash(line).is_some(), "{line}");
        }
        for line in ["Question:", "The end.", "Answer: yes", "Once upon a time", "小明说", "Home", "问题：多少？"]
        {
            assert!(furniture_hash(line).is_none(), "{line}");
        }
    }
}
