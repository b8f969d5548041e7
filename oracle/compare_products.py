"""PyTorch's side of compare_products.sh, and the table over both.

    compare_products.py time REPORT     times PyTorch's matrix products (oneDNN or MKL, whichever it takes) at the linear
                                        shapes of a report of `onto bench ops --json`: forward, by input and by weight
    compare_products.py table RESULTS   ours over theirs for every shape and direction, best of all rounds

The weight gradient is timed into a new matrix, ours is added to one that is there, as training needs it.
"""

import json
import re
import sys
import time


def linear_lines(report):
    """(part, rows, inner, outer, FLOP/s) of every linear product of a report."""
    for line in report["operations"]:
        if line["operation"] == "linear":
            rows, inner, outer = (int(number) for number in re.findall(r"\d+", line["shape"]))
            yield line["part"], rows, inner, outer, line["per_second"]


def timed(path):
    import torch

    report = json.load(open(path))
    torch.set_num_threads(report["threads"])
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[report["dtype"]]
    rates = {}
    for part, rows, inner, outer, _ in linear_lines(report):
        x, weight, slope = (torch.randn(*shape).to(dtype) for shape in [(rows, inner), (outer, inner), (rows, outer)])
        work = {
            "forward": lambda: torch.nn.functional.linear(x, weight),
            "backward, input": lambda: slope @ weight,
            "backward, weight": lambda: slope.t() @ x,
        }[part]
        best, start = float("inf"), time.perf_counter()
        while time.perf_counter() - start < 0.5:
            before = time.perf_counter()
            work()
            best = min(best, time.perf_counter() - before)
        rates[f"{rows} x {inner} to {outer}, {part}"] = 2 * rows * inner * outer / best
    print(json.dumps({"engine": "pytorch", "version": torch.__version__, "dtype": report["dtype"], "rates": rates}))


def table(path):
    best = {}
    for line in map(json.loads, open(path)):
        if "rates" in line:
            engine, rates = "pytorch", line["rates"]
        else:
            engine = "onto"
            rates = {f"{rows} x {inner} to {outer}, {part}": rate for part, rows, inner, outer, rate in linear_lines(line)}
        for what, rate in rates.items():
            key = (line["dtype"], what)
            best.setdefault(key, {})
            best[key][engine] = max(rate, best[key].get(engine, 0))
    print(f"{'dtype':<5} {'product':<42} {'ours, GFLOP/s':>14} {'theirs':>8} {'ratio':>6}")
    for (dtype, what), rates in best.items():
        ours, theirs = rates["onto"] / 1e9, rates["pytorch"] / 1e9
        print(f"{dtype:<5} {what:<42} {ours:>14.0f} {theirs:>8.0f} {ours / theirs:>6.2f}")


if __name__ == "__main__":
    {"time": timed, "table": table}[sys.argv[1]](sys.argv[2])
