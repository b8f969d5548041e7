"""Scores extractors of main text; run by compare_extract.sh."""

import gzip
import json
import logging
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

logging.disable(logging.CRITICAL)
WORD = re.compile(r"\w+")


def runs(text, n=4):
    words = WORD.findall(text or "")
    return Counter(tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1))) if words else Counter()


def article_scores(gold, found):
    precisions, recalls = [], []
    for page, truth in gold.items():
        true, said = runs(truth["articleBody"]), runs(found.get(page, ""))
        both = sum((true & said).values())
        precisions.append(both / sum(said.values()) if said else float(not true))
        recalls.append(both / sum(true.values()) if true else float(not said))
    p, r = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 2 * p * r / (p + r) if p + r else 0.0, p, r


def segment_scores(gold, found):
    kept = lost = wrong = 0
    for page, truth in gold.items():
        text = found.get(page.removesuffix(".html.gz"), "")
        hits = sum(segment in text for segment in truth["with"])
        kept, lost = kept + hits, lost + len(truth["with"]) - hits
        wrong += sum(segment in text for segment in truth["without"])
    p, r = (kept / (kept + wrong) if kept + wrong else 0.0), kept / (kept + lost)
    return 2 * p * r / (p + r) if p + r else 0.0, p, r


def peers():
    import html_text
    import justext
    import trafilatura
    from boilerpy3 import extractors
    from readability import Document
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    def text(page):
        try:
            return page.decode("utf8")
        except UnicodeDecodeError:
            return bytes_to_str(page, detect_encoding(page))

    def justext_of(page):
        paragraphs = justext.justext(text(page).encode(), justext.get_stoplist("English"))
        return "\n".join(p.text for p in paragraphs if not p.is_boilerplate)

    return {
        "trafilatura": lambda page: trafilatura.extract(text(page), include_comments=False),
        "trafilatura precision": lambda page: trafilatura.extract(text(page), include_comments=False, favor_precision=True),
        "trafilatura recall": lambda page: trafilatura.extract(text(page), include_comments=False, favor_recall=True),
        "readability-lxml": lambda page: html_text.extract_text(Document(text(page)).summary()),
        "resiliparse": lambda page: extract_plain_text(text(page), main_content=True, alt_texts=False),
        "boilerpy3": lambda page: extractors.ArticleExtractor().get_content(text(page)),
        "justext": justext_of,
    }


def main():
    data, program = Path(sys.argv[1]), sys.argv[2]
    sets = {
        "html-extract": (data / "html-extract", "ground-truth.json", data / "html-extract", article_scores),
        "html-extract-multi": (data / "html-extract-multi" / "html", "evaldata.json", data / "html-extract-multi", segment_scores),
    }
    names = ["trafilatura", "readability-lxml", "resiliparse", "boilerpy3", "justext"]
    print(platform.processor() or platform.machine(), "·", ", ".join(f"{n} {version(n)}" for n in names))
    for name, (folder, truth, at, score) in sets.items():
        gold = json.loads((at / truth).read_text())
        pages = {p.name.removesuffix(".html.gz"): gzip.open(p).read() for p in sorted(folder.glob("*.html.gz"))}
        print(f"{name}: {len(pages)} pages, {sum(map(len, pages.values())) / 1e6:.1f} MB")
        with tempfile.TemporaryDirectory() as unpacked:
            for page, content in pages.items():
                (Path(unpacked) / f"{page}.html").write_bytes(content)
            for extractor in ["trafilatura", "readability", "union"]:
                ran = subprocess.run([program, extractor, unpacked], check=True, capture_output=True, text=True)
                lines = [json.loads(line) for line in ran.stdout.splitlines()]
                found = {line["id"].removesuffix(".html"): line["text"] for line in lines}
                show("onto " + extractor, score(gold, found), float(ran.stderr.split()[0]))
        for peer, extract in peers().items():
            found, started = {}, time.perf_counter()
            for page, content in pages.items():
                try:
                    found[page] = extract(content) or ""
                except Exception:  # a peer that fails on a page has found nothing on it
                    found[page] = ""
            show(peer, score(gold, found), len(pages) / (time.perf_counter() - started))


def show(name, scores, rate):
    f1, precision, recall = scores
    print(f"  {name:24} F1 {f1:.4f}  precision {precision:.4f}  recall {recall:.4f}  {rate:7.1f} pages/s", flush=True)


main()
