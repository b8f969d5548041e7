"""Texts to measure corpus work on: everything that the folder of real data has as text, once, and documents drawn from it.

    python3 oracle/corpus_texts.py DATA OUT.jsonl [MEGABYTES] [SEED]     needs zstd on the path

Web pages (C4, DCLM), encyclopedias, books, news, novels, poems, talk and sentences of twenty languages, long works cut into pieces of 1 to
16 kB at ends of lines, all in a drawn order and as many as MEGABYTES (100) asks for. Where that is more than there is, documents of paragraphs of one kind of text, drawn and put together
anew, follow; a hundredth of them is a copy of an earlier one with some words changed. A line is {"id", "text", "source"}.
With the ending .wet.gz the same texts become a WET file: a gzip member a record.
"""

import gzip
import html
import json
import pathlib
import random
import re
import subprocess
import sys


def unpacked(path: pathlib.Path) -> str:
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout.decode(errors="replace")
    return path.read_text(encoding="utf-8", errors="replace")


def pieces(text: str, rng: random.Random) -> list[str]:
    """Cut at line feeds into pieces whose lengths spread as those of web pages do."""
    lines, out, held, wanted = text.replace("\r\n", "\n").split("\n"), [], [], 0
    for line in lines:
        if not held:
            wanted = min(16_000, max(500, rng.lognormvariate(8, 0.9)))
        held.append(line)
        wanted -= len(line.encode()) + 1
        if wanted <= 0:
            out.append("\n".join(held))
            held = []
    return [piece for piece in [*out, "\n".join(held)] if piece.strip()]


def strings(value: object) -> list[str]:
    """The strings in a JSON value that are longer than names."""
    if isinstance(value, str):
        return [value] if len(value) > 40 else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in inner for text in strings(part)]


def works(data: pathlib.Path, rng: random.Random):
    """Every kind of text with its documents."""
    for folder, pattern in (("books-en", "*.txt"), ("zh-novels", "*.txt"), ("lm-small-en", "[tw][aik][rn]*.txt"), ("lm-ptb", "ptb.train.txt")):
        for path in sorted((data / folder).glob(pattern)):
            yield f"{folder}/{path.stem}", pieces(unpacked(path), rng)
    stories = unpacked(data / "lm-tinystories/tinystories_2M.txt").split("<|endoftext|>")
    yield "lm-tinystories", [story.strip() for story in stories if story.strip()]
    yield "mix-sources/wiki", unpacked(data / "mix-sources/wiki_demo.txt").splitlines()
    for name in ("web-warc/c4_demo.jsonl", "quality-filter/dclm_quality.jsonl.zst", "preference/hh_harmless_dev.jsonl.zst"):
        lines = [json.loads(line) for line in unpacked(data / name).splitlines() if line]
        yield name.split("/")[0], ["\n".join(strings(line)) for line in lines]
    for name in ("preference/dpo_zh_demo.json.zst", "instruct/alpaca_zh_demo.json.zst", "instruct/alpaca_en_demo.json.zst"):
        yield name.split(".")[0], ["\n".join(strings(record)) for record in json.loads(unpacked(data / name))]
    yield "zh-wiki-qa", strings([p["context"] for d in json.loads(unpacked(data / "zh-wiki-qa/cmrc2018_dev.json.zst"))["data"] for p in d["paragraphs"]])
    for path in sorted((data / "zh-poetry").glob("*.json")):
        poems = json.loads(unpacked(path))
        lines = ["\n".join(poem.get("paragraphs") or poem.get("content") or []) for poem in poems if isinstance(poem, dict)]
        yield f"zh-poetry/{path.stem}", pieces("\n".join(lines), rng)
    yield "zh-classical", pieces("\n".join(line.partition("\t")[2].replace("\t", "\n") for line in unpacked(data / "par-zh-classical-modern/bitext.tsv.zst").splitlines()), rng)
    for path in sorted((data / "langid").glob("*/sentences.txt")):
        yield f"langid/{path.parent.name}", pieces(unpacked(path), rng)
    yield "dedup", [line.partition(" ")[2] for line in unpacked(data / "dedup/articles_1000.train.zst").splitlines()]
    for path in sorted((data / "html-extract").glob("*.html.gz")):
        page = gzip.open(path, "rt", encoding="utf-8", errors="replace").read()
        page = re.sub(r"(?is)<(script|style|noscript)\b.*?</\1>", " ", page)
        page = html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"(?i)<(br|p|div|li|h\d|tr|td)\b[^>]*>", "\n", page)))
        yield "html-extract", [re.sub(r"\n\s*\n+", "\n", page).strip()]


def documents(data: pathlib.Path, size: int, rng: random.Random):
    kinds: dict[str, list[str]] = {}
    for kind, texts in works(data, rng):
        kinds.setdefault(kind, []).extend(text for text in texts if text.strip())
    written = 0
    real = [(kind, text) for kind, texts in kinds.items() for text in texts]
    rng.shuffle(real)
    for kind, text in real:
        if written >= size:
            return
        written += len(text.encode())
        yield kind, text
    names = list(kinds)
    weights = [sum(len(text.encode()) for text in kinds[name]) for name in names]
    paragraphs = {name: [line for text in kinds[name] for line in text.split("\n") if line.strip()] for name in names}
    recent: list[tuple[str, str]] = []
    while written < size:
        if recent and rng.random() < 0.01:
            kind, text = rng.choice(recent)
            words = text.split(" ")
            for _ in range(max(1, len(words) // 200)):
                words[rng.randrange(len(words))] = "other"
            text = " ".join(words)
        else:
            kind = rng.choices(names, weights)[0]
            wanted = min(16_000, max(500, rng.lognormvariate(8, 0.9)))
            lines = []
            while wanted > 0:
                lines.append(rng.choice(paragraphs[kind]))
                wanted -= len(lines[-1].encode()) + 1
            text = "\n".join(lines)
            recent = [*recent[-199:], (kind, text)]
        written += len(text.encode())
        yield f"drawn/{kind}", text


def record(number: int, text: str) -> bytes:
    body = text.encode()
    head = (
        "WARC/1.0\r\nWARC-Type: conversion\r\n"
        f"WARC-Target-URI: https://example.org/{number}\r\nWARC-Date: 2026-11-26T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{number:012x}>\r\n"
        f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + body + b"\r\n\r\n", 6, mtime=0)


def main() -> None:
    data, out = pathlib.Path(sys.argv[1]), sys.argv[2]
    size = int(float(sys.argv[3] if len(sys.argv) > 3 else 100) * 1e6)
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    with open(out, "wb") as file:
        for number, (kind, text) in enumerate(documents(data, size, rng)):
            if out.endswith(".wet.gz"):
                file.write(record(number, text))
            else:
                line = {"id": f"d{number}", "text": text, "source": kind}
                file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


main()
