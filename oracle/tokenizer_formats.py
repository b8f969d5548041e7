"""Golden numbers for crates/lang: SentencePiece models and tiktoken ranks against their own programs.

    oracle/setup.sh                                              # once: makes oracle/.venv
    oracle/.venv/bin/python oracle/tokenizer_formats.py golden   # writes crates/lang/tests/data/tokenizer_formats.json
"""

import base64
import io
import json
import pathlib
import random
import sys
import tempfile

import sentencepiece
import tiktoken
from tiktoken._educational import bpe_train

from tokenizer import TEXTS
from tokenizer_kinds import POOL, STRINGS

GOLDEN = pathlib.Path(__file__).parent.parent / "crates/lang/tests/data/tokenizer_formats.json"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# Replacements of a character map: from, to, as code points.
RULES = "FB01\t66 69\n41\t61\nFF21\t41\n65 301\tE9\nAD\t\n9\t20\nA\t20\nBD\t31 2F 32\n3000\t20\n"

MODELS = {
    "bpe with bytes and symbols": dict(
        model_type="bpe", vocab_size=420, byte_fallback=True, user_defined_symbols=["<sep>", "the", "▁x"], character_coverage=0.99,
        normalization_rule_name="identity", remove_extra_whitespaces=False),
    "bpe, extra spaces removed": dict(model_type="bpe", vocab_size=200, rules=True),
    "bpe without a prefix": dict(
        model_type="bpe", vocab_size=200, add_dummy_prefix=False, normalization_rule_name="identity", treat_whitespace_as_suffix=False),
    "bpe, space as suffix": dict(model_type="bpe", vocab_size=200, rules=True, treat_whitespace_as_suffix=True),
    "unigram": dict(model_type="unigram", vocab_size=190, rules=True, user_defined_symbols=["<sep>", "boat"]),
    "unigram with bytes": dict(
        model_type="unigram", vocab_size=430, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
        character_coverage=0.99),
    "characters": dict(model_type="char", vocab_size=100, rules=True, character_coverage=0.98),
}


def train(options):
    options = dict(options)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        if options.pop("rules", False):
            rules.write(RULES)
            rules.flush()
            options["normalization_rule_tsv"] = rules.name
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXTS * 3), model_writer=out, hard_vocab_limit=False, minloglevel=2, num_threads=1, **options)
    return out.getvalue()


def golden():
    draw = random.Random(20)
    pool = POOL + ["<sep>", "boat", "▁x", "lantern", "  "]
    strings = STRINGS + TEXTS[:4] + ["".join(draw.choices(pool, k=draw.randint(2, 16))) for _ in range(30)]
    out = {"made_by": "oracle/tokenizer_formats.py", "strings": strings, "sentencepiece": {},
           "versions": {"sentencepiece": sentencepiece.__version__, "tiktoken": tiktoken.__version__}}
    for name, options in MODELS.items():
        model = train(options)
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        out["sentencepiece"][name] = {
            "model": base64.b64encode(model).decode(), "ids": [processor.encode(text) for text in strings]}
    ranks = bpe_train(data="\n".join(TEXTS), vocab_size=400, pat_str=GPT2, visualise=None)
    encoding = tiktoken.Encoding("toy", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 402})
    lines = [f"{base64.b64encode(token).decode()} {rank}" for token, rank in ranks.items()]
    out["tiktoken"] = {"ranks": "\n".join(lines) + "\n", "ids": [encoding.encode_ordinary(text) for text in strings]}
    GOLDEN.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(GOLDEN, GOLDEN.stat().st_size, "bytes")


if __name__ == "__main__":
    if sys.argv[1:] == ["golden"]:
        golden()
    else:
        sys.exit(__doc__)
