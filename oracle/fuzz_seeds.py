"""Small valid inputs for the targets under fuzz/, taken out of the golden files; no package is needed.

    python3 oracle/fuzz_seeds.py        # writes fuzz/seeds/TARGET/…
"""

import base64
import json
import pathlib
import struct

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


if __name__ == "__main__":
    main()
