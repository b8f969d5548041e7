//! Sets of punctuation that the sources name.

use std::sync::LazyLock;

use super::python::CharSet;

/// Marks that end a sentence in any script (datatrove's `TERMINAL_PUNCTUATION`, nearly the list of spaCy's sentencizer).
const SENTENCE_ENDS: &str = "!.?։؟۔܀܁܂߹।॥၊။።፧፨᙮᜵᜶᠃᠉᥄᥅᪨᪩᪪᪫᭚᭛᭞᭟᰻᰼᱾᱿‼‽⁇⁈⁉⸮⸼꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫﹒﹖﹗！．？｡。\
    \u{10a56}\u{10a57}\u{11047}\u{11048}\u{110be}\u{110bf}\u{110c0}\u{110c1}\u{11141}\u{11142}\u{11143}\u{111c5}\u{111c6}\
    \u{111cd}\u{111de}\u{111df}\u{11238}\u{11239}\u{1123b}\u{1123c}\u{112a9}\u{1144b}\u{1144c}\u{115c2}\u{115c3}\u{115c9}\
    \u{115ca}\u{115cb}\u{115cc}\u{115cd}\u{115ce}\u{115cf}\u{115d0}\u{115d1}\u{115d2}\u{115d3}\u{115d4}\u{115d5}\u{115d6}\u{115d7}\
    \u{11641}\u{11642}\u{1173c}\u{1173d}\u{1173e}\u{11a42}\u{11a43}\u{11a9b}\u{11a9c}\u{11c41}\u{11c42}\u{16a6e}\u{16a6f}\
    \u{16af5}\u{16b37}\u{16b38}\u{16b44}\u{1bc9f}\u{1da88}";
/// What datatrove has beside those.
const MORE_ENDS: &str = "؞\u{61d}\u{16e98}\u{837}\u{839}\u{83d}\u{83e}\u{1b7d}\u{1b7e}\u{17d4}\u{17d5}\u{17d6}\u{17d9}\u{17da}\u{2e53}\u{2e54}\
    \u{10f55}\u{10f56}\u{10f57}\u{10f58}\u{10f59}\u{10f86}\u{10f87}\u{10f88}\u{10f89}\u{11944}\u{11946}\u{11ef7}\u{11ef8}\u{11f43}\u{11f44}";
/// datatrove's other punctuation, control characters left out.
const OTHER: &str = "!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»";

/// Marks at which spaCy's sentencizer ends a sentence.
pub static SENTENCIZER: LazyLock<CharSet> = LazyLock::new(|| CharSet::of(SENTENCE_ENDS));
/// Marks that end a line, to FineWeb.
pub static TERMINAL: LazyLock<CharSet> = LazyLock::new(|| CharSet::of(SENTENCE_ENDS).with(&CharSet::of(MORE_ENDS)));
/// Punctuation, to datatrove: a word made of these alone is a symbol.
pub static PUNCTUATION: LazyLock<CharSet> = LazyLock::new(|| {
    let controls = CharSet::new(r"[\x00-\x08\x0b\x0c\x0d-\x1f\x7f-\x9f]");
    CharSet::of(OTHER).with(&controls).with(&TERMINAL)
});
