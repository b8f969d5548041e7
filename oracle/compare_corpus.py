"""The peers' side of compare_corpus.sh: work on the same documents with datatrove (and rensa and datasketch) on one core.

    python oracle/compare_corpus.py dedup  FILE.jsonl     one JSON line a peer
    python oracle/compare_corpus.py tag    FILE.jsonl
    python oracle/compare_corpus.py decide FILE.jsonl
    python oracle/compare_corpus.py build  FILE.wet.gz
    python oracle/compare_corpus.py table  RESULTS.jsonl  the comparison

dedup: datatrove does what it does in production (signatures, buckets, clusters, in one task, files in a temporary folder); its
words come from its default English tokenizer, as in FineWeb. rensa and datasketch make signatures of 128 functions
over sets of words between spaces and put them into their LSH index, which is less work: no normalisation, no runs of words.

tag: datatrove's filters of Gopher (repetition, quality), C4 and FineWeb, each asked about every document: about a third of the columns that
`onto corpus tag` fills, and the filters stop at the first rule that is broken. No language: its models have to be downloaded.

decide: datatrove's JsonlReader, a test of a value in memory, JsonlWriter without packing.

build: FineWeb's pipeline without addresses, language and extraction: WarcReader, the four filters, MinHash in four steps, JsonlWriter.
"""

import importlib.metadata
import json
import os
import sys
import tempfile
import time


def documents(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def datatrove(texts: list[str]) -> int:
    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig()
    with tempfile.TemporaryDirectory() as folder:
        source = (Document(text=text, id=str(number)) for number, text in enumerate(texts))
        MinhashDedupSignature(f"{folder}/signatures", config=config).run(source)
        for bucket in range(config.num_buckets):
            MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config).run(
                rank=bucket, world_size=config.num_buckets
            )
        MinhashDedupCluster(f"{folder}/buckets", f"{folder}/clusters", config=config).run()
    return 0


def rensa(texts: list[str]) -> int:
    import rensa as module

    lsh = module.RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16)
    for number, text in enumerate(texts):
        signature = module.RMinHash(num_perm=128, seed=1)
        signature.update(text.split())
        lsh.query(signature)
        lsh.insert(number, signature)
    return 0


def datasketch(texts: list[str]) -> int:
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(threshold=0.8, num_perm=128)
    for number, text in enumerate(texts):
        signature = MinHash(num_perm=128)
        signature.update_batch([word.encode() for word in text.split()])
        lsh.query(signature)
        lsh.insert(str(number), signature)
    return 0


def filters() -> list:
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

    return [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()]


def datatrove_tag(texts: list[str]) -> int:
    from datatrove.data import Document

    rules = filters()
    for number, text in enumerate(texts):
        for rule in rules:
            # C4's rules change the text.
            rule.filter(Document(text=text, id=str(number)))
    return 0


def run(*steps: object) -> None:
    """The steps of a pipeline, in one task, as its executors run them."""
    from collections import deque

    data = None
    for step in steps:
        data = step.run(data)
    deque(data or [], maxlen=0)


def datatrove_decide(path: str, limit: int) -> None:
    from datatrove.pipeline.filters import LambdaFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    folder, name = os.path.split(os.path.abspath(path))
    with tempfile.TemporaryDirectory() as out:
        run(
            JsonlReader(folder, glob_pattern=name, limit=limit, compression=None),
            LambdaFilter(lambda document: len(document.text) >= 200),
            JsonlWriter(out, compression=None),
        )


def datatrove_build(path: str, limit: int) -> None:
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader, WarcReader
    from datatrove.pipeline.writers import JsonlWriter

    folder, name = os.path.split(os.path.abspath(path))
    config = MinhashConfig()
    with tempfile.TemporaryDirectory() as out:
        run(WarcReader(folder, glob_pattern=name, limit=limit), *filters(), JsonlWriter(f"{out}/filtered", compression=None))
        run(JsonlReader(f"{out}/filtered", compression=None), MinhashDedupSignature(f"{out}/signatures", config=config))
        for bucket in range(config.num_buckets):
            MinhashDedupBuckets(f"{out}/signatures", f"{out}/buckets", config=config).run(rank=bucket, world_size=config.num_buckets)
        MinhashDedupCluster(f"{out}/buckets", f"{out}/remove", config=config).run()
        run(
            JsonlReader(f"{out}/filtered", compression=None),
            MinhashDedupFilter(f"{out}/remove"),
            JsonlWriter(f"{out}/kept", compression=None),
        )


def show(work: str, engine: str, size: int, job, warm_up=None) -> None:
    try:
        if warm_up:
            warm_up()
        started = time.perf_counter()
        job()
        seconds = time.perf_counter() - started
    except Exception as error:  # what failed is named, and the comparison goes on without it
        print(json.dumps({"work": work, "engine": engine, "failed": f"{type(error).__name__}: {error}"}), flush=True)
        return
    version = importlib.metadata.version(engine)
    line = {"work": work, "engine": engine, "version": version, "bytes": size, "bytes_per_second": size / seconds}
    print(json.dumps(line), flush=True)


def measure(work: str, path: str) -> None:
    """Slow peers get a tenth of the documents, the first ones: all of this is linear in the text."""
    if work == "build":
        from warcio.archiveiterator import ArchiveIterator

        with open(path, "rb") as file:
            sizes = [len(record.content_stream().read()) for record in ArchiveIterator(file) if record.rec_type == "conversion"]
        limit = max(1, len(sizes) // 10)
        show(work, "datatrove", sum(sizes[:limit]), lambda: datatrove_build(path, limit), lambda: datatrove_build(path, 5))
        return
    texts = documents(path)
    limit = max(1, len(texts) // 10)
    share = texts[:limit]
    size = sum(len(text.encode()) for text in share)
    if work == "tag":
        show(work, "datatrove", size, lambda: datatrove_tag(share), lambda: datatrove_tag(share[:5]))
    elif work == "decide":
        with open(path, "rb") as file:
            stored = sum(len(file.readline()) for _ in share)
        show(work, "datatrove", stored, lambda: datatrove_decide(path, limit), lambda: datatrove_decide(path, 5))
    else:
        show(work, "datatrove", size, lambda: datatrove(share), lambda: datatrove(share[:20]))
        show(work, "datasketch", size, lambda: datasketch(share), lambda: datasketch(share[:20]))
        whole = sum(len(text.encode()) for text in texts)
        show(work, "rensa", whole, lambda: rensa(texts), lambda: rensa(texts[:20]))


def table(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    best: dict[tuple[str, str], float] = {}
    for line in lines:
        if "bytes_per_second" in line:
            name = line["engine"] + (f" {line['preset']}" if "preset" in line else "")
            key = (line["work"], name)
            best[key] = max(best.get(key, 0.0), line["bytes_per_second"])
        else:
            print(f"{line['work']}, {line['engine']}: {line['failed']}")
    for (work, name), rate in best.items():
        peers = {peer: other for (of, peer), other in best.items() if of == work and not peer.startswith("onto")}
        versus = "  ".join(f"{rate / other:8.1f}x {peer}" for peer, other in peers.items())
        print(f"{work:7} {name:24} {rate / 1e6:9.2f} MB/s   {versus if name.startswith('onto') else ''}")


if sys.argv[1:2] == ["table"]:
    table(sys.argv[2])
elif sys.argv[1:2] and sys.argv[1] in ("dedup", "tag", "decide", "build"):
    measure(sys.argv[1], sys.argv[2])
else:
    sys.exit(__doc__)
