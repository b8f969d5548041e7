"""Trained vocabularies of Hugging Face tokenizers: goldens for crates/lang, and a comparison on real text.

    oracle/setup.sh                                              # once: makes oracle/.venv
    oracle/.venv/bin/python oracle/tokenizer_training.py golden  # writes crates/lang/tests/data/tokenizer_training.json
    oracle/.venv/bin/python oracle/tokenizer_training.py compare DIR TEXT...

`compare` reads a BPE, word or WordPiece folder that `onto tokenizer train` wrote from the TEXT files (each file one
document), trains the reference with the same components, special tokens and alphabet, and says whether the merges and
the vocabulary are equal. MIN_FREQUENCY=2, LIMIT_ALPHABET and MAX_TOKEN_LENGTH are read from the environment.
"""

import json
import os
import pathlib
import random
import sys

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

GOLDEN = pathlib.Path(__file__).parent.parent / "crates/lang/tests/data/tokenizer_training.json"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SENTENCE = ["<unk>", "<s>", "</s>"]

LLAMA = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,%s}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
         r"\s*[\r\n]+|\s+(?!\S)|\s+")
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|"
          r"\s*[\r\n]|\s+(?!\S)|\s")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

TEXTS = [
    "The small boat crossed the wide river before the storm came down from the hills.",
    "She said that the harbour wasn't far, and that they'd reach it before the evening bells.",
    "We'll count the lanterns: 1, 2, 3, 10, 200, 3000, 12345678. There are more lanterns than boats.",
    "A miller, a baker and a weaver walked along the river; the weaver carried the lanterns.",
    "    indented line\n\tand a tabbed line\n\n\nthree newlines, then   three spaces.",
    "abcabcabcabc bcabcabca aaaaaaaa aaaa aaa abab ababab bcbc cabcab",
    "小船在暴风雨来临之前渡过了宽阔的河流。小船上的灯笼照亮了河流。",
    "磨坊主、面包师和织工沿着河流行走，织工提着灯笼。",
    "我们数一数灯笼：一、二、三、十、二百、三千。灯笼比小船多。",
    "Le meunier a traversé la rivière; naïve façade, œuvre, coöperate, Übergröße.",
    "Emoji: 🙂🙂 👩‍👩‍👧 🇨🇳 — “quotes” … and ½ of ² and ⅻ.",
    "HTTPResponse getElementById parseXMLString http://example.org/a/b/c?x=1&y=2 snake_case_name",
]


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def byte_level(use_regex):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


def sequence(*members):
    return {"type": "Sequence", "pretokenizers": list(members)}


METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
LINES = split(r"[\r\n]")
BERT_NORMALIZER = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
                   "lowercase": True}
# Name, the settings as the test spells them, and the components.
BYTE_CASES = [
    ("gpt2", {"cut": "gpt2", "vocab_size": 400, "min_frequency": 2}, byte_level(True)),
    ("gpt2_digits", {"cut": "gpt2", "digits": 2, "vocab_size": 380, "min_frequency": 1},
     sequence(split(r"\p{N}{1,2}"), byte_level(True))),
    ("cl100k", {"cut": "cl100k", "vocab_size": 400, "min_frequency": 2}, sequence(split(CL100K), byte_level(False))),
    ("o200k", {"cut": "o200k", "vocab_size": 420, "min_frequency": 2}, sequence(split(O200K), byte_level(False))),
    ("o200k_single", {"cut": "o200k", "digits": 1, "vocab_size": 330, "min_frequency": 2},
     sequence(split(O200K.replace(r"\p{N}{1,3}", r"\p{N}")), byte_level(False))),
    ("llama3", {"cut": "llama3", "vocab_size": 410, "min_frequency": 1}, sequence(split(LLAMA % 3), byte_level(False))),
    ("llama3_pairs", {"cut": "llama3", "digits": 2, "vocab_size": 410, "min_frequency": 1, "max_token_length": 5},
     sequence(split(LLAMA % 2), byte_level(False))),
]
CHARACTER_CASES = [
    ("sentencepiece", {"vocab_size": 500, "min_frequency": 2, "special": SENTENCE, "bytes": True},
     sequence(METASPACE, LINES)),
    ("sentencepiece_digits", {"vocab_size": 480, "min_frequency": 1, "special": SENTENCE, "bytes": True, "digits": 1,
                              "initial_alphabet": "zßΩ"}, sequence(METASPACE, LINES, split(r"\p{N}"))),
    ("sentencepiece_short", {"vocab_size": 520, "min_frequency": 1, "special": SENTENCE, "bytes": True,
                             "max_token_length": 4}, sequence(METASPACE, LINES)),
    ("words", {"cut": "words", "vocab_size": 260, "min_frequency": 1, "special": ["<unk>", "</s>"]},
     {"type": "Whitespace"}),
]


def build(model, pre_tokenizer, normalizer=None):
    return Tokenizer.from_str(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None, "model": model,
    }))


def bpe(texts, pre_tokenizer, vocab_size, min_frequency, special, alphabet, limit=None, longest=None, normalizer=None):
    tokenizer = build({"type": "BPE", "vocab": {}, "merges": []}, pre_tokenizer, normalizer)
    limits = {"limit_alphabet": limit, "max_token_length": longest}
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=special,
                                  initial_alphabet=alphabet, show_progress=False,
                                  **{name: value for name, value in limits.items() if value is not None})
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())["model"]


def word_piece(texts, vocab_size, min_frequency, lowercase=True):
    tokenizer = build({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                       "max_input_chars_per_word": 100, "vocab": {}}, {"type": "BertPreTokenizer"},
                      {**BERT_NORMALIZER, "lowercase": lowercase})
    trainer = trainers.WordPieceTrainer(vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=BERT,
                                        show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())["model"]["vocab"]


def words(texts, pre_tokenizer, vocab_size, min_frequency, special):
    tokenizer = build({"type": "WordLevel", "vocab": {}, "unk_token": "<unk>"}, pre_tokenizer)
    trainer = trainers.WordLevelTrainer(vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=special,
                                        show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())["model"]["vocab"]


def in_order(vocabulary):
    return [token for token, _ in sorted(vocabulary.items(), key=lambda entry: entry[1])]


def golden():
    cases = []
    for name, settings, pre_tokenizer in BYTE_CASES:
        found = bpe(TEXTS, pre_tokenizer, settings["vocab_size"], settings["min_frequency"], ["<|endoftext|>"],
                    pre_tokenizers.ByteLevel.alphabet(), longest=settings.get("max_token_length"))
        cases.append({"name": name, "settings": {**settings, "special": ["<|endoftext|>"]},
                      "tokens": in_order(found["vocab"]), "merges": [" ".join(merge) for merge in found["merges"]]})
    for name, settings, pre_tokenizer in CHARACTER_CASES:
        special = settings["special"] + (BYTES if settings.get("bytes") else [])
        found = bpe(TEXTS, pre_tokenizer, settings["vocab_size"], settings["min_frequency"], special,
                    list(settings.get("initial_alphabet", "")), longest=settings.get("max_token_length"))
        tokens = in_order(found["vocab"])
        if settings.get("bytes"):
            del tokens[len(settings["special"]) : len(special)]
        cases.append({"name": name, "settings": settings, "tokens": tokens,
                      "merges": ["\t".join(merge) for merge in found["merges"]]})
    # The ids of the reference depend on chance, and so do its merges where pairs are equally frequent: the words are such that few
    # are, and sizes are taken at which twelve runs give the same vocabulary.
    draw = random.Random(4)
    counts = {"".join(draw.choices("abcdeé", k=draw.randint(2, 9))): draw.randint(1, 700) for _ in range(150)}
    counted = [" ".join([word] * count) for word, count in counts.items()]
    pieces = []
    for vocab_size in range(40, 240, 10):
        runs = [sorted(word_piece(counted, vocab_size, 2, False)) for _ in range(12)]
        if len(runs[0]) == vocab_size and all(run == runs[0] for run in runs):
            pieces.append({"vocab_size": vocab_size, "tokens": runs[0]})
    out = {
        "made_by": "oracle/tokenizer_training.py",
        "versions": {"tokenizers": tokenizers.__version__},
        "texts": TEXTS,
        "bpe": cases,
        "word_piece": {"counts": counts, "trained": pieces[-4:]},
        "word_level": [
            {"vocab_size": size, "min_frequency": least,
             "tokens": in_order(words(TEXTS, {"type": "Whitespace"}, size, least, SENTENCE))}
            for size, least in ((40, 1), (500, 2))
        ],
    }
    GOLDEN.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(GOLDEN, GOLDEN.stat().st_size, "bytes;", [case["vocab_size"] for case in pieces])


def compare(directory, files):
    written = json.loads(pathlib.Path(directory, "tokenizer.json").read_text(encoding="utf-8"))
    texts = [pathlib.Path(file).read_bytes().decode() for file in files]
    special = [token["content"] for token in written["added_tokens"]]
    model, size = written["model"], len(written["model"]["vocab"])
    least = int(os.environ.get("MIN_FREQUENCY", 2))
    number = lambda name: int(os.environ[name]) if name in os.environ else None
    result = {"vocab_size": size}
    if model["type"] == "BPE":
        is_bytes = "Ġ" in model["vocab"]
        first = special + (BYTES if "<0x00>" in model["vocab"] else [])
        theirs = bpe(texts, written["pre_tokenizer"], size, least, first,
                     pre_tokenizers.ByteLevel.alphabet() if is_bytes else [], number("LIMIT_ALPHABET"),
                     number("MAX_TOKEN_LENGTH"), written["normalizer"])
        result["merges"], result["their_merges"] = len(model["merges"]), len(theirs["merges"])
        result["merges_equal"] = model["merges"] == theirs["merges"]
        result["vocab_equal"] = model["vocab"] == theirs["vocab"]
        if not result["merges_equal"]:
            pairs = zip(model["merges"], theirs["merges"])
            result["first_difference"] = next((at for at, (own, other) in enumerate(pairs) if own != other), None)
    elif model["type"] == "WordPiece":
        theirs = word_piece(texts, size, least)
        result["tokens_in_both"] = len(set(theirs) & set(model["vocab"]))
    else:
        theirs = words(texts, written["pre_tokenizer"], size, int(os.environ.get("MIN_FREQUENCY", 1)), special)
        result["vocab_equal"] = theirs == model["vocab"]
    print(json.dumps(result))
    sys.exit(0 if all(value for name, value in result.items() if name.endswith("equal")) else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["golden"]:
        golden()
    elif sys.argv[1:2] == ["compare"] and len(sys.argv) > 3:
        compare(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(__doc__)
