"""Golden numbers for crates/lang: every component of tokenizer.json against Hugging Face tokenizers.

    oracle/setup.sh                               # once: makes oracle/.venv
    oracle/.venv/bin/python oracle/tokenizer_kinds.py golden   # writes crates/lang/tests/data/tokenizer_kinds.json

Normalizers, pre-tokenizers and decoders are run on their own; toy tokenizers of every model, with added tokens, templates
and decoders, are run whole. `all_characters` are hashes over every code point, so that tables of Unicode are compared
whole.
"""

import base64
import hashlib
import json
import pathlib
import random
import struct
import sys

import tokenizers
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers

GOLDEN = pathlib.Path(__file__).parent.parent / "crates/lang/tests/data/tokenizer_kinds.json"

STRINGS = [
    "",
    " ",
    "a",
    "Hello, World! it's  GOOD",
    "  leading and trailing \t\n",
    "小船在河上。The boat（船）3艘！",
    "Ａｂｃ１２３ ﬁne ½ ² ⅻ ①",
    "naïve Café ÅNGSTRÖM e\u0301e\u0323\u0307 ẛ̣ İstanbul ΣΑΣ",
    "한국어 각 \u1100\u1161\u11a8 にほんごｶﾞ カー",
    "👩‍👩‍👧 🇨🇳 🙂🙂\u200d\ufeff\u00ad",
    "tab\tnew\nline\r\nnul\u0000bel\u0007del\u007f\u0085\u2028\ufffd",
    "x1y22z333 ٣٤٥ 3.14 1,000",
    "a-b--c_d...e?! (f) [g] {h} $5 €6 a+b=c ^~`",
    "▁meta▁space ▁▁ ▁",
    "<s>text</s> <mask>x <mask> [MASK] wordy word word, ẃord",
    "<0x41><0xE4> <unk>unk",
    "नमस्ते สวัสดี العربية עברית Ελλάδα",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "\u0301abc \u0327\u0301 x\u0345\u0301",
    "\U0001f929 \U000105d2\u0307 \u2e43 \u08e2 \ua7f2",
]
POOL = list("abcABCéÅßſİΣ ½²①  \t\n.,!?-_()小船河。ｶﾞ각\u1161🙂\u200d\u0301\u0323▁19٣ﬁ") + [
    "the", "<s>", "word", " ", "lower", "</s>", "<mask>",
]


def charsmap(rules):
    """The character map of SentencePiece with these replacements, its trie laid out as Darts-clone does."""
    blob, places = b"", {}
    for text, new in sorted(rules.items()):
        places[text.encode()] = len(blob)
        blob += new.encode() + b"\0"
    units, used = [0] * 256, {0}

    def put(at, value):
        while at >= len(units):
            units.extend([0] * 256)
        units[at] = value

    def place(node, prefix):
        keys = sorted({key[len(prefix)] for key in places if key.startswith(prefix) and len(key) > len(prefix)})
        labels = ([0] if prefix in places else []) + keys
        base = 1
        # The offset of a unit has 21 bits and is exclusive-ored with the place of the unit.
        while any(base ^ label in used for label in labels) or (node ^ base) >= 1 << 21:
            base += 1
        for label in labels:
            used.add(base ^ label)
        label = prefix[-1] if prefix else 0
        put(node, label | (node ^ base) << 10 | (1 << 8 if prefix in places else 0))
        if prefix in places:
            put(base, places[prefix] | 1 << 31)
        for key in keys:
            put(base ^ key, 0)
            place(base ^ key, prefix + bytes([key]))

    place(0, b"")
    trie = b"".join(struct.pack("<I", unit) for unit in units)
    return base64.b64encode(struct.pack("<I", len(trie)) + trie + blob).decode()


MAP = charsmap({"ﬁ": "fi", "Ａ": "A", "①": "1", "½": "1/2", "\u00ad": "", "é": "é", "e\u0301": "é", "\n": " ", "ｶﾞ": "ガ"})

NORMALIZERS = [
    {"type": "NFC"},
    {"type": "NFD"},
    {"type": "NFKC"},
    {"type": "NFKD"},
    {"type": "Lowercase"},
    {"type": "StripAccents"},
    {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "NFC"}]},
    {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "Strip", "strip_left": False, "strip_right": True},
    {"type": "Nmt"},
    {"type": "Prepend", "prepend": "▁x"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    {"type": "Replace", "pattern": {"Regex": " {2,}|[0-9]+"}, "content": "<>"},
    {"type": "Replace", "pattern": {"String": "a"}, "content": ""},
    {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
    {"type": "ByteLevel"},
    {"type": "Precompiled", "precompiled_charsmap": MAP},
    *[
        {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": accents,
         "lowercase": lower}
        for clean, chinese, accents, lower in (
            (True, True, None, True), (True, False, None, False), (False, True, True, False), (True, True, False, True))
    ],
]


def split(pattern, behavior, invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
GPT4 = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PRE_TOKENIZERS = [
    {"type": "BertPreTokenizer"},
    BYTE_LEVEL,
    {**BYTE_LEVEL, "add_prefix_space": True},
    {**BYTE_LEVEL, "add_prefix_space": True, "use_regex": False},
    {"type": "CharDelimiterSplit", "delimiter": "e"},
    {"type": "Digits", "individual_digits": True},
    {"type": "Digits", "individual_digits": False},
    {"type": "FixedLength", "length": 3},
    *[{"type": "Punctuation", "behavior": behavior}
      for behavior in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")],
    *[{"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cut}
      for scheme in ("always", "first", "never") for cut in (True, False)],
    {"type": "UnicodeScripts"},
    {"type": "Whitespace"},
    {"type": "WhitespaceSplit"},
    *[split(r"\s+|[.,!]", behavior, invert)
      for behavior in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
      for invert in (False, True)],
    split("a", "Isolated", kind="String"),
    split("", "Isolated", kind="String"),
    split(r"\w+|[^\w\s]+", "Isolated"),
    split(r"[[:punct:]]|\d|\h", "Removed"),
    split(r"^.|.$", "Isolated"),
    split(r"\p{N}{1,2}+|\bw", "Isolated"),
    split(GPT4, "Isolated"),
    split(GPT4.replace("]*(?i", "]*+(?i").replace("]+|", "]++|"), "Removed", True),
    {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}]},
    {"type": "Sequence", "pretokenizers": [
        split(r"\p{N}{1,3}", "Isolated"), split(r"[一-龥぀-ゟ゠-ヿ]+", "Isolated"), BYTE_LEVEL]},
    {"type": "Sequence", "pretokenizers": [{"type": "Punctuation"}, {"type": "Digits", "individual_digits": True},
                                           {**BYTE_LEVEL, "use_regex": False}]},
]

TOKENS = [
    [],
    ["▁Hello", ",", "▁▁world", "▁"],
    ["▁", "▁a", " b ", "<0xE4>", "<0xBD>", "<0xA0>", "x", "<0xFF>", "<0xE4>", "<0xBD>", "y</w>", "z", "<0x0A>"],
    ["un", "##believ", "##able", "!", "do", "not", "n't", "'s", "it", "'", "##", " ."],
    ["a", "a", "<pad>", "a", "|", "b", "b", "<pad>", ".", "<pad><pad>"],
    ["ĠHello", "Ä", "½", "ł", "Ġ", "中", "Ċ", "é"],
    ["low</w>", "er</w>", "est", "</w>"],
    ["  a", "b  ", "   "],
]
DECODERS = [
    {"type": "BPEDecoder", "suffix": "</w>"},
    {"type": "ByteFallback"},
    BYTE_LEVEL,
    {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True},
    {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": False},
    {"type": "Fuse"},
    *[{"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True}
      for scheme in ("always", "first", "never")],
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "Replace", "pattern": {"Regex": "[a-c]+"}, "content": "_"},
    {"type": "Strip", "content": " ", "start": 2, "stop": 0},
    {"type": "WordPiece", "prefix": "##", "cleanup": True},
    {"type": "WordPiece", "prefix": "##", "cleanup": False},
    {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
]


def added(id, content, special=True, **options):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": not special, **options}
    return {"id": id, "content": content, **flags, "special": special}


def bpe(tokens, merges, **options):
    settings = {
        "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
        "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, **options,
    }
    prefix = options.get("continuing_subword_prefix") or ""
    for left, right in merges:
        token = left + right[len(prefix):]
        if token not in tokens:
            tokens.append(token)
    vocab = {token: id for id, token in enumerate(tokens)}
    return {"type": "BPE", **settings, "vocab": vocab, "merges": [list(pair) for pair in merges]}


def random_merges(draw, letters, count, inner=lambda token: token):
    """Merges in any order, also such that join what is learnt later."""
    tokens, merges = list(letters), []
    for _ in range(count):
        pair = (draw.choice(tokens), inner(draw.choice(tokens)))
        if pair not in merges:
            merges.append(pair)
            tokens.append(pair[0] + pair[1])
    draw.shuffle(merges)
    return merges


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
SENTENCE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
LLAMA_DECODER = DECODERS[-1]


def template(single, pair, tokens):
    def pieces(text):
        out = []
        for word in text.split():
            name, type_id = word.split(":")
            kind = "Sequence" if name in "AB" else "SpecialToken"
            out.append({kind: {"id": name, "type_id": int(type_id)}})
        return out

    special = {name: {"id": name, "ids": ids, "tokens": [name] * len(ids)} for name, ids in tokens.items()}
    return {"type": "TemplateProcessing", "single": pieces(single), "pair": pieces(pair), "special_tokens": special}


def files():
    draw = random.Random(7)
    words = ["[UNK]", "[CLS]", "[SEP]", "a", "the", "hello", "world", "good", "it", "s", "'", ",", "!", "boat", "小", "船",
             "##s", "##d", "##er", "low", "##lo", "caf", "##e", "##a", "3", "##1", "x", "##y"]
    word_piece = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 20, "vocab": {word: id for id, word in enumerate(words)}}
    yield "word piece", {
        "normalizer": NORMALIZERS[-4], "pre_tokenizer": {"type": "BertPreTokenizer"}, "model": word_piece,
        "post_processor": template("[CLS]:0 A:0 [SEP]:0", "[CLS]:0 A:0 [SEP]:0 B:1 [SEP]:1", {"[CLS]": [1], "[SEP]": [2]}),
        "decoder": DECODERS[-3],
        "added_tokens": [added(0, "[UNK]"), added(1, "[CLS]"), added(2, "[SEP]"),
                         added(28, "[MASK]", lstrip=True), added(29, "Word", False, single_word=True)],
    }
    yield "word piece, marks of BERT", {
        "pre_tokenizer": {"type": "Whitespace"}, "model": {**word_piece, "continuing_subword_prefix": ""},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
    }
    yield "word level", {
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "unk_token": "<unk>",
                  "vocab": {word: id for id, word in enumerate(["<unk>", "a", "the", "hello", ",", "word", "3"])}},
        "added_tokens": [added(7, "<mask>", lstrip=True, rstrip=True), added(8, "GOOD", False)],
    }
    pieces = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("▁", -2.0), ("▁the", -3.5), ("a", -4.0), ("▁a", -4.1), ("aa", -5.5),
              ("e", -4.2), ("l", -4.3), ("o", -4.4), ("ll", -5.0), ("▁He", -5.2), ("lo", -5.3), ("w", -6.0), ("or", -6.1),
              ("word", -7.7), ("d", -6.2), ("小", -8.0), ("船", -8.5), ("小船", -9.0), ("t", -6.3), ("h", -6.4), ("r", -6.5)]
    unigram = {"type": "Unigram", "unk_id": 0, "vocab": [list(piece) for piece in pieces], "byte_fallback": False}
    yield "unigram", {
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": MAP},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": SENTENCE, "model": unigram, "decoder": SENTENCE,
        "post_processor": template("A:0 </s>:0", "A:0 </s>:0 B:0 </s>:0", {"</s>": [2]}),
        "added_tokens": [added(0, "<unk>"), added(1, "<s>", normalized=True), added(2, "</s>")],
    }
    fallback = [[token, -9.0] for token in BYTES]
    yield "unigram with bytes", {
        "normalizer": {"type": "Nmt"}, "pre_tokenizer": {**SENTENCE, "prepend_scheme": "first"},
        "model": {**unigram, "vocab": unigram["vocab"] + fallback, "byte_fallback": True},
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, SENTENCE]},
    }
    pairs = [("▁", "t"), ("h", "e"), ("▁t", "he"), ("l", "o"), ("w", "o"), ("wo", "r"), ("wor", "d"), ("a", "a"), ("aa", "aa"),
             ("▁", "▁"), ("小", "船"), ("▁", "a")]
    letters = ["<unk>", "<s>", "</s>"] + sorted({letter for pair in pairs for token in pair for letter in token})
    yield "bpe with bytes", {
        "normalizer": NORMALIZERS[14], "model": bpe(letters + BYTES, pairs, unk_token="<unk>", byte_fallback=True, fuse_unk=True),
        "decoder": LLAMA_DECODER, "post_processor": template("<s>:0 A:0", "<s>:0 A:0 <s>:1 B:1", {"<s>": [1]}),
        "added_tokens": [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>", normalized=True)],
    }
    for fuse in (False, True):
        yield f"bpe with the unknown, fuse {fuse}", {
            "pre_tokenizer": {"type": "Whitespace"}, "model": bpe(letters[:], pairs, unk_token="<unk>", fuse_unk=fuse)}
    yield "bpe with some bytes", {
        "pre_tokenizer": {"type": "Whitespace"},
        "model": bpe(letters + BYTES[:0xE6], pairs, unk_token="<unk>", byte_fallback=True)}
    yield "bpe that drops", {"model": bpe(letters[3:], pairs)}
    small = [chr(letter) for letter in range(ord("a"), ord("z") + 1)]
    ends = [letter + "</w>" for letter in small]
    yield "bpe with ends", {
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": bpe(["<unk>", *small, *ends], [("l", "o"), ("h", "e</w>"), ("t", "he</w>"), ("lo", "w"), ("e", "r</w>"), ("a", "a</w>"),
                                            ("low", "er</w>"), ("o", "d</w>")], unk_token="<unk>", end_of_word_suffix="</w>"),
        "decoder": DECODERS[0],
    }
    yield "bpe with beginnings", {
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "model": bpe(["<unk>", *small, *["##" + letter for letter in small]],
                     [("t", "##h"), ("th", "##e"), ("##l", "##o"), ("##a", "##a"), ("a", "##aa"), ("##r", "##d"), ("w", "##o"), ("wo", "##rd")],
                     unk_token="<unk>", continuing_subword_prefix="##"),
        "decoder": DECODERS[-3],
    }
    roberta = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": True}
    words = [tuple(pair.split()) for pair in ("t h|Ġ a|Ġ t|Ġt h|th e|Ġth e|l o|w o|r d|wo rd|å °|å° ı|è Ī|èĪ ¹|a a|aa aa|aaaa aaaa".split("|"))]
    yield "byte level", {
        "pre_tokenizer": {**BYTE_LEVEL, "add_prefix_space": True}, "decoder": BYTE_LEVEL, "post_processor": roberta,
        "model": bpe(["<s>", "<pad>", "</s>", *ALPHABET], words),
        "added_tokens": [added(0, "<s>"), added(2, "</s>"), added(259 + len(words), "<mask>", lstrip=True)],
    }
    yield "byte level, normalized", {
        "normalizer": {"type": "NFC"}, "decoder": BYTE_LEVEL,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split(GPT4, "Isolated"), {**BYTE_LEVEL, "use_regex": False}]},
        "post_processor": {"type": "Sequence", "processors": [
            {**BYTE_LEVEL, "trim_offsets": True}, template("<s>:0 A:0", "<s>:0 A:0 <s>:1 B:1", {"<s>": [0]})]},
        "model": bpe(["<s>", *ALPHABET], words, ignore_merges=True),
        "added_tokens": [added(0, "<s>"), added(257 + len(words), "船 boat", False, normalized=False)],
    }
    for number in range(3):
        merges = random_merges(draw, "abct", 60)
        yield f"byte level, merges in any order {number}", {
            "pre_tokenizer": {**BYTE_LEVEL, "use_regex": number > 0}, "decoder": BYTE_LEVEL, "model": bpe(ALPHABET[:], merges)}
    yield "characters, merges in any order", {"model": bpe(list("abct"), random_merges(draw, "abct", 60))}


def run_file(content, strings):
    file = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
            "pre_tokenizer": None, "post_processor": None, "decoder": None, **content}
    tokenizer = Tokenizer.from_str(json.dumps(file))
    case = {"file": file, "ids": [], "offsets": [], "ids_special_as_text": [], "decoded": [], "with_template": [], "pairs": []}
    for text in strings:
        encoding = tokenizer.encode(text, add_special_tokens=False)
        case["ids"].append(encoding.ids)
        case["offsets"].append(sum((list(pair) for pair in encoding.offsets), []))
        case["decoded"].append([tokenizer.decode(encoding.ids, skip_special_tokens=skip) if encoding.ids else "" for skip in (False, True)])
        tokenizer.encode_special_tokens = True
        if "<" in text or "[" in text:
            case["ids_special_as_text"].append(tokenizer.encode(text, add_special_tokens=False).ids)
        tokenizer.encode_special_tokens = False
    for text in strings[1:8]:
        encoding = tokenizer.encode(text)
        case["with_template"].append([encoding.ids, sum((list(pair) for pair in encoding.offsets), []), encoding.type_ids])
        pair = tokenizer.encode(text, "the word")
        case["pairs"].append([pair.ids, sum((list(offsets) for offsets in pair.offsets), []), pair.type_ids])
    return case


def component(module, kind, value):
    shell = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
             "post_processor": None, "decoder": None, kind: value,
             "model": {"type": "WordLevel", "unk_token": "<unk>", "vocab": {"<unk>": 0}}}
    return shell, getattr(Tokenizer.from_str(json.dumps(shell)), kind)


def hash_of(results):
    sum = hashlib.sha256()
    for result in results:
        sum.update(result.encode() + b"\0")
    return sum.hexdigest()


def characters():
    return (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)


def all_characters():
    out = {"normalizers": [], "pre_tokenizers": []}
    for value in NORMALIZERS[:6] + [NORMALIZERS[9], *NORMALIZERS[-4:]]:
        _, normalizer = component(normalizers, "normalizer", value)
        out["normalizers"].append({"component": value, "sha256": hash_of(map(normalizer.normalize_str, characters()))})
    for value in (
        {"type": "BertPreTokenizer"}, {"type": "Digits", "individual_digits": True}, {"type": "Whitespace"}, {"type": "WhitespaceSplit"},
        {"type": "UnicodeScripts"}, split(r"\w", "Isolated"), split(r"\d", "Isolated"), split(r"\s", "Isolated"),
        split(r"[[:punct:]]", "Isolated"), split(GPT4, "Isolated"), BYTE_LEVEL,
    ):
        _, cut = component(pre_tokenizers, "pre_tokenizer", value)
        pieces = (" ".join(f"{start}-{end}" for _, (start, end) in cut.pre_tokenize_str(f"x{text}船")) for text in characters())
        out["pre_tokenizers"].append({"component": value, "sha256": hash_of(pieces)})
    return out


def golden():
    draw = random.Random(20)
    strings = STRINGS + ["".join(draw.choices(POOL, k=draw.randint(2, 16))) for _ in range(12)]
    out = {"made_by": "oracle/tokenizer_kinds.py", "versions": {"tokenizers": tokenizers.__version__}, "strings": strings,
           "tokens": TOKENS, "normalizers": [], "pre_tokenizers": [], "decoders": [], "tokenizers": {}}
    for value in NORMALIZERS:
        shell, normalizer = component(normalizers, "normalizer", value)
        # Every character a piece of its own, so that the origin of each is seen.
        shell["pre_tokenizer"] = {"type": "FixedLength", "length": 1}
        whole = Tokenizer.from_str(json.dumps(shell))
        out["normalizers"].append({
            "component": value,
            "texts": [normalizer.normalize_str(text) for text in strings],
            "offsets": [sum((list(pair) for pair in whole.encode(text).offsets), []) for text in strings],
        })
    for value in PRE_TOKENIZERS:
        _, cut = component(pre_tokenizers, "pre_tokenizer", value)
        pieces = [cut.pre_tokenize_str(text) for text in strings]
        out["pre_tokenizers"].append({
            "component": value,
            "pieces": [[piece for piece, _ in found] for found in pieces],
            "offsets": [sum((list(pair) for _, pair in found), []) for found in pieces],
        })
    for value in DECODERS:
        _, decoder = component(decoders, "decoder", value)
        out["decoders"].append({"component": value, "texts": [decoder.decode(tokens) if tokens else "" for tokens in TOKENS]})
    for name, content in files():
        out["tokenizers"][name] = run_file(content, strings)
    out["all_characters"] = all_characters()
    GOLDEN.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(GOLDEN, GOLDEN.stat().st_size, "bytes")


if __name__ == "__main__":
    if sys.argv[1:] == ["golden"]:
        golden()
    else:
        sys.exit(__doc__)
