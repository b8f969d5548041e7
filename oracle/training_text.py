"""Writes a text to measure the training of vocabularies on, as long as is wanted, whose words do not run out.

    training_text.py MB DIR OUT

The text of all files under DIR (unpacked, at most 4 MB of each), then the same again and again. From the second time on one word of
thirty is a new one, put together from the beginning of one word and the end of another (of Chinese, from two stretches): text that is
merely repeated has no new words, which would make counting and learning easier than a corpus of that size is. The words drawn depend
on nothing but the files.
"""

import pathlib
import random
import re
import sys

from tokenizer_ids import data_lines

SHARE = 1 / 30
LIMIT = 4_000_000


def main(megabytes, folder, out):
    size = int(megabytes) * 1_000_000
    lines = [line + "\n" for line in data_lines(folder, LIMIT)]
    draw = random.Random(2026)
    draw.shuffle(lines)
    word = re.compile(r"[^\W\d_]{3,}")
    known = [found for line in lines[::20] for found in word.findall(line)]

    def new_word(_):
        first, second = draw.choice(known), draw.choice(known)
        return first[: draw.randint(1, len(first))] + second[draw.randint(0, len(second) - 1) :]

    written = 0
    with pathlib.Path(out).open("wb") as file:
        is_first = True
        while written < size:
            for line in lines:
                if not is_first:
                    count = len(line) / 6 * SHARE
                    places = sorted({draw.randrange(len(line)) for _ in range(int(count + draw.random()))})
                    for at in reversed(places):
                        found = word.search(line, at)
                        if found:
                            line = line[: found.start()] + new_word(found) + line[found.end() :]
                raw = line.encode()
                file.write(raw)
                written += len(raw)
                if written >= size:
                    break
            is_first = False
    print(f"{written} bytes", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
