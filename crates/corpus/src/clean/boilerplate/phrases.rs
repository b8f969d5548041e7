//! Set phrases of web pages, as regular expressions over a whole trimmed line, in groups by how long a line may be for
//! the phrase to mean what it means on a page. Written from what web pages say, not from any corpus.

use std::sync::LazyLock;

use regex::{RegexSet, RegexSetBuilder};

/// A phrase list and the most tokens (words, Chinese characters) a line may have for it.
struct Group {
    max_tokens: usize,
    set: RegexSet,
}

static GROUPS: LazyLock<[Group; 4]> = LazyLock::new(|| {
    [
        Group { max_tokens: usize::MAX, set: compile(ANYWHERE) },
        Group { max_tokens: 24, set: compile(MEDIUM) },
        Group { max_tokens: 12, set: compile(SHORT) },
        Group { max_tokens: 40, set: compile(CHINESE) },
    ]
});

/// Room for the lazily built automaton of a group: with less it is thrown away and built again and again.
const DFA_BYTES: usize = 32 << 20;

fn compile(patterns: &[&str]) -> RegexSet {
    // An ASCII word boundary keeps the matcher on its fast path in Chinese text; the English words are ASCII anyway.
    let patterns = patterns.iter().map(|pattern| pattern.replace(r"\b", r"(?-u:\b)"));
    let builder = RegexSetBuilder::new(patterns).case_insensitive(true).dfa_size_limit(DFA_BYTES).build();
    builder.expect("the patterns are constants, compiled by every test of this module")
}

/// True when `line` (trimmed, `count` tokens long) says nothing but a set phrase of web pages.
pub fn is_set_phrase(line: &str, count: usize) -> bool {
    // A quotation is somebody speaking in a text, not a page; a tag is code.
    if line.starts_with(['"', '“', '「', '<']) {
        return false;
    }
    GROUPS.iter().any(|group| count <= group.max_tokens && group.set.is_match(line))
}

/// Phrases that mean one thing at any place of a line of any (furniture) length.
const ANYWHERE: &[&str] = &[
    r"\ball rights reserved\b",
    r"\bcookies?\b.*\b(web ?sites?|this site|our site|your browser|browsing|privacy|consent|polic(y|ies)|third[- ]party|analytics|advertis\w+)\b",
    r"\b(web ?sites?|this site|our site|your browser|browsing|privacy|consent|polic(y|ies)|third[- ]party|analytics)\b.*\bcookies?\b",
    r"\bwe use (essential |necessary |technical |tracking )?cookies\b.*\b(improve|enhance|ensure|personali[sz]e|analy[sz]e|experience|make sure|deliver|understand|accept|learn more|remember you)\b",
    r"\b(partners|vendors|third parties)\b.*\buses? cookies\b|\bcookies (and|or) (similar|other|related) technolog",
    r"^\W*by (continuing|using|clicking|signing|registering|subscribing|submitting|browsing|proceeding)\b.*\b(agree|accept|consent|terms|cookies|polic(y|ies))\b",
    r"\b(enable|requires?|turn on|without|disabled?) javascript\b",
    r"\bjavascript (is|must be|needs to be|has been|seems to be) (currently )?(disabled|enabled|required|turned)\b",
    r"\byour e-?mail address will not be published\b",
    r"\brequired fields are marked\b",
    r"\bthis (post|article|page) (may )?contains? affiliate links\b",
    r"版权所有|保留所有权利|版权归.{0,20}所有|(未经|未获).{0,12}(许可|授权|同意|允许).{0,20}(转载|复制|使用|摘编)",
    r"转载请注明|请勿转载|禁止转载|ICP备|公网安备|启用.{0,4}JavaScript",
    r"(本站|本网站|我们|网站|本页|页面).{0,10}(使用|采用|用到|通过).{0,10}cookies?",
    r"(接受|同意|拒绝|管理).{0,6}cookies?|cookies?.{0,6}(政策|设置|声明|提示|协议)",
    r"(继续|访问|浏览|使用).{0,12}(即表示|表示|视为).{0,6}(同意|接受)",
];

/// Phrases for lines up to two dozen words.
const MEDIUM: &[&str] = &[
    r"^\W*copyright\W*(©|\(c\)|\d{4}|by\b)",
    r"^\W*(©|\(c\))\s*(copyright\b|\d{4}|\p{L})",
    r"©\s*\d{4}",
    r"\b(subscribe|sign ?up|signup|register)\b.{0,40}\b(news ?letters?|mailing list|(e-?mail|weekly|daily|monthly|regular) (list|updates?|alerts?|digests?)|rss|channel|updates|feed|podcast)\b",
    r"\b(get|receive|join|read)\b.{0,20}\b(our|free|weekly|daily|monthly|the) (free |weekly |daily |monthly |e-?mail )*news ?letters?\b",
    r"\b(delivered|straight|directly|right|sent) (to|into|in) your (inbox|e-?mail)\b",
    r"^\W*enter your e-?mail\b",
    r"\byou (must|need to|have to) (be logged|be signed|log|sign) in\b.*\b(comment|reply|post|view|vote|continue|access|see|read|do that)\b",
    r"^\W*(please )?(log|sign) ?in (to|with|here|now|using|via)\b.*\b(comments?|reply|continue|account|post|vote|google|facebook|view|access|save|see more|profile|e-?mail|apple|members?)\b",
    r"^\W*(register|create|open|sign up for) (an|your|a) (free |new |user )*account\b",
    r"^\W*(already (a member|have an account|registered|a subscriber|subscribed)|not a member|don'?t have an account|forgot(ten)? (your )?password|lost your password|reset (your )?password)",
    r"^[^:]*\bclick here\b|\bclick (on )?the (link|button|banner) (below|above|to)\b|\bclick (on )?(the|an?|any) (image|photo|picture|thumbnail)s? (below |above )?(to|for)\b",
    r"\b(share|tweet|like|pin|post|follow|find|connect with|visit|watch)( this| it| us| me| with us| our)?( (article|post|page|story|site))?( with( your)? friends| with us)?( (on|via|through|to|at|in|by|over))?( (our|your))?[\s:|,/·•-]*\b(facebook|twitter|instagram|linkedin|whats ?app|pinterest|you ?tube|telegram|reddit|tumblr|tik ?tok|wechat|weibo|snapchat|mastodon|bluesky|threads|social media|social networks?)\b",
    r"\b(download|get|install|try) (our|the) (free |new |official |mobile )*app\b|\b(app store|google play)\b.*\b(download|available|get)\b|\b(download|available|get)\b.*\b(app store|google play)\b",
    r"^\W*(leave|post|add|write|submit) (a|your|an?other) (comment|reply|review|response)\b",
    r"^\W*be the first to (comment|reply|review|like|share|know)\b",
    r"^\W*(no comments( yet)?|comments? (are |have been )?(closed|disabled|off))\b",
    r"^\W*(posted|uploaded|submitted) (by|on|in|at)\b.*(\d|\bin\b)",
    r"^\W*(published|updated|last (updated|modified|edited|reviewed))\s*(on|in|at|:)?\W.*\d",
    r"^\W*(filed under|tagged (with|as|:)|posted in)\b",
    r"^\W*(skip|jump) to (the )?(main |page )?(content|navigation|menu|search|footer)\b",
    r"^\W*(please )?(disable|turn off|whitelist|switch off)\b.{0,30}\bad ?-?block",
    r"^\W*(web ?site|site|theme|web design|page) (by|designed by|developed by|powered by|hosted by)\b|^\W*(proudly )?powered by\b",
];

/// Phrases for lines up to a dozen words.
const SHORT: &[&str] = &[
    r"^\W*(log ?in|sign ?in|log ?out|sign ?out|sign ?up|register)(\W*$|\s*([|/·•,&]|or\b|and\b)\s*(log ?in|sign ?in|log ?out|sign ?out|sign ?up|register|subscribe|create|join|my account|account|help|cart|continue)\b)",
    r"^\W*(my|your|user|member) (account|profile|cart|basket|wish ?list|login)\W*$",
    r"^\W*(click|tap|press) (here|below|(on )?the (link|button|image|picture|photo|title|icon)|to (enlarge|expand|share|subscribe|play|view|zoom|copy|open|tweet|read|see|download|print|show|hide|reveal|load|join|register|learn|continue|unmute))\b",
    r"^\W*subscribe\b(\W*$|\W+(now|today|here|free|for|to)\b)",
    r"^\W*(sign up|join|register) (now|today|here|for free|free)\W*$",
    r"^\W*(sign up|register)\b.{0,40}\b(free|inbox|membership|trial|offers?|alerts?|e-?mail|access)\b[^.]*$",
    r"^\W*(read|see|view|show|load|learn|find out|discover|watch|explore|browse)( \w+)? more\W*$",
    r"^\W*(continue|keep) reading\b",
    r"^\W*(read|see|view|show|get) (the )?(full|whole|entire|rest of the|complete|original) (story|article|post|text|review|report|list|version)\b",
    r"^\W*(read|learn|find out|discover|see|watch) more\s*(about|at|on|in|from|by|like this|of our)\b[^.?!。]*$",
    r"^\W*(read|see|learn) more\s*([:»›→>…–—-]|\.\.)",
    r"^\W*(read|view|see|show|load)( all| more| other| previous| \d+)+ (comments?|posts?|articles?|stories|replies|results|photos|news|reviews|products|items|entries|topics|offers|episodes|videos)\b",
    r"^\W*(view|see|show|load|browse|shop) all\W*$",
    r"^\W*(share|tweet|pin|print|e-?mail|bookmark|report|save|like|rate|recommend|forward|favou?rite) (this|the) (page|article|post|story|recipe|link|site|entry|content|video|news|item)\b",
    r"^\W*(share|tweet|share this|share it|share via|share on|share with( your)? friends|spread the word|follow us|follow me|like us|like this|rate this|print|e-?mail this)\s*[:!.…»]*$",
    r"^\W*((share|tweet|pin|like|print|e-?mail|facebook|twitter|pinterest|linkedin|whats ?app|reddit|instagram|telegram|you ?tube|tumblr|copy link|messenger|save|comment|reply|rss|follow)\b[\s|·•,/&+]*(on |via )?){3,}$",
    r"^\W*((facebook|twitter|pinterest|linkedin|whats ?app|reddit|instagram|telegram|you ?tube|tumblr|tik ?tok|wechat|weibo)\b[\s|·•,/&+]*){2,}$",
    r"^\W*(related|recommended|popular|trending|recent|most (read|popular|viewed|shared|commented)|featured|similar|latest|more|top) (posts?|articles?|stories|news|content|links?|reading|topics|searches|videos?|products?|comments|headlines|items|pages|tags|reads)\b\W*$",
    r"^\W*(related|recommended|popular|trending|most (read|popular|viewed)|featured|latest) (posts?|articles?|stories|news|content|links?|reading|topics|videos?|products?)\s*[:»|-]",
    r"^\W*(you (may|might) also (like|enjoy|be interested)|people also (ask|read|viewed|like)|customers who|recommended for you|also read|read also|read next|up next|more from (this|our|the)|more in|see also\s*:)",
    r"^\W*(advertisement|advertising|advertorial|sponsored|sponsored (content|post|links?|stor(y|ies)|by .*)|ads? by \w+|promoted( content)?|paid (content|post|partnership)|affiliate disclosure|continue (after|below) (the )?(ad|advertisement)|(story|article) continues (below|after).*)\W*$",
    r"^\W*(sponsored|advertisement)( links?| content| post)?\s*[:|]",
    r"^\W*(back|return|go|scroll) (to|up to) (the )?(top|home ?page|main page|index|previous page|list|results|start of page)\b",
    r"^\W*((toggle|open|close|main|site|show|hide) (navigation|sidebar|menu)|site ?map|home ?page|search (this|the|our) (site|website|blog)|print(er)?[- ]friendly( version)?)\b[^.?!]*$",
    r"^\W*(previous|prev|next|older|newer) (post|article|page|story|entry|chapter|posts|articles|entries)\W*(:|»|›|→|>|$)",
    r"^\W*(previous|prev|older|newer|next)\s*[|/»›→«‹←·•-]+\s*(previous|prev|older|newer|next|home|index|top)\b.*$",
    r"^\W*page \d+ (of|/) \d+\W*$",
    r"^\W*(comments?|replies|views?|shares?|likes?|followers?|retweets?|reads)\s*[(:]\s*\d[\d.,]*\s*[km]?\)?\W*$",
    r"^\W*(\d[\d.,]*\s*[km]?\+?\s*(likes?|shares?|comments?|views?|followers?|retweets?|repl(y|ies)|upvotes?|reactions?|claps?|tweets?|reposts?|bookmarks?|subscribers?)\b[\s|·•,;/&–—-]*(and )?)+\W*$",
    r"^\W*(\d[\d.,]*\s*[km]?\+?\s*(likes?|shares?|comments?|views?|followers?|retweets?|repl(y|ies)|votes?|reads?|reactions?|downloads?|times|people)\b[\s|·•,;/&–—-]*(and |read|like this)?){2,}\W*$",
    r"^\W*\d+[- ]?min(ute)?s? read\b",
    r"^\W*tags?:\s.+[,|#/·].+[^.]$",
    r"^\W*(add to (cart|bag|basket|wish ?list|favou?rites)|buy now|shop now|order now|book now|view (cart|basket|wishlist)|proceed to checkout|free (shipping|delivery)\b[^.?!]*|(in|out of) stock|use (promo |coupon |discount )?code .*|limited[- ]time offer.*|get started( (now|today|for free))?|start (your )?free trial.*|request a (demo|quote)|try (it )?(for )?free( (now|today))?|donate now)\W*$",
    r"^\W*(accept|reject|allow|manage|decline|customi[sz]e|only necessary|necessary|cookie)\s*(all|cookies?|preferences|settings|policy|notice|options)( cookies| and continue| & close)?\W*$",
    r"^\W*(privacy policy|privacy notice|privacy|terms (of|and|&) (use|service|conditions)|terms|disclaimer|imprint|legal notice|contact us|about us|cookie policy|accessibility|do not sell my (personal )?info(rmation)?)(\W*$|\s*([|/·•,&]|and\b)\s*(privacy|terms|cookies?|contact|about|imprint|disclaimer|help|sitemap|careers|legal|accessibility)\b[^.]*$)",
    r"^\W*(loading|please wait|loading comments|no results found|404 not found|page not found|error 404)\W*$",
    r"^\W*(image|photo|picture) (credit|courtesy|source)s?\b",
    r"^\W*(notify me of|save my name)\b",
    r"^\W*(don'?t|never) miss (a|an|another|out on)( \w+)? (post|story|update|article|issue|episode|thing|news|deal)\b",
    r"^\W*you are (the )?visitor (number|no|#)\W*[\d,.]+|^\W*visitors?( count(er)?)?\s*:\s*[\d,.]+\W*$",
    r"^\W*(rating|rated|your rating|average|score)?\W*[★☆⭐]{3,}|^\W*(rated )?\d([.,]\d)? (out of|/) 5( stars?)?( \(|\b.*\b(ratings|reviews|votes)\b)",
    r"^\W*(advanced search|search results)\W*$|\badvanced search\W*$|^\W*search\b.{0,40}(…|\.\.\.)\W*$",
    r"^\W*\[?(edit|hide|show|reply|report|quote|permalink|source)\]?(\s*[|·•/]\s*\[?(edit|hide|show|reply|report|quote|permalink|share|flag|history)\]?)+\W*$",
];

/// Chinese phrases, for lines up to 40 characters.
const CHINESE: &[&str] = &[
    r"^\W*(请|欢迎|可|可以|更多请|详情请)?(点击|点此|点按|单击|轻触|戳)(这里|此处|此|查看|阅读|进入|下载|加载|展开|订阅|登录|登陆|注册|关注|分享|图片|大图|链接|下方|上方|右上角|左上角|按钮|了解|观看|播放|蓝字|标题|领取|购买|报名|返回|跳转|收藏|继续|展示|更多|原文|刷新)",
    r"(请|欢迎|可)(点击|扫描|长按)(这里|此处|链接|下方|上方|下图|二维码)",
    r"^\W*(阅读|查看|展开|显示|加载|了解|浏览|获取|发现)(更多|全文|全部|原文|余下|剩余|详情|完整)",
    r"^\W*(继续阅读|展开阅读|更多(精彩|内容|新闻|文章|资讯|详情|推荐|相关|阅读|>|»)|全文阅读|未完待续，点击)",
    r"^\W*(一键)?(分享|转发)(到|至|给|本文|此文|文章|本页|按钮|链接)?\s*[:：]?\s*(微信|微博|朋友圈|好友|朋友们?|QQ|空间|豆瓣|新浪|腾讯|Facebook|Twitter)",
    r"^\W*(分享(到|至|本文|此文|本页|给(朋友|好友))|一键分享|转发(到|至)|转发分享|分享按钮|觉得.{0,8}(分享|点赞|转发))",
    r"^\W*分享\s*[:：]",
    r"扫一扫|扫码(关注|下载|加入|添加|查看|阅读|分享)|(扫描|长按|识别).{0,8}二维码",
    r"^\W*[上下][一1](篇|页|章|节|条|篇文章|章节|则)\s*([:：|/<>»›→←]|$|没有了|暂无)",
    r"^\W*[上下]一(篇|页|章|节|条)\W+[上下]一(篇|页|章|节|条)",
    r"(关注|订阅)(我们|本站|本号|本公众号|公众号|微信|微博|频道|本刊|专栏|官方)|(微信)?公众号\s*[:：]|官方(微信|微博|公众号)",
    r"(订阅|接收).{0,6}(邮件|简报|通讯|电子报|电子刊|周刊|周报|日报|更新|资讯|推送|新闻)|邮件订阅|RSS订阅|立即订阅|免费订阅|订阅\s*(RSS|本站|我们)|^\W*订阅\W*$",
    r"^\W*(请)?(您)?(先)?(登录|登陆|登入|注册)\s*([/／|｜、·•]|或|后|以|即可|账号|帐号|账户|帐户|注册|登录|查看|发表|评论|$|[!！])",
    r"(请|需|需要|必须)(先)?(登录|登陆|注册).{0,10}(评论|查看|发表|后|继续|阅读|下载|账号)",
    r"^\W*(立即|免费|马上|快速|一键)(登录|登陆|注册|订阅|下载|购买|体验|领取|试用|加入|咨询|报名|分享)[^。]*$",
    r"(账号|账户)，?(立即|免费|马上)(登录|登陆|注册|体验)",
    r"^\W*(忘记密码|(还?没有|已有|创建|注册)(账号|帐号|账户|帐户)|会员登录|用户登录)",
    r"^\W*(返回|回到|回)(首页|顶部|页首|列表|上一页|上页|目录|主页|网站首页)",
    r"^\W*(相关|热门|推荐|最新|精彩|延伸|更多|往期|猜你)(阅读|文章|推荐|新闻|链接|评论|资讯|内容|视频|专题|回顾|喜欢|标签|搜索)\s*([:：|>»]|\W*$)",
    r"^\W*(猜你喜欢|你(可能|也许)(还|也)?(会)?(感兴趣|喜欢看?)|(专门)?为(你|您)推荐|大家都在(看|搜))[^。，]{0,6}$",
    r"^\W*(文章)?标签\s*[:：].+[ ,，、|/#].+[^。]$",
    r"^\W*(责任编辑|责编|本文来源|文章来源|新闻来源|图片来源|稿源|发布时间|发表时间|更新时间|发布日期|发布于|最后更新|所属分类|浏览次数|阅读次数|点击次数|点击数|阅读数|阅读量)\s*[:：]",
    r"^\W*(广告|赞助内容|推广|赞助商|广告位.{0,4}|广告也精彩)\W*$",
    r"^\W*(隐私(政策|条款|声明|权|协议)|使用条款|服务条款|用户协议|免责声明|法律声明|联系我们|关于我们|关于本站|网站地图|友情链接|设为首页|加入收藏|收藏本站|收藏本文|广告服务|广告合作|诚聘英才|帮助中心|意见反馈|投诉建议)[^。！？]*$",
    r"^\W*((点赞|喜欢|评论|转发|收藏|分享|阅读|浏览|播放|粉丝|在看|观看|关注|赞|回复|热度)(量|数|次数)?\s*[(（:：]?\s*\d[\d.,]*\s*[万千kKwW]?\+?\s*[)）次人条个]*[\s|｜·•,，、/]*)+((点赞|喜欢|评论|转发|收藏|分享|举报|打赏)[\s|｜·•,，、/]*)*\W*$",
    r"^\W*((共|已有|有)?\s*\d[\d.,]*\s*[万千]?\+?\s*(次|人|条|个|位)?\s*(点赞|喜欢|评论|转发|收藏|分享|阅读|浏览|播放|关注|赞|粉丝|观看|回复|网友|觉得很赞)(过|了)?(量|数)?[\s|｜·•,，、/]*)+\W*$",
    r"下载.{0,6}(App|客户端|应用)|^\W*(App|客户端)下载",
    r"^\W*(发表|添加|写|我要|查看|全部|网友|最新)(评论|留言|回复|跟帖)|暂无评论|评论(已)?关闭|抢沙发",
    r"^\W*(字体|字号)\s*[:：]|打印本页|关闭窗口|复制链接|加载中|正在加载|页面(加载|跳转)中",
    r"(加|添加).{0,4}(微信|客服|QQ群|微信群)|(咨询|客服|服务|订购|加盟)热线",
    r"^\W*(发布|发表|更新|修改)于\s*\d",
    r"(本站|网站)(的)?第\s*[\d,]+\s*(位|个|名)(访客|访问者|来访者|游客|用户)|(访问|访客|浏览)(总?量|人数|次数)\s*[:：]?\s*\d",
    r"^\W*(用户|综合|我的)?(评分|评级|打分)\s*[:：]?\s*([★☆⭐]{3,}|\d(\.\d)?\s*分?\s*[(（/])",
    r"(热搜|热门搜索|大家在搜|搜索热词|高级搜索)\s*([:：]|$)|^\W*搜索.{0,16}(…|\.\.\.)",
    r"^\W*第\s*\d+\s*页\W*共\s*\d+\s*页|^\W*共\s*\d+\s*页",
    r"^\W*(广告|赞助商?链接|赞助商?)\s*[:：|]",
    r"^\W*(限时|特价|今日|独家)(优惠|抢购|秒杀|特惠|折扣)",
];
