"""Runs transformers on model folders written by us and records what it computes.

Goldens of the tiny models (committed under crates/nn/tests/goldens):

    cargo run -p nn --example export_tiny -- oracle/out/tiny
    oracle/.venv/bin/python oracle/export.py oracle/out/tiny crates/nn/tests/goldens

Logits of one folder for given ids, as JSON on stdout:

    oracle/.venv/bin/python oracle/export.py runs/quickstart/models/base --ids 0,5,7
"""

import argparse
import json
import platform
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM


def load(folder):
    """The model in f32, with the loading report checked: nothing missing, nothing left over."""
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[key]:
            sys.exit(f"{folder}: {key}: {sorted(report[key])}")
    return model.eval()


def versions():
    return {
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
    }


def number(value):
    """A float with nine significant digits: enough to give back the same f32."""
    return float(f"{value:.9g}")


def gradient_entry(gradient, samples=8):
    """The norm of a gradient and a few of its values, by flat index."""
    flat = gradient.reshape(-1)
    step = max(1, flat.numel() // samples)
    # A step that shares no factor with the row length visits all columns.
    indices = [(i * (step | 1)) % flat.numel() for i in range(min(samples, flat.numel()))]
    return {
        "norm": number(flat.norm().item()),
        "indices": indices,
        "values": [number(flat[i].item()) for i in indices],
    }


def golden(folder):
    """Config, seed and ids of a tiny model; its logits, next-token loss and the gradient of every parameter."""
    case = json.loads((folder / "case.json").read_text())
    model = load(folder)
    ids = torch.tensor(case["ids"])
    output = model(ids, labels=ids)
    output.loss.backward()
    return {
        "versions": versions(),
        "class": type(model).__name__,
        **case,
        "logits": [number(x) for x in output.logits.detach().reshape(-1).tolist()],
        "loss": number(output.loss.item()),
        "gradients": {name: gradient_entry(p.grad) for name, p in model.named_parameters()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a model folder, or a folder of them with case.json in each")
    parser.add_argument("out", type=Path, nargs="?", help="where the goldens go")
    parser.add_argument("--ids", help="token ids, separated by commas: print logits instead")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    if arguments.ids:
        ids = torch.tensor([[int(i) for i in arguments.ids.split(",")]])
        with torch.no_grad():
            logits = load(arguments.folder)(ids).logits[0]
        json.dump({"versions": versions(), "ids": ids[0].tolist(), "logits": logits.tolist()}, sys.stdout)
        return
    if arguments.out is None:
        parser.error("give a folder for the goldens or --ids")
    cases = sorted(path.parent for path in arguments.folder.glob("*/case.json"))
    if not cases:
        parser.error(f"no case.json under {arguments.folder}")
    for folder in cases:
        target = arguments.out / f"{folder.name}.json"
        target.write_text(json.dumps(golden(folder)) + "\n")
        print(target, file=sys.stderr)


if __name__ == "__main__":
    main()
