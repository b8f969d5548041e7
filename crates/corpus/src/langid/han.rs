//! Simplified and traditional characters: those that texts in one of the two have and texts in the other do not.

/// Characters of simplified Chinese alone.
const SIMPLIFIED: &str = "装个这选统设动为将语时会区于来点尔数盘网后请过软导备户择题省并发机内页对标问络单项图从亚该应务们键无录启显进开当关载参确 \
    计认与击马间国据码电种邮类编现许权创预级辑菜纳还么组州没输复节换链检库罗连况样试写经运驱档删维号别称须线则萨记测传错达兰 \
    体阅让添论误访览挂块决册义处适岛见实签奥联给县简获构条员说着变调两读视栏帮质识郡执议贝评属浏镜转护圣莱结夹卢续诺苏较报态 \
    额话证钮诸颜帐几仅规东专够优细乌边状头储闭荐拟顶独尝产详带协书采译资环损验询声频虚继伦谢盖随长约侧费笔余总响";
/// Characters of traditional Chinese alone.
const TRADITIONAL: &str = "你語網個亞選這頁國請誌題會爾將為檔來設結內資佈景編時輯圖馬點號與發裝單碼並鏈無後動類稱刪顯該項確體標掛庫島郵於帳擇啟應過 \
    組羅納開許們電擊誤態錯蘭達覽現傳輸維畫試匯訊當從區數關預錄薩沒須籤欄響變連經寫讓級進迴範權統則訂機檢註聯瀏冊屬對員記尋裡 \
    盧視蘇軟問伺認備聖間鈕奧透儲鍵烏夠換魯載樣務邊說羣復麼轉諾諸書處義產層幾門謝狀歐東讀見給測歡構參譯愛執護縮約種準靜複塊閱 \
    茲曳戶倫階運貝決審還貼線桶幫導協側隨裏嘗議擁驗論舊專兩麥鎊訪穩條實頭隱證話觀規簡況披韓遠較續繼細徑詳製蓋業據帶嗎頓際計絡 \
    節幣剛領順長適獨暫夾喬僅顏閉遺賓貢詞緬紹紐漢寄賽詢虛萬萊臘瑪熱濟棄報團勞係鑰調覺祗敘敗擬彙張岡齊隊錫贊費華臺腦篩礎盤極擴 \
    強壇嚴凱賴識舉紀獲擔捨寬學驟韋邏薦腳擋偵額質討脫繫湯殖撾慮壯壓埠圍匣頂離針輕衝術螢聞絕眾盡環獻猶灣減斷敍揚採廣寨寧場併鮮 \
    饋願靈難陣鏡賈買貨負補衣葉習綴終純紅瞭監疊異畢爲澤欽樂攔憶巢堅圜圓呼創券兒兌債";

/// `Hans` or `Hant`, by which characters there are more of; `None` where neither is seen.
pub fn variant<'t>(texts: impl Iterator<Item = &'t str>) -> Option<&'static str> {
    use std::sync::LazyLock;
    /// By character; all of them are in the basic plane.
    static SIDES: LazyLock<Vec<i8>> = LazyLock::new(|| {
        let mut sides = vec![0; 1 << 16];
        let all = SIMPLIFIED.chars().map(|c| (c, 1)).chain(TRADITIONAL.chars().map(|c| (c, -1)));
        // The lists stand on several lines with a space at the end of each, which says nothing of the script.
        all.filter(|(c, _)| !c.is_whitespace()).for_each(|(c, side)| sides[c as usize] = side);
        sides
    });
    let sides = SIDES.as_slice();
    let side = |c: char| i32::from(sides.get(c as usize).copied().unwrap_or(0));
    let balance: i32 = texts.flat_map(str::chars).map(side).sum();
    match balance {
        0 => None,
        1.. => Some("Hans"),
        _ => Some("Hant"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_tell_and_spaces_do_not() {
        let variant = |text: &str| variant([text].into_iter());
        assert_eq!(variant("他 说 : def f ( x ) : 这 x y z"), Some("Hans"));
        assert_eq!(variant("他 說 : def f ( x ) : 這 x y z"), Some("Hant"));
        assert_eq!(variant("a b c 中 文"), None);
    }
}
