"""Training vocabularies beside the reference programs: speed and memory, and how short texts become.

    compare_training.py measure PEER MODEL SIZE VOCAB TEXT...   one JSON line: seconds and peak memory of PEER (tokenizers or
                                                                sentencepiece) on SIZE bytes of the texts, again and again
    compare_training.py table RESULTS                           lines of `onto bench tokenizer --train` and of the above as a table
    compare_training.py quality ONTO VOCAB DIR TEXT...          trains Unigram and WordPiece with both sides on nine tenths of the
                                                                texts and counts the tokens of the last tenth; folders under DIR

Texts are cut into documents of about 64 KiB that end with a line, as `onto bench tokenizer` does.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import time

DOCUMENT = 1 << 16
QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
        r"\s+(?!\S)|\s+")
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SENTENCE = ["<unk>", "<s>", "</s>"]


def documents(file):
    """The documents of a file, one after another, so that the text is never in memory as a whole."""
    with open(file, "rb") as source:
        rest = b""
        while True:
            raw = rest + source.read(DOCUMENT - len(rest))
            end = raw.rfind(b"\n") + 1 if len(raw) == DOCUMENT else len(raw)
            if not raw:
                return
            end = end or len(raw)
            yield raw[:end].decode("utf-8", "replace")
            rest = raw[end:]


def endless(files, size):
    given = 0
    while given < size:
        for file in files:
            for text in documents(file):
                if given >= size:
                    return
                given += len(text.encode())
                yield text


def hugging_face(model, vocab):
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    if model == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(QWEN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        trainer = trainers.BpeTrainer(vocab_size=vocab, min_frequency=2, show_progress=False,
                                      special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    elif model == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=vocab, min_frequency=2, show_progress=False, special_tokens=BERT)
    elif model == "unigram":
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=vocab, show_progress=False, special_tokens=SENTENCE,
                                          unk_token="<unk>")
    else:
        sys.exit(f"{model}: bpe, wordpiece or unigram is expected")
    return tokenizer, trainer


def sentencepiece(model, vocab, lines, prefix):
    import sentencepiece as spm

    spm.SentencePieceTrainer.train(
        sentence_iterator=lines, model_prefix=prefix, vocab_size=vocab, model_type=model, minloglevel=2,
        character_coverage=0.9995, num_threads=os.cpu_count(), max_sentence_length=1 << 20, hard_vocab_limit=False)


def lines_of(texts):
    for text in texts:
        for line in text.split("\n"):
            if line.strip():
                yield line


def measure(peer, model, size, vocab, files):
    start = time.perf_counter()
    if peer == "tokenizers":
        tokenizer, trainer = hugging_face(model, vocab)
        tokenizer.train_from_iterator(endless(files, size), trainer)
        count = tokenizer.get_vocab_size()
    else:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            sentencepiece(model, vocab, lines_of(endless(files, size)), f"{folder}/m")
            count = sum(1 for _ in open(f"{folder}/m.vocab", encoding="utf-8"))
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"engine": peer, "train": model, "bytes": size, "vocabulary_size": count, "seconds": seconds,
                      "bytes_per_second": size / seconds, "peak_rss_bytes": memory}), flush=True)


def table(results):
    rows = [json.loads(line) for line in open(results)]
    print(f"{'model':10} {'engine':14} {'MB':>7} {'tokens':>7} {'s':>8} {'MB/s':>7} {'peak MB':>8}  onto is")
    ours = {row["train"]: row for row in rows if row["engine"] == "onto"}
    for row in rows:
        own = ours.get(row["train"])
        ratio = ""
        if own and row is not own:
            ratio = (f"{own['bytes_per_second'] / row['bytes_per_second']:.1f} times as fast, at "
                     f"{own['peak_rss_bytes'] / row['peak_rss_bytes']:.2f} of its memory")
        print(f"{row['train']:10} {row['engine']:14} {row['bytes'] / 1e6:7.1f} {row['vocabulary_size']:7} {row['seconds']:8.2f} "
              f"{row['bytes_per_second'] / 1e6:7.1f} {row['peak_rss_bytes'] / 1e6:8.0f}  {ratio}")


def quality(onto, vocab, folder, files):
    """Lines are dealt out so that every tenth is held out; both sides get the same lines."""
    from tokenizers import Tokenizer

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        text = pathlib.Path(file).read_bytes().decode("utf-8", "replace")
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        train = [line for at, line in enumerate(lines) if at % 10]
        held = [line for at, line in enumerate(lines) if at % 10 == 0]
        size = sum(len(line.encode()) for line in held)
        name = pathlib.Path(file).stem
        source = folder / f"{name}.txt"
        source.write_text("\n".join(train) + "\n", encoding="utf-8")
        row = {"text": name, "vocabulary_size": vocab, "held_out_bytes": size}
        count = lambda tokenizer: sum(len(found.ids) for found in tokenizer.encode_batch(held, add_special_tokens=False))
        unknown = lambda tokenizer, token: sum(
            found.ids.count(tokenizer.token_to_id(token)) for found in tokenizer.encode_batch(held, add_special_tokens=False))
        for model in ("unigram", "wordpiece"):
            out = folder / f"{name}-{model}"
            subprocess.run([onto, "tokenizer", "train", str(source), "--model", model, "--vocab-size", str(vocab), "--out",
                            str(out), "--quiet"], check=True, stdout=subprocess.DEVNULL)
            ours = Tokenizer.from_file(str(out / "tokenizer.json"))
            row[f"{model} onto"] = count(ours)
            row[f"{model} onto unknown"] = unknown(ours, "<unk>" if model == "unigram" else "[UNK]")
            row[f"{model} onto size"] = ours.get_vocab_size()
            theirs, trainer = hugging_face(model, vocab)
            theirs.train_from_iterator(train, trainer)
            row[f"{model} tokenizers"] = count(theirs)
            row[f"{model} tokenizers unknown"] = unknown(theirs, "<unk>" if model == "unigram" else "[UNK]")
            row[f"{model} tokenizers size"] = theirs.get_vocab_size()
        sentencepiece("unigram", vocab, iter(train), str(folder / name))
        import sentencepiece as spm

        processor = spm.SentencePieceProcessor(model_file=str(folder / f"{name}.model"))
        row["unigram sentencepiece"] = sum(map(len, processor.encode(held)))
        row["unigram sentencepiece unknown"] = sum(ids.count(processor.unk_id()) for ids in processor.encode(held))
        row["unigram sentencepiece size"] = processor.get_piece_size()
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"] and len(sys.argv) > 6:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6:])
    elif sys.argv[1:2] == ["table"] and len(sys.argv) == 3:
        table(sys.argv[2])
    elif sys.argv[1:2] == ["quality"] and len(sys.argv) > 5:
        quality(sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5:])
    else:
        sys.exit(__doc__)
