"""Prints the learning-rate factors that crates/train/src/schedule.rs is tested against.

The schedule functions of transformers are pure Python but live in a module that imports PyTorch; they are taken out of
its source, so that this needs `pip install --no-deps transformers` only. Golden made with transformers 5.23.0.
"""

import ast
import importlib.metadata
import importlib.util
import math
import pathlib
from typing import Optional

source = pathlib.Path(importlib.util.find_spec("transformers").origin).parent / "optimization.py"
names = {"math": math, "Optional": Optional}
for node in ast.parse(source.read_text()).body:
    if isinstance(node, ast.FunctionDef) and node.name.startswith("_get") and "lambda" in node.name:
        exec(compile(ast.Module([node], []), str(source), "exec"), names)


def show(title, function, **settings):
    print(title, [names[function](step, **settings) for step in range(11)])


print("transformers", importlib.metadata.version("transformers"))
warmup = {"num_warmup_steps": 2, "num_training_steps": 10}
cosine = "_get_cosine_schedule_with_warmup_lr_lambda"
for minimum in (0.0, 0.1):
    show(f"cosine, minimum {minimum}", cosine, **warmup, num_cycles=0.5, min_lr_rate=minimum)
show("linear", "_get_linear_schedule_with_warmup_lr_lambda", **warmup)
for decay in ("linear", "1-sqrt"):
    for minimum in (0.0, 0.1):
        show(
            f"wsd {decay}, minimum {minimum}",
            "_get_wsd_scheduler_lambda",
            num_warmup_steps=2,
            num_stable_steps=4,
            num_decay_steps=4,
            warmup_type="linear",
            decay_type=decay,
            min_lr_ratio=minimum,
            num_cycles=0.5,
        )
inverse = "_get_inverse_sqrt_schedule_lr_lambda"
# get_inverse_sqrt_schedule takes the warm-up for the time scale, and 10 000 where there is none.
show("inverse square root", inverse, num_warmup_steps=2, timescale=2)
show("inverse square root, no warm-up", inverse, num_warmup_steps=0, timescale=10_000)
