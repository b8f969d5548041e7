"""Compares signals and decisions with the programs they are named after: datatrove 0.10.1 (Gopher, C4, FineWeb; spaCy's tokenizer) and
dolma 1.2.1 (tagger gopher_v1). Every document of the inputs, and fuzzed ones made of them, must get the same numbers, the same verdict and
the same first reason.

    python oracle/signals.py --tag "cargo run -q --release -p corpus --example tag --" FILE.jsonl... [--fuzz 3000] [--goldens OUT.jsonl]

Needs: pip install datatrove==0.10.1 spacy==3.8.18 nltk regex; the wheel of dolma 1.2.1 is read, not installed (pip download --no-deps).
`--goldens` writes texts made here (none is taken from the inputs) with the peers' answers, for crates/corpus/tests/it/goldens.
"""
import argparse, json, math, os, random, re, shlex, subprocess, sys, tempfile, types, zipfile

from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.utils.text import split_into_words


def dolma_attributes(wheel):
    """The tagger's function out of the wheel: its package pulls in object stores and models that are not needed here."""
    source = zipfile.ZipFile(wheel).read("dolma/taggers/gopher.py").decode()
    source = re.sub(r"^from \.\.core.*$", "", source, flags=re.M)
    module = types.ModuleType("gopher")
    sys.modules["gopher"] = module
    for name in ("DocResult", "Document", "BaseTagger"):
        module.__dict__[name] = type(name, (), {})
    module.__dict__["Span"] = lambda start, end, type, score=1.0: (type, score)
    registry = type("R", (), {"add": staticmethod(lambda name: lambda cls: cls)})
    module.__dict__["TaggerRegistry"] = registry
    exec(compile(source, "gopher.py", "exec"), module.__dict__)
    return module.get_attributes


DOLMA_RULES = [
    ("word_count", "<", 50, "word_count"), ("word_count", ">", 100000, "word_count_max"),
    ("median_word_length", "<", 3, "median_word_length"), ("median_word_length", ">", 10, "median_word_length_max"),
    ("symbol_to_word_ratio", ">", 0.1, None), ("fraction_of_words_with_alpha_character", "<", 0.8, None),
    ("required_word_count", "<", 2, None), ("fraction_of_lines_starting_with_bullet_point", ">", 0.9, None),
    ("fraction_of_lines_ending_with_ellipsis", ">", 0.3, None), ("fraction_of_duplicate_lines", ">", 0.3, None),
    ("fraction_of_characters_in_duplicate_lines", ">", 0.3, None),
] + [(f"fraction_of_characters_in_most_common_{n}grams", ">", t, f"fraction_of_characters_in_most_common_{n}gram") for n, t in ((2, 0.2), (3, 0.18), (4, 0.16))] \
  + [(f"fraction_of_characters_in_duplicate_{n}grams", ">", t, None) for n, t in zip(range(5, 11), (0.15, 0.14, 0.13, 0.12, 0.11, 0.10))]
DOLMA_COLUMNS = {
    "dolma_words": "word_count", "dolma_word_length": "median_word_length", "dolma_symbols": "symbol_to_word_ratio",
    "dolma_alpha_words": "fraction_of_words_with_alpha_character", "dolma_stop_words": "required_word_count",
    "dolma_bullet_lines": "fraction_of_lines_starting_with_bullet_point", "dolma_ellipsis_lines": "fraction_of_lines_ending_with_ellipsis",
    "dolma_dup_lines": "fraction_of_duplicate_lines", "dolma_dup_line_chars": "fraction_of_characters_in_duplicate_lines",
    **{f"dolma_top_{n}gram": f"fraction_of_characters_in_most_common_{n}grams" for n in (2, 3, 4)},
    **{f"dolma_dup_{n}gram": f"fraction_of_characters_in_duplicate_{n}grams" for n in range(5, 11)},
}


def run(filters, text):
    """Reason of the first filter that drops the text (None: kept), and the text it leaves. A division by zero is a fault of the peer."""
    document = Document(text=text, id="x")
    for each in filters:
        try:
            result = each.filter(document)
        except ZeroDivisionError:
            return "division by zero", document.text
        except AssertionError:
            return "assertion", document.text
        if result is not True:
            return (result[1] if isinstance(result, tuple) else "dropped"), document.text
    return None, document.text


def fuzz(rng, texts, count):
    """Texts made of lines, words and marks of others, with what the rules look for."""
    marks = ["#", "...", "…", "•", "-", "*", "{", "}", "[1]", "[edit]", "[citation needed]", "javascript", "Lorem ipsum", "terms of use", "don't",
             "can't've", "e.g.", "U.S.", ":-)", "(x_x)", "www.example.com/a?b=c", "10km.", "$5", "5$", "+1", "a.b.c", "“Hello”", "—", "中文句子。", "「引用」", "é", "it's", "I'm",
             "3.14", "1,000", "a/b", "x=y", "foo--bar", "C++", "C'mon", "rock'n'roll", "US$5", "10pm", "’s", "Mr.", "12:30", "@user", "#tag", "\u200b", "😀", "x😀y", "°C.",
             "20°C.", "a" * 1001, "....", ". . .", "!", "?", '"', "'", "http://10.0.0.1/x", "http://8.8.8.8:80", "me@x.com", "cookie policy", "...)", "(a)", "[b]:", "d.)"]
    breaks = ["\n", "\n\n", "\n\n\n", " ", "  ", "\t", "\r\n", "\u2028", "\x0b", "\xa0", "\u3000"]
    weights = [12, 5, 1, 40, 2, 1, 1, 0.3, 0.2, 0.5, 0.2]
    out = []
    for _ in range(count):
        pieces = []
        few = [rng.choice(rng.choice(texts).split("\n")) for _ in range(rng.randint(1, 6))]
        for _ in range(rng.choice((1, 3, 10, 40, 120))):
            kind = rng.random()
            line = rng.choice(few) if kind < 0.5 else rng.choice(rng.choice(texts).split("\n"))
            words = line.split(" ")
            if kind < 0.3:
                piece = line
            elif kind < 0.75:
                at = rng.randrange(len(words))
                piece = " ".join(words[at:at + rng.randint(1, 14)])
            else:
                piece = "".join(rng.choice(marks) for _ in range(rng.choice((1, 1, 1, 2, 3))))
                if rng.random() < 0.5:
                    piece = rng.choice(words) + piece
            pieces += [piece, rng.choices(breaks, weights)[0]]
        out.append("".join(pieces))
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tag", required=True)
    parser.add_argument("--wheel", default="dolma-1.2.1-cp311-cp311-manylinux_2_28_x86_64.whl")
    parser.add_argument("--fuzz", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--goldens")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    texts = []
    for path in options.files:
        opener = open(path, "rb").read()
        if path.endswith(".zst"):
            opener = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout
        for line in opener.decode().splitlines() if path.endswith((".jsonl", ".jsonl.zst")) else [json.dumps({"text": opener.decode()})]:
            record = json.loads(line)
            texts.append(record.get("text") or record.get("content") or "")
    rng = random.Random(options.seed)
    base = texts or OWN
    if options.goldens:
        texts = OWN + fuzz(rng, OWN, options.fuzz)
    else:
        texts = texts + ["", " ", "\n", "###", "... ... …", "\n\n\n", "x" * 5000, "今" * 3000] + fuzz(rng, base, options.fuzz)
    texts = [text for text in texts if "IS_ALPHA" not in text]
    attributes = dolma_attributes(options.wheel)
    peers = {
        "gopher": lambda: [GopherRepetitionFilter(), GopherQualityFilter()],
        "c4": lambda: [C4QualityFilter()],
        "fineweb": lambda: [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()],
    }
    for filters in peers.values():
        filters()
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as file:
        for index, text in enumerate(texts):
            file.write(json.dumps({"id": str(index), "text": text}) + "\n")
    ours = {}
    for policy in [*peers, "dolma"]:
        flags = ["--tokens"] if policy == "gopher" else []
        out = subprocess.run(shlex.split(options.tag) + [file.name, policy, "--raw", *flags], capture_output=True, text=True, check=True).stdout
        ours[policy] = [json.loads(line) for line in out.split("\n") if line]
        assert len(ours[policy]) == len(texts), (policy, len(ours[policy]), len(texts))
    os.unlink(file.name)
    wrong, golden = {}, []
    def differs(kind, index, mine, theirs):
        wrong.setdefault(kind, []).append((index, mine, theirs))
    ignored = {"language", "document_removed_with_badwords", "domain", "hard_blacklisted", "soft_blacklisted", "blacklisted_subword", "personal_data"}
    reasons_seen = {}
    for index, text in enumerate(texts):
        words = split_into_words(text) if text else []
        if ours["gopher"][index]["tokens"] != words:
            mine = ours["gopher"][index]["tokens"]
            at = next((i for i, (a, b) in enumerate(zip(mine, words)) if a != b), min(len(mine), len(words)))
            differs("tokens", index, mine[at:at + 4], words[at:at + 4])
        answer = {"text": text, "tokens": words}
        for policy, make in peers.items():
            reason, left = run(make(), text)
            mine = [r for r in ours[policy][index]["reasons"] if r not in ignored]
            answer[policy] = reason
            if reason in ("division by zero", "assertion"):
                answer[policy] = reason
                continue
            reasons_seen[(policy, reason)] = reasons_seen.get((policy, reason), 0) + 1
            if (mine[0] if mine else None) != reason:
                differs(f"{policy} reason", index, mine, reason)
            elif policy == "c4" and reason is None and ours["c4"][index]["text"] != left:
                differs("c4 text", index, ours["c4"][index]["text"][:300], left[:300])
        found = {}
        for kind, value in [(s[0], s[1]) for s in attributes(text).as_spans()]:
            found[kind] = value
        signals = ours["dolma"][index]["signals"]
        for column, name in DOLMA_COLUMNS.items():
            theirs = found.get(name, 0.0)
            if not math.isclose(signals[column], theirs, rel_tol=1e-9, abs_tol=1e-12):
                differs(column, index, signals[column], theirs)
        reasons = [short or name for name, sign, limit, short in DOLMA_RULES if name in found and (found[name] < limit if sign == "<" else found[name] > limit)]
        mine = [r for r in ours["dolma"][index]["reasons"] if r not in ignored]
        answer["dolma"] = reasons
        answer["dolma_columns"] = {column: found.get(name, 0.0) for column, name in DOLMA_COLUMNS.items()}
        # The mixer leaves documents alone that the tagger said nothing about; here nothing is too few words.
        if text and mine != reasons:
            differs("dolma reasons", index, mine, reasons)
        golden.append(answer)
    print(f"{len(texts)} documents; verdicts of the peers:")
    for (policy, reason), count in sorted(reasons_seen.items(), key=str):
        print(f"  {policy:8} {reason}: {count}")
    for kind, cases in wrong.items():
        print(f"DIFFERENT {kind}: {len(cases)}")
        for index, mine, theirs in cases[:6]:
            print("   ", index, repr(mine)[:200], "|", repr(theirs)[:200], "|", repr(texts[index])[:120])
    if options.goldens:
        with open(options.goldens, "w") as file:
            for answer in golden:
                # Short ones are enough, and the file stays small.
                if len(answer["text"]) > 1500:
                    continue
                file.write(json.dumps(answer, ensure_ascii=False) + "\n")
    sys.exit(bool(wrong))


# Sentences of our own, for goldens.
OWN = [
    "The harbour was quiet when the boats came back. Nobody had counted them, and nobody would have believed the number.\nShe wrote to her brother that the winter had been mild.",
    "We don't know whether it's going to rain; the radio said so, but the radio isn't always right (it wasn't yesterday).\nMr. Ferro, who lives at No. 12, thinks that they'll stay until 5pm.",
    "Menu\nHome\nAbout us\nContact\n3 likes\n1,024 views\nRead more...\nSign-in to comment\n© the authors",
    "* one\n* two\n- three\n• four\n● five\n- one\n* one\n- one",
    "To be or not to be, that is the question of the play and of those who have to live with it...\nAnd then…\nAnd then…\nAnd then...",
    "雨停了。街上的人多了起来，小店也开了门。“你来了！”她笑着说。\n第二天，他们一起去了山里，看见了雪。",
    "for (int i = 0; i < n; i++) { sum += a[i]; }\nif x == y: return {\"key\": 1}\nvisit http://example.org/path?q=1&r=2 or write to ann@example.org.",
    "The price rose from $5 to US$7.50 (about 6.80€), i.e. 50%, in the U.S. and by 3kg per 10km/h at 20°C. That's odd!\nSee [1] and [23][edit] for the tables.[citation needed]",
    "one two three four five six seven eight nine ten one two three four five six seven eight nine ten one two three four five six seven eight nine ten",
    "THE LAST TRAIN\nLEAVES AT TEN\n123 456 789\nThe last train leaves at ten, and with it goes the only way to be home by morning.",
]

main()
