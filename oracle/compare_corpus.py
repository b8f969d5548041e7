"""The peers' side of compare_corpus.sh: finds duplicates in a JSONL file with datatrove, rensa and datasketch on one core.

    python oracle/compare_corpus.py dedup FILE.jsonl     one JSON line a peer
    python oracle/compare_corpus.py table RESULTS.jsonl  the comparison

datatrove does what it does in production (signatures, buckets, clusters, in one task, files in a temporary folder); its
words come from its default English tokenizer, as in FineWeb. rensa and datasketch make signatures of 128 functions
over sets of words between spaces and put them into their LSH index, which is less work: no normalisation, no runs of words.
"""

import importlib.metadata
import json
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


def measure(path: str) -> None:
    texts = documents(path)
    size = sum(len(text.encode()) for text in texts)
    for name, work in (("datatrove", datatrove), ("rensa", rensa), ("datasketch", datasketch)):
        # The slow ones get less to do; all of this is linear in the text.
        share = texts if name == "rensa" else texts[: max(1, len(texts) // 10)]
        share_size = sum(len(text.encode()) for text in share)
        try:
            work(share[:20])
            started = time.perf_counter()
            work(share)
            seconds = time.perf_counter() - started
        except Exception as error:  # what failed is named, and the comparison goes on without it
            print(json.dumps({"engine": name, "failed": f"{type(error).__name__}: {error}"}))
            continue
        version = importlib.metadata.version(name)
        line = {"engine": name, "version": version, "text_bytes": share_size, "bytes_per_second": share_size / seconds}
        print(json.dumps(line))
    print(f"{len(texts)} documents, {size} bytes", file=sys.stderr)


def table(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    best: dict[str, float] = {}
    for line in lines:
        if "bytes_per_second" in line:
            name = line["engine"] + (f" {line['preset']}" if "preset" in line else "")
            best[name] = max(best.get(name, 0.0), line["bytes_per_second"])
        else:
            print(f"{line['engine']}: {line['failed']}")
    for name, rate in best.items():
        versus = "  ".join(f"{rate / other:8.1f}x {peer}" for peer, other in best.items() if not peer.startswith("onto"))
        print(f"{name:24} {rate / 1e6:9.2f} MB/s   {versus if name.startswith('onto') else ''}")


if sys.argv[1:2] == ["dedup"]:
    measure(sys.argv[2])
elif sys.argv[1:2] == ["table"]:
    table(sys.argv[2])
else:
    sys.exit(__doc__)
