"""Goldens for corpus deduplication, made by the peers themselves.

    python3 -m venv VENV; VENV/bin/pip install datatrove==0.10.1 "xxhash<3.6" spacy tokenizers datasketch==2.0.0
    VENV/bin/python oracle/dedup.py        writes crates/corpus/tests/data/datatrove.json

Held: datatrove's normalisation (`simplify_text`) of awkward texts, its MinHash parameters and signatures (words cut at
spaces, which is what its `get_shingles` gives for texts without spaCy's special cases), sentence-level verdicts of
`SentDedup` on sentences cut at line ends, and the bands datasketch chooses for a threshold.
"""

import importlib.metadata
import json
import pathlib
import random
import tempfile

import numpy as np
from datasketch.lsh import _optimal_param
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import simplify_text

OUT = pathlib.Path(__file__).parent.parent / "crates/corpus/tests/data/datatrove.json"

TEXTS = [
    "",
    " \n\t ",
    "One two three four",
    "The quick brown fox jumps over the lazy dog, and the dog sleeps on.",
    "Prices rose 12.5% to $1,085.50 (up from 3,14 or 10.000.000) in 2024; e-mail: a.b@c.org!",
    "Él está aquí — ¿no? ÀÉÎÕÜ naïve façade; ΣΊΣΥΦΟΣ, İstanbul, straße.",
    "Zero ٣٫١٤ and ३.५ and １２３ and ½ and ² stand «here».",
    "tabs\tand\nlines\r\nand\x0bvertical\x1cseparators\u00a0and\u2003wide\u3000spaces\u0085next",
    "हिन्दी में एक छोटा वाक्य है जो जाँच के लिए लिखा गया है",
    "Тихо летят паутинные нити, солнце горит на оконном стекле",
    "control\x00characters\x07and\u200bzero width and emoji 👍🏽 stay or go",
    "a\u0301 b\u0308 c\u0327 combined, and \u1e69 composed twice",
]


def words(count: int, seed: int) -> str:
    rng = random.Random(seed)
    syllables = ["ka", "to", "mi", "ren", "sol", "dra", "vel", "un", "pi", "gor"]
    return " ".join("".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(count))


LONG = [words(40, 1), words(300, 2), words(2000, 3)]


def signature(text: str, hash_fc: str, **config) -> list[int]:
    step = MinhashDedupSignature.__new__(MinhashDedupSignature)
    step.config = MinhashConfig(hash_config=HashConfig(precision=64, hash_fc=hash_fc), **config)
    step.num_hashes = step.config.num_buckets * step.config.hashes_per_bucket
    step._parameters = None
    from datatrove.utils.hashing import create_hash_func

    step._hash_func = create_hash_func(step.config.hash_config)

    class Spaces:
        def word_tokenize(self, text):
            return text.split()

    step.word_tokenizer = Spaces()
    with np.errstate(over="ignore"):
        shingles = step.get_shingles(text)
        if shingles.size == 0:
            return []
        return [value for bucket in step.get_signature(shingles) for value in bucket]


def sentence_verdicts(texts: list[str], **config) -> list[str | None]:
    """What `SentDedup` leaves of every text; None for dropped ones."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup import (
        SentDedupConfig,
        SentenceDedupFilter,
        SentenceDedupSignature,
        SentenceFindDedups,
    )

    config = SentDedupConfig(split_sentences=False, only_dedup_in_index=False, **config)
    with tempfile.TemporaryDirectory() as folder:
        documents = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
        SentenceDedupSignature(output_folder=f"{folder}/1", config=config).run(iter(documents))
        SentenceFindDedups(data_folder=f"{folder}/1", output_folder=f"{folder}/2", config=config).run()
        kept = SentenceDedupFilter(data_folder=f"{folder}/2", config=config).run(iter(documents))
        left = {document.id: document.text for document in kept}
    return [left.get(str(number)) for number in range(len(texts))]


def lines_with_repeats() -> list[str]:
    rng = random.Random(5)
    stock = [words(rng.randint(3, 9), 100 + i) for i in range(40)]
    texts = []
    for number in range(60):
        lines = [words(rng.randint(3, 9), 1000 + 50 * number + i) for i in range(rng.randint(1, 12))]
        for _ in range(rng.randint(0, 3)):
            start = rng.randrange(35)
            at = rng.randrange(len(lines) + 1)
            lines[at:at] = stock[start : start + rng.randint(2, 5)]
        texts.append("\n".join(lines))
    return [*texts, texts[3], "\n".join(["same line"] * 9)]


def main() -> None:
    cases = [{"text": text, "normalised": simplify_text(text)} for text in TEXTS]
    signatures = [
        {
            "text": text,
            "xxhash": signature(text, "xxhash"),
            "sha1": signature(text, "sha1"),
        }
        for text in [TEXTS[2], TEXTS[3], TEXTS[5], TEXTS[9], *LONG]
    ]
    other = {"bands": 20, "rows": 3, "words": 2, "seed": 7}
    other["signature"] = signature(
        TEXTS[3], "xxhash", n_grams=2, num_buckets=20, hashes_per_bucket=3, seed=7
    )
    bands = [
        {"threshold": threshold, "hashes": hashes, "bands": _optimal_param(threshold, hashes, 0.5, 0.5)}
        for threshold in (0.4, 0.5, 0.7, 0.8, 0.9)
        for hashes in (64, 128, 240)
    ]
    texts = lines_with_repeats()
    sentences = {
        "texts": texts,
        "plain": sentence_verdicts(texts, min_doc_words=0, min_num_sentences=0),
        "defaults": sentence_verdicts(texts, min_num_sentences=0),
        "pairs": sentence_verdicts(texts, n_sentences=2, min_doc_words=0, min_num_sentences=0),
    }
    versions = {name: importlib.metadata.version(name) for name in ("datatrove", "datasketch", "numpy", "xxhash")}
    golden = {"versions": versions, "normalised": cases, "signatures": signatures, "other": other, "bands": bands}
    golden["sentences"] = sentences
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(OUT, OUT.stat().st_size, "bytes")


main()
