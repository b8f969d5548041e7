"""What the scripts that write goldens share: the tests' reproducible inputs, short numbers, where the files go."""

import importlib.metadata
import json
import pathlib

import torch

MASK = (1 << 64) - 1


def noise(count, seed):
    """The `noise` of crates/tensor/tests/ops/support.rs, in float64 (every value is an f32)."""
    state = seed * 0x9E3779B97F4A7C15 & MASK | 1
    values = []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        values.append((state >> 40) / (1 << 23) - 1.0)
    return torch.tensor(values, dtype=torch.float64)


def numbers(values, stride=1):
    """Every `stride`-th value, to ten digits."""
    flat = values.detach().flatten().tolist() if isinstance(values, torch.Tensor) else [float(x.detach()) for x in values]
    return [float(f"{value:.10g}") for value in flat[::stride]]


def versions(*packages):
    return {package: importlib.metadata.version(package).split("+")[0] for package in packages}


def write(crate, name, content):
    """Writes a golden beside the tests of `crate`."""
    path = pathlib.Path(__file__).parent.parent / f"crates/{crate}/tests/goldens/{name}.json"
    path.write_text(json.dumps(content) + "\n")
    print(path)
