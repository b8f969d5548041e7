"""Compares token ids, offsets and decoded texts of `onto` with the reference, string by string.

    oracle/setup.sh                                   # once: makes oracle/.venv
    cargo build --release
    oracle/.venv/bin/python oracle/tokenizer_ids.py [--strings N] [--data DIR] [--part I/N] TOKENIZER...

TOKENIZER is a tokenizer.json or its folder (reference: Hugging Face tokenizers), a SentencePiece `.model`
(sentencepiece), tiktoken ranks named after their encoding (tiktoken), or a Mistral `tekken*.json` (mistral_common, where it is
installed). The strings are all lines, four at a time, of the files under `--data` (unpacked where they are gz, zst or zip; what is no text is
left out), or at most `--bytes` of each file, and `--strings` random ones: adversarial, multilingual, mutated lines. `--part 2/5` takes the second fifth of them.
`onto` decodes the ids it gave itself, which counts where they are the reference's. Exit code 1 if anything differs; the first differences are shown.
"""

import argparse
import base64
import gzip
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy

POOL = list("abcdeABC019  \t\n\r.,!?'\"-_()[]{}<>/\\|@#$%^&*=+~`éßİΣς½²①ﬁ小船河。，「」ーカｶﾞ한각\u1161ไทยहिน्दीعربעבר🙂👩\u200d🇨\u0301\u0323\u3099▁Ġ\u00a0\u3000\u2028\u0085\ufeff\ufffd\u0000\x7f\u00ad\U0001d400\U0002a700\U0010fffd")
POOL += [" the", "'s", "'LL", "\n\n", "  ", "    ", "http://", "<s>", "</s>", "<unk>", "[MASK]", "<|endoftext|>", "<|im_start|>", "<0x0A>",
         "aaaaaaaa", "中国", "你好", "in", "tion", "12345", "##", "\r\n", "İ", "ſ", "ﬃ"]
BLOCKS = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xA00), (0xE00, 0xF00), (0x1E00, 0x2100),
          (0x2190, 0x27C0), (0x3000, 0x3100), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xF900, 0xFB50), (0xFF00, 0xFFF0), (0x1F300, 0x1FB00),
          (0x0, 0xD800), (0xE000, 0x110000)]


def random_strings(count, lines):
    draw = random.Random(2026)
    for _ in range(count):
        kind = draw.random()
        if kind < 0.35:
            yield "".join(draw.choices(POOL, k=draw.randint(1, 30)))
        elif kind < 0.6:
            first, last = draw.choice(BLOCKS)
            text = "".join(chr(draw.randrange(first, last)) if draw.random() < 0.85 else " " for _ in range(draw.randint(1, 30)))
            yield text.encode("utf-8", "ignore").decode()
        elif kind < 0.7:
            yield draw.choice(POOL) * draw.randint(1, 200) + draw.choice(POOL)
        elif lines:
            line = list(draw.choice(lines)[:200])
            for _ in range(draw.randint(1, 5)):
                at = draw.randrange(len(line) + 1)
                line[at:at + draw.randint(0, 2)] = draw.choice(POOL)
            yield "".join(line)


def contents(path, limit):
    """The file, or what is packed in it."""
    raw = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return [archive.read(name) for name in sorted(archive.namelist())]
    if path.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError):
            return []
    if path.suffix == ".zst":
        raw = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout
    return [raw]


def data_lines(folder, limit):
    lines, files = [], 0
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if not path.is_file():
            continue
        for raw in contents(path, limit):
            raw = raw[:limit] if limit else raw
            text = raw.decode("utf-8", "ignore")
            # Weights, sounds and the like: zeros, or much that is no UTF-8.
            if text.count("\0") * 100 > len(text) or len(text.encode()) < 0.9 * len(raw):
                continue
            files += 1
            # Runs of lines, so that line breaks are inside texts too.
            rows = text.split("\n")
            for at in range(0, len(rows), 4):
                run = "\n".join(rows[at:at + 4])
                lines += [run[start:start + 4000] for start in range(0, len(run), 4000)]
    print(f"{files} files, {sum(map(len, lines))} characters", file=sys.stderr)
    return [line for line in lines if line]


class HuggingFace:
    def __init__(self, path):
        from tokenizers import Tokenizer
        self.tokenizer = Tokenizer.from_file(str(path))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.tokenizer.encode_special_tokens = True

    def encode(self, texts):
        for found in self.tokenizer.encode_batch(texts, add_special_tokens=False):
            yield found.ids, found.offsets

    def decode(self, batch):
        return self.tokenizer.decode_batch(batch, skip_special_tokens=False)


class SentencePiece:
    def __init__(self, path):
        import sentencepiece
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def encode(self, texts):
        for ids in self.processor.encode(texts):
            yield ids, None

    def decode(self, batch):
        """What is unknown by its name, as `onto` and Hugging Face write it, not by the double question mark."""
        unknown = self.processor.unk_id()
        texts = zip(batch, self.processor.decode(batch))
        return [text.replace(" \u2047 ", self.processor.id_to_piece(unknown)) if unknown in ids else text for ids, text in texts]


class Tiktoken:
    PATTERNS = {}

    def __init__(self, path):
        import tiktoken
        from tiktoken_ext import openai_public
        name = path.stem
        ranks = {}
        for line in path.read_bytes().splitlines():
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
        # The published pattern without its published ranks, which would be downloaded.
        openai_public.load_tiktoken_bpe = lambda *_, **__: ranks
        openai_public.data_gym_to_mergeable_bpe_ranks = lambda *_, **__: ranks
        settings = openai_public.ENCODING_CONSTRUCTORS[name]()
        self.encoding = tiktoken.Encoding(
            name=name, pat_str=settings["pat_str"], mergeable_ranks=ranks, special_tokens=settings["special_tokens"])

    def encode(self, texts):
        for text in texts:
            yield self.encoding.encode_ordinary(text), None

    def decode(self, batch):
        return [self.encoding.decode(ids) for ids in batch]


class Tekken:
    def __init__(self, path):
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer
        self.tokenizer = Tekkenizer.from_file(str(path))

    def encode(self, texts):
        for text in texts:
            yield self.tokenizer.encode(text, bos=False, eos=False), None

    decode = None


def reference(path):
    if path.suffix == ".model":
        return SentencePiece(path)
    if path.suffix == ".tiktoken":
        return Tiktoken(path)
    if path.name.startswith("tekken"):
        return Tekken(path)
    return HuggingFace(path / "tokenizer.json" if path.is_dir() else path)


def in_characters(text, offsets):
    """Places in bytes as places in characters."""
    if text.isascii() or not offsets:
        return numpy.array(offsets)
    begins = (numpy.frombuffer(text.encode(), numpy.uint8) & 0xC0) != 0x80
    place = numpy.append(numpy.cumsum(begins) - 1, len(text))
    return place[numpy.array(offsets)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strings", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=None)
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--no-decode", action="store_true", help="compare ids and offsets only")
    parser.add_argument("--data", default=None)
    parser.add_argument("--onto", default="target/release/onto")
    parser.add_argument("tokenizers", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    lines = data_lines(arguments.data, arguments.bytes) if arguments.data else []
    texts = lines + list(random_strings(arguments.strings, lines))
    part, parts = map(int, arguments.part.split("/"))
    texts = texts[len(texts) * (part - 1) // parts:len(texts) * part // parts]
    failed = False
    for path in arguments.tokenizers:
        theirs, begun = reference(path), time.time()
        differ = {"ids": 0, "offsets": 0, "decoded": 0}
        tokens = 0

        def compare(what, text, expected, found):
            differ[what] += 1
            if differ[what] <= 3:
                print(f"  {what} of {text!r}\n    theirs {expected!r}\n    ours   {found!r}")

        with tempfile.TemporaryFile("w+b") as given, tempfile.TemporaryFile("w+b") as encoded, tempfile.TemporaryFile("w+b") as decoded:
            given.writelines(json.dumps(text).encode() + b"\n" for text in texts)
            given.seek(0)
            call = [arguments.onto, "tokenizer", "encode", "-t", str(path), "--jsonl"]
            subprocess.run(call, stdin=given, stdout=encoded, check=True)
            encoded.seek(0)
            decodes = theirs.decode is not None and not arguments.no_decode
            if decodes:
                given.seek(0)
                given.truncate()
                given.writelines(line[line.index(b"["):line.index(b"]") + 1] + b"\n" for line in encoded)
                given.seek(0)
                encoded.seek(0)
                call = [arguments.onto, "tokenizer", "decode", "-t", str(path), "--jsonl", "--special"]
                subprocess.run(call, stdin=given, stdout=decoded, check=True)
                decoded.seek(0)
            for start in range(0, len(texts), 2000):
                batch = texts[start:start + 2000]
                expected = list(theirs.encode(batch))
                ours = [json.loads(encoded.readline()) for _ in batch]
                for text, (ids, offsets), found in zip(batch, expected, ours):
                    tokens += len(ids)
                    if ids != found["ids"]:
                        compare("ids", text, ids, found["ids"])
                    elif offsets is not None:
                        places = in_characters(text, found["offsets"])
                        if not numpy.array_equal(places, numpy.array(offsets)):
                            compare("offsets", text, offsets, places.tolist())
                if not decodes:
                    continue
                texts_back = theirs.decode([ids for ids, _ in expected])
                for text, (ids, _), found, back in zip(batch, expected, ours, texts_back):
                    line = json.loads(decoded.readline())["text"]
                    if ids == found["ids"] and line != back:
                        compare("decoded", text, back, line)
        failed |= any(differ.values())
        print(json.dumps({"tokenizer": str(path), "reference": type(theirs).__name__, "part": arguments.part, "texts": len(texts),
                          "characters": sum(map(len, texts)), "tokens": tokens, "differ": differ, "seconds": round(time.time() - begun)}), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
