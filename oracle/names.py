#!/usr/bin/env python3
"""Makes the word lists of crates/corpus/src/personal/names: first.txt, last.txt, common.txt and chinese.txt.

    python oracle/names.py DATA OUT

First names, surnames and Chinese given names: the person providers of the Python package Faker 40.63.0 (MIT licence). DATA
is the folder of real text (lm-tinystories, books-en, lm-small-en, langid, par-multi30k); only counts of single words are
taken from it. A name that text also uses as an ordinary word (written small, or in captions of pictures, where persons have
no names) is marked with `*`. common.txt: words that text writes small, the most frequent of seven languages.
"""
import collections
import glob
import gzip
import importlib
import os
import re
import sys

import faker

data, out = sys.argv[1], sys.argv[2]
LETTERS = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
WORD = re.compile(rf"[{LETTERS}]+(?:['’-][{LETTERS}]+)*")
NAME = re.compile(rf"[A-ZÀ-ÖØ-ÞĀ-ɏ][{LETTERS}'’-]+")


def read(pattern):
    for path in sorted(glob.glob(os.path.join(data, pattern))):
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt", encoding="utf-8", errors="ignore") as file:
            yield file.read()


small, capital = collections.Counter(), collections.Counter()
by_language = collections.defaultdict(collections.Counter)


def count(language, text):
    for match in WORD.finditer(text):
        word = match.group()
        if word.islower():
            small[word] += 1
            by_language[language][word] += 1
        elif word.istitle() and text[max(0, match.start() - 2):match.start()].strip(" \n") not in (".", "!", "?", '"', "“", ""):
            capital[word] += 1


for pattern in ("lm-tinystories/tinystories_2M.txt", "books-en/*.txt", "lm-small-en/w*.txt"):
    for text in read(pattern):
        count("en", text)
for language in ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "cs", "sv"):
    for text in read(f"langid/{language}/*sent*"):
        count(language, text)
captions = collections.Counter()
for language in ("en", "de", "fr"):
    for text in read(f"par-multi30k/train.{language}.gz"):
        for line in text.splitlines():
            words = WORD.findall(line)
            captions.update(words[1:])
            if language != "en":
                by_language[language].update(word.lower() for word in words[1:])

first, last = collections.Counter(), collections.Counter()
root = os.path.join(os.path.dirname(faker.__file__), "providers", "person")
chinese_given = collections.Counter()
for folder in sorted(glob.glob(os.path.join(root, "*_*"))):
    locale = os.path.basename(folder)
    if locale.startswith("__"):
        continue
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    firsts, lasts = set(), set()
    for attribute in dir(provider):
        into = firsts if attribute.startswith("first_name") else lasts if attribute.startswith("last_name") else None
        values = getattr(provider, attribute)
        if into is None or callable(values) or isinstance(values, property):
            continue
        for value in values:
            if isinstance(value, str):
                into.update(value.split())
    if locale == "zh_CN":
        for name in firsts:
            chinese_given.update(set(name))
    for into, names in ((first, firsts), (last, lasts)):
        for name in names:
            if NAME.fullmatch(name) and 3 <= len(name) <= 16 and not name[:2].isupper():
                into[name] += 1


def mark(name):
    low, high = small[name.lower()], capital[name]
    ordinary = (low >= 3 and low * 4 > high) or captions[name] + captions[name.lower()] >= 10
    return name + ("*" if ordinary else "")


os.makedirs(out, exist_ok=True)
head = "# Made by oracle/names.py from Faker 40.63.0 (MIT licence, © Daniele Faraglia and contributors). `*`: also an ordinary word.\n"
for file, names in (("first.txt", first), ("last.txt", last)):
    with open(os.path.join(out, file), "w") as stream:
        stream.write(head + "\n".join(mark(name) for name in sorted(names)) + "\n")
common = set()
for language, amount in (("en", 6000), ("de", 2500), ("fr", 1500), ("es", 600), ("it", 600), ("nl", 600), ("pt", 600)):
    ranked = [w for w, n in sorted(by_language[language].items(), key=lambda p: (-p[1], p[0])) if len(w) > 1 and n > 1]
    common.update(ranked[:amount])
# A name stays out of the ordinary words unless it is marked as one.
plain = {name.lower() for name in list(first) + list(last) if not mark(name).endswith("*")}
with open(os.path.join(out, "common.txt"), "w") as stream:
    stream.write("# Made by oracle/names.py: words that text writes small, the most frequent of seven languages.\n")
    stream.write("\n".join(sorted(common - plain)) + "\n")
with open(os.path.join(out, "chinese.txt"), "w") as stream:
    stream.write("# Made by oracle/names.py: characters of Chinese given names (Faker zh_CN, MIT licence).\n")
    stream.write("".join(sorted(chinese_given)) + "\n")
print(len(first), len(last), len(common), len(chinese_given), file=sys.stderr)
