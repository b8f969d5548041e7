"""What `onto corpus plan` predicts beside what `onto corpus dedup` then takes: temporary disk, memory and time, on generated corpora.

    python3 oracle/plan.py ONTO [SIZE_MIB [MEMORY [PRESET...]]]     256 MiB, 256MiB, presets default and fineweb when not said
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from dedup_memory import generate


def watched(command, folder):
    """Runs a command; its seconds, peak resident bytes and the most bytes that lay under `folder` meanwhile."""
    most = 0
    ended = threading.Event()
    def look():
        nonlocal most
        while not ended.wait(0.05):
            size = 0
            for place, _, files in os.walk(folder):
                for name in files:
                    try:
                        size += os.stat(os.path.join(place, name)).st_size
                    except FileNotFoundError:
                        pass
            most = max(most, size)
    thread = threading.Thread(target=look)
    thread.start()
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    ended.set()
    thread.join()
    assert status == 0, said
    return seconds, usage.ru_maxrss * 1024, most


def main():
    onto = os.path.abspath(sys.argv[1])
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    memory = sys.argv[3] if len(sys.argv) > 3 else "256MiB"
    presets = sys.argv[4:] or ["default", "fineweb"]
    with tempfile.TemporaryDirectory(dir=os.environ.get("PLAN_FOLDER")) as place:
        place = pathlib.Path(place)
        documents = generate(place / "in.jsonl", size << 20)
        print(f"{documents} documents, {size} MiB, --memory {memory}; predicted / measured")
        for preset in presets:
            scratch = place / f"scratch-{preset}"
            scratch.mkdir()
            flags = ["--preset", preset, "--memory", memory]
            plan = json.loads(subprocess.run([onto, "--quiet", "corpus", "plan", str(place / "in.jsonl"), "--json", *flags],
                                             check=True, capture_output=True, text=True).stdout)
            command = [onto, "--quiet", "corpus", "dedup", str(place / "in.jsonl"), "--scratch", str(scratch), "--out", str(place / preset), *flags]
            seconds, memory_used, disk = watched(command, scratch)
            output = (place / preset / "documents.jsonl").stat().st_size
            row = lambda name, key, measured, scale, unit: print(
                f"  {preset:10} {name:16} {plan[key] / scale:10.1f} / {measured / scale:10.1f} {unit}  {plan[key] / measured:5.2f}")
            row("documents", "documents", documents, 1, "")
            row("temporary disk", "scratch_bytes", max(disk, 1), 1 << 20, "MiB")
            row("memory", "memory_bytes", memory_used, 1 << 20, "MiB")
            row("result (at most)", "output_bytes", output, 1 << 20, "MiB")
            row("time", "seconds", seconds, 1, "s")


if __name__ == "__main__":
    main()
