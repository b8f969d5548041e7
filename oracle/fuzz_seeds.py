"""Small valid inputs for the targets under fuzz/, taken out of the golden files; no package is needed.

    python3 oracle/fuzz_seeds.py        # writes fuzz/seeds/TARGET/…
"""

import base64
import bz2
import gzip
import json
import pathlib
import struct
import zlib

# Two documents as `onto corpus convert --to parquet` writes them, zlib.
TABLE = (
    "eNqFlc9rE1EQx2dfXjZJG0oaOs9dWUoI9JFKTVrFoKWILR6kBKweRL1tm0Ur7abmh1StguDBg6ceSikeehHEoyAo2Ev/AE899FCkB+0fISjOe9n82BgobDbv+2bmM7NvZp"
    "OF2dtTyHEEZYm+IA2Q+1z4kxm4BWAAgKtuiwhoojVBDilamIFPxCafCKPdPF4LRZ/5CpCgwJu+l6l76/U8hcDPvd1f7/dOQ1l4roSsg0q6AHGKXvbzj2oVf4XiOYreeDZM"
    "Lpw2M3ghFJ56BZAk28N6fW26UFjPPy08I0QKs72I+CwAI88IA1UHYLpEtzZInQbpIcz0BsauNAM5qNKSOBoqwJxqWj3/lLSGTiswFwofvAcQI/PzrJ+dvvji9NLtNLMtw6"
    "XPIjJbAOiNRLsTtmUGjehY463D7Vp2mZPdh9cjlRsbl4yRq2FbQJfa4uOSB9HM8/Wt25O2Y8ETdVZdDo6Yx2mVXnAljo1AjWrF8LJWGaVOInhdK0upQ45zWoFSB9HApilH"
    "ZqCGVIlvbyTKlaXGqufXa0g7yTGw2HJ5DJpLrg6rJcxapVFd8pqSWZFGdaW15mW33jbwFdd/0BLxVa/uktWlDcFtx96Q4GDSvgRmylapMCm4uCs25LyMO0XIGYvUt+FhsC"
    "f0+DHQzWYwQ+WD+DCAZ8VuDLPQjdFlalBVbBny2JCvDcUKetzV977gUQLvD6Aj9mM4EwIHj6zR98VLeczkDlPk9oB0RqUvOkPoHwr9N4ZXQ2h1fJrri01DnkTkdsQpslxo"
    "rMJD1jeBpUcFxG+V5Fsc74QPRvVFZymJNXnI5UfuFPlcug8I9KyC2Bok0GYCZRiketo+hoOo3Imqammg1VD3b1dQ2ScF/JLAfAjYngsNLYs3hjwy5bapqK1Xof1O9OUPBf"
    "zvin+SwDkQ76KCy7jYjo3QT4K95lYfN7z6+Wot88Sr1pYrfqY4mZ/KT9obDsD/F6QiAAv0R/APdUr9WA=="
)

ROOT = pathlib.Path(__file__).parent.parent
DATA = ROOT / "crates/lang/tests/data"


def write(target, name, content):
    path = ROOT / "fuzz/seeds" / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def main():
    formats = json.loads((DATA / "tokenizer_formats.json").read_text())
    for name in ["bpe without a prefix", "unigram", "characters"]:
        write("sentencepiece_model", name.replace(" ", "_"), base64.b64decode(formats["sentencepiece"][name]["model"]))
    write("tiktoken_ranks", "toy", formats["tiktoken"]["ranks"])
    write("vocab_txt", "toy", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##able\nlow\n##er\n小\n,\n")
    vocabulary = {token: id for id, token in enumerate(["a", "b", "c", "ab", "abc", "Ġ", "Ġa", "<|endoftext|>"])}
    write("merges_txt", "toy", json.dumps(vocabulary, ensure_ascii=False) + "\0" + "#version: 0.2\na b\nab c\nĠ a\n")
    kinds = json.loads((DATA / "tokenizer_kinds.json").read_text())
    for name, case in kinds["tokenizers"].items():
        file = case["file"]
        write("tokenizer_json", name.replace(" ", "_").replace(",", ""), json.dumps(file, ensure_ascii=False))
    model = {"type": "BPE", "vocab": vocabulary, "merges": [["a", "b"], ["ab", "c"], ["Ġ", "a"]], "unk_token": None}
    for family in ["normalizers", "pre_tokenizers", "decoders"]:
        for at, case in enumerate(kinds[family]):
            component = case["component"]
            if len(json.dumps(component)) < 2000:
                file = {"model": model, family[:-1]: component, "added_tokens": [
                    {"id": 8, "content": "<s>", "single_word": True, "lstrip": True, "rstrip": True, "normalized": True, "special": True}]}
                write("tokenizer_json", f"{family}_{at}", json.dumps(file, ensure_ascii=False))
    ranks = [line.split()[0] for line in formats["tiktoken"]["ranks"].splitlines()[:280]]
    entries = [{"rank": rank, "token_bytes": token, "token_str": None} for rank, token in enumerate(ranks)]
    config = {"pattern": r"\p{L}+|\s+|.", "default_vocab_size": 304, "default_num_special_tokens": 24}
    write("tekken_json", "toy", json.dumps({"config": config, "vocab": entries}))
    text = lambda text: struct.pack("<Q", len(text.encode())) + text.encode()
    texts = lambda texts: struct.pack("<IIQ", 9, 8, len(texts)) + b"".join(map(text, texts))
    for name, kind, tokens, more in [
        ("pieces", "llama", ["<unk>", "<s>", "</s>", "a", "b", "ab", "▁", "▁a"],
         [("tokenizer.ggml.scores", struct.pack("<IIQ8f", 9, 6, 8, 0, 0, 0, -9, -9, -1, -9, -2))]),
        ("words", "bert", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁un", "able", "▁low", "er"], []),
        ("bytes", "gpt2", ["a", "b", "ab", "Ġ", "Ġa", "c", "d", "<s>"],
         [("tokenizer.ggml.pre", struct.pack("<I", 8) + text("gpt-2")), ("tokenizer.ggml.merges", texts(["a b", "Ġ a"]))]),
    ]:
        kinds = struct.pack("<IIQ8i", 9, 5, 8, *[{"<unk>": 2, "<s>": 3, "</s>": 3, "[CLS]": 3}.get(token, 1) for token in tokens])
        keys = [("tokenizer.ggml.model", struct.pack("<I", 8) + text(kind)), ("tokenizer.ggml.tokens", texts(tokens)),
                ("tokenizer.ggml.token_type", kinds), ("tokenizer.ggml.add_bos_token", struct.pack("<IB", 7, 1)),
                ("tokenizer.ggml.bos_token_id", struct.pack("<II", 4, 1)), *more]
        body = b"".join(text(key) + value for key, value in keys)
        write("gguf_vocabulary", name, b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)) + body)
    for at, text in enumerate(["The small boat isn't 12 345 wide.\n\n", "小船過河", "aaaaaaaaaaaa", "\0\u00e9\u0301🙂"]):
        write("encode_decode", str(at), text)
    corpora()


def corpora():
    """Inputs of a corpus in every form."""
    record = lambda kind, body, more="": f"WARC/1.0\r\nWARC-Type: {kind}\r\n{more}Content-Length: {len(body.encode())}\r\n\r\n{body}\r\n\r\n"
    page = ("<!DOCTYPE html><html><head><title>T</title><meta charset=utf-8></head><body><nav><a href=/>x</a></nav><article><h1>T</h1>"
            "<p>The boat went home, and nobody knew <b>why it had</b> left so early.</p><table><tr><td>1</td></tr></table>"
            "<ul><li>one<li>two</ul><pre>code</pre></article><script>var a = '<p>';</script></body></html>")
    answer = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{len(page):x}\r\n{page}\r\n0\r\n\r\n"
    records = [record("warcinfo", "software: x\r\n"), record("conversion", "Twenty bytes of text.", "WARC-Target-URI: http://a.b/c\r\n"),
               record("response", answer, "Content-Type: application/http; msgtype=response\r\n")]
    write("corpus_warc", "three", "".join(records))
    write("corpus_warc_gz", "three", b"".join(gzip.compress(one.encode(), mtime=0) for one in records))
    dump = ("<mediawiki xml:lang=\"en\"><siteinfo><namespaces><namespace key=\"0\"/></namespaces></siteinfo><page><title>T &amp; U</title><ns>0</ns>"
            "<id>7</id><revision><timestamp>2020-01-01T00:00:00Z</timestamp><text>'''A''' [[b|c]] {{d|{{e}}}} &lt;ref&gt;f&lt;/ref&gt;\n{|\n| g\n|}\n"
            "== h ==\n* -{zh-cn:i;zh-tw:j}- [http://k l] [[File:m.png|n [[o]]]]</text></revision></page>"
            "<page><title>R</title><ns>0</ns><id>8</id><redirect title=\"T\"/><revision><text>#REDIRECT [[T]]</text></revision></page></mediawiki>")
    write("corpus_mediawiki", "two", dump)
    write("corpus_mediawiki", "markup", "{{a|b={{c}}}} [[d|e]] ''f'' <nowiki>{{g}}</nowiki> <math>x</math> {| class=h\n! i\n|-\n| j || k\n|}\n----\n# l")
    write("corpus_html", "page", page)
    write("corpus_html", "gbk", "<meta charset=gbk><p>\u4f60\u597d</p>".encode("gbk"))
    lines = ('{"text":"One.","id":1}\n{"prompt":{"text":"a","role":"prompter","replies":[{"text":"b","role":"assistant","rank":0,"replies":[]}]}}\n'
             '{"text":"\\\\ud83d\\\\ude00","lang":"en","meta":{"a":[1,2.5e3,null]}}\n')
    write("corpus_jsonl", "three", lines)
    write("corpus_zstd", "three", zstd(lines.encode()) + zstd(b'{"text":"Another frame."}\n'))
    write("corpus_parquet", "two", zlib.decompress(base64.b64decode(TABLE)))
    texts = "One text.\n<|endoftext|>\nZwei W\u00f6rter.\r\n\u4f60\u597d\n"
    for encoding in ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gbk", "shift_jis", "windows-1252"]:
        write("corpus_text", encoding, texts.encode(encoding, "replace"))
    write("corpus_bzip2", "two", bz2.compress(texts.encode(), 1) + bz2.compress(b"Another stream.", 1))


def zstd(content):
    """One frame with one raw block: no package is needed."""
    assert len(content) < 256
    return struct.pack("<IBB", 0xFD2FB528, 0x20, len(content)) + struct.pack("<I", 1 | len(content) << 3)[:3] + content


if __name__ == "__main__":
    main()
