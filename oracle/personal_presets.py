#!/usr/bin/env python3
"""Makes crates/corpus/tests/data/personal_presets.json: what datatrove 0.10.1 and dolma 1.2.1 make of texts.

    python oracle/personal_presets.py DOLMA_SOURCE OUT      DOLMA_SOURCE: the unpacked wheel of dolma 1.2.1

Needs: pip install datatrove==0.10.1. Of dolma only taggers/pii.py and core/utils.py's paragraphs are used, read from the wheel.
"""
import importlib.metadata
import json
import re
import sys
import types

from datatrove.pipeline.formatters.pii import PIIFormatter

source, out = sys.argv[1], sys.argv[2]
code = open(f"{source}/dolma/taggers/pii.py", encoding="utf-8").read()
fast = code[code.index("class FastPiiRegex"):code.index('@TaggerRegistry.add("pii_regex_with_counts_v2")')]


class Span:
    def __init__(self, start, end, type, score=0.0):
        self.start, self.end, self.type, self.score = start, end, type, score

    def __len__(self):
        return self.end - self.start


class TextSlice:
    def __init__(self, doc, start, end):
        self.start, self.end, self.text = start, end, doc[start:end]


def split_paragraphs(text):
    slices = [TextSlice(text, m.start(), m.end()) for m in re.finditer(r"([^\n]*\n|[^\n]+$)", text)]
    return [s for s in slices if s.text.strip()]


names = {"re": re, "BaseTagger": object, "TextSlice": TextSlice, "List": list, "Span": Span, "Document": None, "DocResult": lambda doc, spans: spans,
         "split_paragraphs": split_paragraphs, "warn": print}
exec(fast, names)
tagger = names["FastPiiRegex"]()

TEXTS = [
    "Write to ann.lee+news@mail.example.co.uk. Or to bob@example.org, please\n",
    "a@b.c d@e.fr and x@y@z.com, (me@host.net) end",
    "mail ann@example.com\nand carol@example.net \nlast@example.org",
    "Call (212) 555-0147 or 646.555.0123 x12, or 646 555 0123.\n not1234567890 but 1234567890",
    "Server 192.168.10.4 answered; 8.8.8.8:53 too; 1.2.3.4.5 and 256.1.1.1 and 01.02.03.04 and 100.64.0.1, 198.51.100.7, 192.0.0.9, 224.0.0.1",
    "Hosts 93.184.216.34, 93.184.216.35 93.184.216.36 93.184.216.37 93.184.216.38 93.184.216.39 93.184.216.40",
    "isbn 978-3-16-148410-0 tel 555 123 4567, # 123 456 7890",
    "user@[8.8.8.8] and user@[1.2.3.4]: mixed o'neil@example.com; \"quoted\"@example.com",
    "邮箱：zhang_wei@example.cn，电话 010 123 4567 谢谢 ",
    "ünïcode@exämple.com plain",
    "é 138 123 4567\u00a0212 555 0147\u2003212 555 0148 ٢١٢ ٥٥٥ ٠١٤٧",
    "no data here at all, only 10 numbers",
    "@ @@ a@ @b . ( @c.d ) (@e.f ",
    "tail@example.com.",
    "many   (212)555-0147(213) 555 0148",
]
datatrove = PIIFormatter()
records = []
for text in TEXTS:
    spans = [[len(text[:s.start].encode()), len(text[:s.end].encode()), s.type] for s in tagger.predict(types.SimpleNamespace(text=text)) if not s.type.startswith("doc")]
    records.append({"text": text, "datatrove": datatrove.format(text), "dolma": sorted(spans)})
json.dump({"versions": {"datatrove": importlib.metadata.version("datatrove"), "dolma": "1.2.1"}, "records": records}, open(out, "w"), ensure_ascii=False, indent=1)
