"""Small valid inputs for the targets under fuzz/, taken out of the golden files; no package is needed.

    python3 oracle/fuzz_seeds.py        # writes fuzz/seeds/TARGET/…
"""

import base64
import json
import pathlib

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
    for at, text in enumerate(["The small boat isn't 12 345 wide.\n\n", "小船過河", "aaaaaaaaaaaa", "\0\u00e9\u0301🙂"]):
        write("encode_decode", str(at), text)


if __name__ == "__main__":
    main()
