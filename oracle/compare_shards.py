#!/usr/bin/env python3
"""The peers' side of compare_shards.sh: TEXT.jsonl TOKENIZER_FOLDER SHARDS."""
import csv
import gzip
import json
import sys

import numpy as np
from tokenizers import Tokenizer

text, folder, out = sys.argv[1:4]
tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
narrow = tokenizer.get_vocab_size() <= 65536
with open(text, encoding="utf-8") as file:
    texts = [json.loads(line)["text"] for line in file]
expected = sorted(tokenizer.encode(t, add_special_tokens=False).ids for t in texts)

from megatron.core.datasets.indexed_dataset import IndexedDataset

dataset = IndexedDataset(f"{out}/megatron/train", mmap=True)
megatron = [dataset[i].tolist() for i in range(len(dataset))]

from datatrove.utils.dataset import DatatroveFileDataset

ends = np.fromfile(f"{out}/ds/train.ds.index", dtype="<u8")
width = 2 if narrow else 4
stream = np.fromfile(f"{out}/ds/train.ds", dtype="<u2" if narrow else "<u4")
ds = [part.tolist() for part in np.split(stream, ends[:-1].astype(int))]
windows = DatatroveFileDataset(f"{out}/ds/train.ds", seq_len=63, token_size=width, return_positions=True)
for index in range(len(windows)):
    window = windows[index]
    assert window["input_ids"].tolist() == stream[index * 64:(index + 1) * 64].tolist(), index
    positions = []
    for place in range(index * 64, (index + 1) * 64):
        starts = [0] + [int(end) for end in ends if end <= place]
        positions.append(place - max(max(starts), index * 64))
    assert window["positions"].tolist() == positions, (index, window["positions"].tolist(), positions)

memmap = np.memmap(f"{out}/npy/train.npy", dtype="<u2" if narrow else "<u4", mode="r")
with gzip.open(f"{out}/npy/train.csv.gz", "rt", newline="") as file:
    rows = list(csv.reader(file))
npy = [memmap[int(start):int(end)].tolist() for start, end, *_ in rows]

end = {document[-1] for document in megatron}
assert len(end) == 1, end
for name, documents in (("megatron-core", megatron), ("datatrove", ds), ("numpy", npy)):
    assert documents == megatron, name
    assert sorted(document[:-1] for document in documents) == expected, name
    print(f"{name}: {len(documents)} documents, {sum(map(len, documents))} tokens, all as expected")
