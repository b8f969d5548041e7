"""Encoding speed of the reference programs; called by compare_tokenizer.sh.

    compare_tokenizer.py texts TOKENIZER DIR FILE...            the files, or copies under DIR without special tokens
    compare_tokenizer.py measure TOKENIZER SECONDS FILE...      one JSON line per program and text
    compare_tokenizer.py table RESULTS                          the lines as a table of ratios

Texts are cut into documents of at most 64 KiB that end with a line, as `onto bench tokenizer` does, and encoded by one
thread. The best of the rounds that fit the time counts.
"""

import json
import os
import pathlib
import sys
import time

DOCUMENT = 1 << 16


def documents(text):
    raw, out = text.encode(), []
    while len(raw) > DOCUMENT:
        end = raw.rfind(b"\n", 0, DOCUMENT)
        if end < 0:
            break
        out.append(raw[: end + 1].decode())
        raw = raw[end + 1 :]
    return out + [raw.decode()]


def file_of(path):
    path = pathlib.Path(path)
    return path / "tokenizer.json" if path.is_dir() else path


def texts(path, folder, files):
    """What spells an added token is that token to tokenizers and gigatoken, and text to tiktoken and onto, so it has no place in a
    comparison: it is taken out of texts (of code, mostly) that have it."""
    file = file_of(path)
    added = json.loads(file.read_text())["added_tokens"] if file.suffix == ".json" else []
    names = [entry["content"] for entry in added]
    for text in map(pathlib.Path, files):
        content = raw = text.read_bytes().decode("utf-8", "replace")
        while any(name in content for name in names):
            for name in names:
                content = content.replace(name, "")
        if content != raw:
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            text = pathlib.Path(folder) / text.name
            text.write_bytes(content.encode())
        print(text)


def programs(path):
    file = file_of(path)
    if file.suffix == ".json":
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        yield "tokenizers", lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
        try:
            import gigatoken

            giga = gigatoken.Tokenizer(str(file))
            yield "gigatoken", lambda text: len(giga.encode(text))
        except Exception as error:
            print(f"gigatoken does not run: {error}", file=sys.stderr)
        described = json.loads(file.read_text())
        if described["model"]["type"] == "BPE" and described["pre_tokenizer"] and described["pre_tokenizer"]["type"] == "ByteLevel":
            import tiktoken

            letters = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
            spell = {chr(letter): letter for letter in letters}
            spell |= {chr(256 + at): byte for at, byte in enumerate(byte for byte in range(256) if byte not in letters)}
            ranks = {}
            for token, id in described["model"]["vocab"].items():
                if all(letter in spell for letter in token):
                    ranks[bytes(spell[letter] for letter in token)] = id
            # tiktoken wants the bytes first and the merges in the order of their ids.
            special = {entry["content"]: entry["id"] for entry in described["added_tokens"]}
            for name in special:
                ranks.pop(name.encode(), None)
            pattern = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
            encoding = tiktoken.Encoding(name="measured", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
            yield "tiktoken", lambda text: len(encoding.encode_ordinary(text))
    elif file.suffix == ".model":
        import sentencepiece

        processor = sentencepiece.SentencePieceProcessor(model_file=str(file))
        yield "sentencepiece", lambda text: len(processor.encode(text))


def measure(tokenizer, seconds, files):
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    texts = [(file, pathlib.Path(file).read_bytes().decode("utf-8", "replace")) for file in files]
    for name, encode in programs(tokenizer):
        for file, text in texts:
            parts = documents(text)
            best, tokens, begun = float("inf"), 0, time.perf_counter()
            while time.perf_counter() - begun < seconds or best == float("inf"):
                start = time.perf_counter()
                tokens = sum(map(encode, parts))
                best = min(best, time.perf_counter() - start)
            size = len(text.encode())
            print(json.dumps({"engine": name, "tokenizer": tokenizer, "text": file, "bytes": size, "tokens": tokens,
                              "bytes_per_second": size / best}), flush=True)


def table(results):
    rows = [json.loads(line) for line in open(results)]
    ours = {}
    for row in rows:
        if row.get("engine") == "onto":
            for text in row["texts"]:
                key = (row["tokenizer"], text["text"])
                ours[key] = max(ours.get(key, (0, 0)), (text["bytes_per_second"], text["tokens"]))
    print(f"{'text':45} {'onto MB/s':>10}  peers: MB/s (ours ÷ theirs)")
    for key, (rate, tokens) in ours.items():
        best = {}
        for row in rows:
            if row.get("engine") != "onto" and (row["tokenizer"], row["text"]) == key:
                best[row["engine"]] = max(best.get(row["engine"], (0, 0)), (row["bytes_per_second"], row["tokens"]))
        peers = ", ".join(f"{name} {peer / 1e6:.1f} ({rate / peer:.1f}{'' if count == tokens else ', other tokens'})"
                          for name, (peer, count) in best.items())
        print(f"{pathlib.Path(key[0]).name[-14:]:14} {pathlib.Path(key[1]).name[-30:]:30} {rate / 1e6:>10.1f}  {peers}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"] and len(sys.argv) > 4:
        measure(sys.argv[2], float(sys.argv[3]), sys.argv[4:])
    elif sys.argv[1:2] == ["texts"] and len(sys.argv) > 4:
        texts(sys.argv[2], sys.argv[3], sys.argv[4:])
    elif sys.argv[1:2] == ["table"] and len(sys.argv) == 3:
        table(sys.argv[2])
    else:
        sys.exit(__doc__)
