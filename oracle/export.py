"""Runs transformers on model folders written by us and records what it computes.

Goldens of the tiny models (committed under crates/nn/tests/goldens):

    cargo run -p nn --example export_tiny -- write oracle/out/tiny
    oracle/.venv/bin/python oracle/export.py oracle/out/tiny crates/nn/tests/goldens

and the way back: what transformers has saved of them, beside each folder, is read by us and compared bit by bit:

    cargo run -p nn --example export_tiny -- read oracle/out/tiny

Logits of one folder of a decoder for given ids, as JSON on stdout:

    oracle/.venv/bin/python oracle/export.py runs/quickstart/models/base --ids 0,5,7
"""

import argparse
import json
import platform
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

STEPS = 10
# Epsilon is large: a gradient that is nothing but rounding (that of the keys' biases) must not become a step.
ADAMW = {"lr": 1e-3, "betas": [0.9, 0.95], "eps": 1e-6}
WEIGHT_DECAY = 0.1
CLIP_NORM = 1.0


def load(folder):
    """The model in f32, with the loading report checked: nothing missing, nothing left over."""
    config = json.loads((folder / "config.json").read_text())
    name = config["architectures"][0]
    # The faster implementation of experts knows no float64.
    experts = {"experts_implementation": "eager"} if "num_local_experts" in config else {}
    model, report = getattr(transformers, name).from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, **experts
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
    """The norm of a gradient, or a weight, and a few of its values, by flat index."""
    flat = gradient.reshape(-1)
    step = max(1, flat.numel() // samples)
    # A step that shares no factor with the row length visits all columns.
    indices = [(i * (step | 1)) % flat.numel() for i in range(min(samples, flat.numel()))]
    return {
        "norm": number(flat.norm().item()),
        "indices": indices,
        "values": [number(flat[i].item()) for i in indices],
    }


def padded(rows, value):
    """Rows of any lengths as a matrix."""
    longest = max(len(row) for row in rows)
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows])


def seen(rows):
    """1 where there is text, 0 where there is padding."""
    return padded([[1] * len(row) for row in rows], 0)


def inputs(case, rows):
    """The arguments of the model: ids, what masks their padding, and labels."""
    labels = {"labels": padded(rows["labels"], -100)}
    (kind, shape), = case["shape"].items()
    if kind == "decoder":
        return {"input_ids": torch.tensor(rows["ids"]), **labels}
    if kind == "encoder":
        pad = shape["pad_token_id"]
        mask, types = seen(rows["ids"]), padded(rows["token_types"], 0)
        return {"input_ids": padded(rows["ids"], pad), "attention_mask": mask, "token_type_ids": types, **labels}
    source = {"input_ids": padded(rows["source"], shape["pad_token_id"]), "attention_mask": seen(rows["source"])}
    return {**source, "decoder_input_ids": torch.tensor(rows["ids"]), **labels}


def forward(model, case, rows):
    """The model's output and the loss it is trained by: that of transformers, for a mixture of experts with its router's
    losses. The z-loss is ours to add (ST-MoE, Zoph et al. 2022, equation 5)."""
    experts = next(iter(case["shape"].values())).get("experts")
    if not experts:
        output = model(**inputs(case, rows))
        return output, output.loss
    output = model(**inputs(case, rows), output_router_logits=True)
    z = torch.logsumexp(torch.cat(output.router_logits), dim=-1).pow(2).mean()
    return output, output.loss + experts["z_loss"] * z


def stored(named):
    """The tensors of a model under the names of its files: transformers holds the experts of a layer as one tensor each for
    gate and up, and for down."""
    for name, tensor in named:
        name = name.replace(".mlp.gate.weight", ".block_sparse_moe.gate.weight")
        if not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            yield name, tensor
            continue
        layer = name.rsplit(".mlp.experts.", 1)[0]
        for index, expert in enumerate(tensor):
            part = lambda number: f"{layer}.block_sparse_moe.experts.{index}.w{number}.weight"
            if name.endswith("down_proj"):
                yield part(2), expert
            else:
                gate, up = expert.chunk(2)
                yield from [(part(1), gate), (part(3), up)]


def steps(model, case):
    """Losses of ten AdamW steps over the rows in turn, and samples of every weight afterwards."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, **ADAMW)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        _, loss = forward(model, case, case["rows"][step % len(case["rows"])])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimizer.step()
        losses.append(number(loss.item()))
    return {**ADAMW, "weight_decay": WEIGHT_DECAY, "clip_norm": CLIP_NORM, "losses": losses, "weights": {name: gradient_entry(p) for name, p in stored((n, p.detach()) for n, p in model.named_parameters())}}


def golden(folder):
    """A tiny model's case; its logits, loss and the gradient of every parameter for the first rows; ten steps; and what
    transformers calls config and tensors when it saves the model."""
    case = json.loads((folder / "case.json").read_text())
    model = load(folder)
    saved = folder / "saved"
    model.save_pretrained(saved)
    # From here on in float64, so that the golden's own rounding is none.
    model = model.double()
    output, loss = forward(model, case, case["rows"][0])
    loss.backward()
    result = {
        "versions": versions(),
        "class": type(model).__name__,
        **case,
        "logits": [number(x) for x in output.logits.detach().reshape(-1).tolist()],
        "loss": number(loss.item()),
        "gradients": {name: gradient_entry(p) for name, p in stored((n, p.grad) for n, p in model.named_parameters())},
        "saved": {
            "config": json.loads((saved / "config.json").read_text()),
            "tensors": {name: list(x.shape) for name, x in sorted(load_file(saved / "model.safetensors").items())},
        },
    }
    result["steps"] = steps(model, case)
    return result


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
