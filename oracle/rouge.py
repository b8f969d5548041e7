"""Golden ROUGE-L scores for crates/corpus, made by the rouge_score package.

    oracle/.venv/bin/pip install rouge_score==0.1.2 && oracle/.venv/bin/python oracle/rouge.py

writes crates/corpus/tests/data/rouge_golden.json. Han characters, which the package's own tokenizer drops, are given to it
as words.
"""

import json
import pathlib
import random
import re

from rouge_score import rouge_scorer, tokenizers

GOLDEN = pathlib.Path(__file__).parent.parent / "crates/corpus/tests/data/rouge_golden.json"


class Characters(tokenizers.Tokenizer):
    """The words of the package, and every Han character."""

    def tokenize(self, text):
        return re.findall(r"[a-z0-9]+|[\u4e00-\u9fff]", text.lower())


PAIRS = [
    ("Write a short poem about boats.", "Write a long poem about the boats and lanterns"),
    ("", "something"),
    ("...", "!!!"),
    ("The cat's hat, isn't 3.14 or 1,000?", "the Cat s HAT 3 14"),
    ("İstanbul KELVIN K naïve façade", "istanbul kelvin k naive facade"),
    ("数一数灯笼有多少个。", "请数一数河边的灯笼"),
    ("Translate 灯笼 into English", "把灯笼 translate 成 English"),
    ("a b c d e f g", "g f e d c b a"),
    ("under_score foo-bar\tbaz\nqux", "under score foo bar baz qux"),
]


def main():
    draw = random.Random(5)
    words = "count boats and lanterns by the river at night 3 10 河 灯 船 夜".split()
    pairs = PAIRS + [
        (" ".join(draw.choices(words, k=draw.randint(1, 150))), " ".join(draw.choices(words, k=draw.randint(1, 150))))
        for _ in range(40)
    ]
    plain = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    characters = rouge_scorer.RougeScorer(["rougeL"], tokenizer=Characters())
    cases = []
    for reference, text in pairs:
        scorer = characters if re.search(r"[\u4e00-\u9fff]", reference + text) else plain
        found = scorer.score(reference, text)["rougeL"]
        cases.append(
            {
                "reference": reference,
                "text": text,
                "precision": found.precision,
                "recall": found.recall,
                "f_measure": found.fmeasure,
            }
        )
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    out = {"made_by": "oracle/rouge.py", "versions": {"rouge_score": "0.1.2"}, "cases": cases}
    GOLDEN.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(GOLDEN, len(cases), "cases")


if __name__ == "__main__":
    main()
