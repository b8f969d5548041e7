"""Peak memory of `onto corpus dedup` on a generated corpus larger than its budget.

    python3 oracle/dedup_memory.py ONTO SIZE_MIB BUDGET_MIB [FOLDER]

Writes SIZE_MIB of JSONL (words of a Zipf-like vocabulary, every tenth document a copy of one of the last thousand with
a few words changed) into FOLDER, runs deduplication with the budget, and prints the size, the peak resident memory the
system counted for the process, its time, and what was found. Ends with 1 when the peak is above the budget.
"""

import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time


def generate(path: pathlib.Path, size: int) -> int:
    rng = random.Random(1)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(50_000)]
    # Drawn once, read from random places: fast enough for gigabytes.
    stream = [vocabulary[min(int(rng.paretovariate(0.6)), 49_999)] for _ in range(2_000_000)]
    recent: list[list[str]] = []
    documents = written = 0
    with path.open("w") as file:
        while written < size:
            if recent and documents % 10 == 9:
                words = list(rng.choice(recent))
                for _ in range(rng.randint(0, 4)):
                    words[rng.randrange(len(words))] = rng.choice(vocabulary)
            else:
                words = []
                for _ in range(rng.randint(4, 40)):
                    start = rng.randrange(len(stream) - 20)
                    words += stream[start : start + rng.randint(5, 20)]
                recent = [*recent[-999:], words]
            line = json.dumps({"id": f"d{documents}", "text": " ".join(words)}) + "\n"
            file.write(line)
            documents += 1
            written += len(line)
    return documents


def main() -> None:
    onto, size, budget = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    folder = pathlib.Path(sys.argv[4] if len(sys.argv) > 4 else tempfile.mkdtemp())
    path = folder / f"generated-{size}.jsonl"
    if not path.exists():
        generate(path, size << 20)
    started = time.monotonic()
    command = [onto, "corpus", "dedup", str(path), "--memory", f"{budget}MiB", "--json", "--scratch", str(folder)]
    with (folder / "report.json").open("w") as report:
        subprocess.run(command, check=True, stdout=report)
    seconds = time.monotonic() - started
    # KiB on Linux.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    found = json.loads((folder / "report.json").read_text())
    print(
        json.dumps(
            {
                "input_mib": os.path.getsize(path) >> 20,
                "budget_mib": budget,
                "peak_rss_mib": round(peak, 1),
                "seconds": round(seconds, 1),
                **{key: found[key] for key in ("documents", "kept", "dropped", "dropped_same_text", "largest_cluster")},
                "clusters": len(found["clusters"]),
            }
        )
    )
    sys.exit(peak > budget)


if __name__ == "__main__":
    main()
