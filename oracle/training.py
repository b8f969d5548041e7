"""Writes crates/train/tests/goldens/training.json: ten updates of the tiny models, taken by PyTorch.

    cargo run -p nn --example export_tiny -- write oracle/out/tiny
    oracle/.venv/bin/python oracle/training.py oracle/out/tiny

The models are transformers' classes in float64 (rotary angles stay float32), the loop is AdamW with decay on matrices
only, clipping by torch.nn.utils.clip_grad_norm_ and transformers' cosine schedule with warm-up; every update sees the
same rows. What is kept: loss and gradient norm of every update, and of every parameter at the end its norm and a few
values. Golden made with torch 2.15.0 and transformers 5.23.0.
"""

import json
import pathlib
import sys

import torch
from transformers import get_cosine_with_min_lr_schedule_with_warmup

from export import gradient_entry, load, number
from golden import versions, write

STEPS = 10
# Keys as in the training section of a recipe.
SETTINGS = {
    "steps": STEPS,
    "learning_rate": 3e-3,
    "min_learning_rate_ratio": 0.1,
    "warmup_steps": 2,
    "weight_decay": 0.1,
    "beta1": 0.9,
    "beta2": 0.95,
    # Large: a gradient that is nothing but rounding (the keys' bias of GPT-2) must not become a step.
    "epsilon": 1e-6,
    "clip_norm": 1.0,
}


def train(folder):
    case = json.loads((folder / "case.json").read_text())
    model = load(folder).double()
    decayed = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": decayed, "weight_decay": SETTINGS["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
    betas = (SETTINGS["beta1"], SETTINGS["beta2"])
    optimizer = torch.optim.AdamW(groups, lr=SETTINGS["learning_rate"], betas=betas, eps=SETTINGS["epsilon"])
    schedule = get_cosine_with_min_lr_schedule_with_warmup(
        optimizer, SETTINGS["warmup_steps"], STEPS, min_lr_rate=SETTINGS["min_learning_rate_ratio"]
    )
    rows = case["rows"][0]["ids"]
    ids = torch.tensor(rows)
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(ids, labels=ids).loss
        loss.backward()
        losses.append(number(loss.item()))
        norms.append(number(torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip_norm"]).item()))
        optimizer.step()
        schedule.step()
    weights = {name: gradient_entry(p.detach()) for name, p in model.named_parameters()}
    shape = {"config": case["shape"]["decoder"], "seed": case["seed"], "ids": rows}
    return {"name": folder.name, **shape, "losses": losses, "gradient_norms": norms, "weights": weights}


folders = [path.parent for path in sorted(pathlib.Path(sys.argv[1]).glob("*/case.json"))]
# The loop reads rows of one text; the other shapes take their ten steps in export.py.
cases = [train(folder) for folder in folders if "decoder" in json.loads((folder / "case.json").read_text())["shape"]]
write("train", "training", {"versions": versions("torch", "transformers"), "settings": SETTINGS, "cases": cases})
