"""What `onto tokenizer convert` writes, read by the programs the formats belong to, and ids compared.

    oracle/setup.sh                      # once: makes oracle/.venv; then .venv/bin/pip install gguf==0.19.0
    cargo build --release
    oracle/.venv/bin/python oracle/tokenizer_convert.py [--onto FILE] TOKENIZER...

Every TOKENIZER is written in every format that can hold it. SentencePiece reads `.model`, tiktoken the ranks with what
stands beside them, Hugging Face `tokenizers` reads tokenizer.json, `transformers` vocab.txt and vocab.json with merges.txt, the
`gguf` package the keys of GGUF, which are compared with the tokenizer's own tokens; and `onto` reads all of them back. The
ids must be those `onto` gives with the original. Exit code 1 if any differs.
"""

import argparse
import base64
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizer_ids import random_strings

FORMATS = ["tokenizer.json", "sentencepiece", "tiktoken", "vocab.txt", "gpt2", "gguf"]


def ours(onto, path, texts):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run([onto, "tokenizer", "encode", "-t", path, "--jsonl"], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def sentencepiece(folder):
    import sentencepiece
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    return processor.encode


def tiktoken(folder):
    import tiktoken
    ranks = {base64.b64decode(token): int(rank) for token, rank in
             (line.split() for line in (folder / "tokenizer.tiktoken").read_bytes().splitlines())}
    settings = json.loads((folder / "tiktoken.json").read_text())
    encoding = tiktoken.Encoding("written", mergeable_ranks=ranks, **settings)
    return encoding.encode_ordinary


def hugging_face(folder):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def transformers(folder):
    from transformers import AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.encode_special_tokens = True
    return lambda text: tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids


def gguf_tokens(folder):
    from gguf import GGUFReader
    return GGUFReader(folder / "vocabulary.gguf").get_field("tokenizer.ggml.tokens").contents()


READERS = {"tokenizer.json": hugging_face, "sentencepiece": sentencepiece, "tiktoken": tiktoken, "vocab.txt": transformers, "gpt2": transformers}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strings", type=int, default=3000)
    parser.add_argument("--onto", default="target/release/onto")
    parser.add_argument("tokenizers", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    texts = list(random_strings(arguments.strings, ["The small boat isn't wide, 12 345!", "小船在河上。", "  x = f(y)\n"]))
    random.Random(1).shuffle(texts)
    failed = False
    for path in arguments.tokenizers:
        wanted = ours(arguments.onto, path, texts)
        for name in FORMATS:
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder) / "written"
                call = [arguments.onto, "tokenizer", "convert", "-t", path, "--to", name, "--out", folder]
                done = subprocess.run(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                if done.returncode != 0:
                    print(json.dumps({"tokenizer": str(path), "format": name, "refused": done.stderr.decode().strip().splitlines()[0]}), flush=True)
                    continue
                line = {"tokenizer": str(path), "format": name, "texts": len(texts)}
                again = ours(arguments.onto, folder, texts)
                line["read_back_differs"] = sum(a["ids"] != b["ids"] for a, b in zip(wanted, again))
                if name in READERS:
                    encode = READERS[name](folder)
                    found = [list(encode(text)) for text in texts]
                    line["reader"] = READERS[name].__name__
                    different = [(text, a["ids"], b) for text, a, b in zip(texts, wanted, found) if a["ids"] != b]
                    line["reader_differs"] = len(different)
                    if different:
                        print("  ", *map(repr, different[0]))
                if name == "gguf":
                    line["gguf_tokens"] = len(gguf_tokens(folder))
                failed |= bool(line["read_back_differs"] or line.get("reader_differs"))
                print(json.dumps(line), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
