"""Writes crates/tensor/tests/goldens/muon.json: three steps of torch.optim.Muon that crates/tensor/src/optim/muon.rs is
tested against.

PyTorch orthogonalises in bfloat16; here the type it casts to is made float64, so that the rule can be compared to
six digits. Golden made with torch 2.15.0.
"""

import json
import pathlib

import torch

torch.manual_seed(1)
torch.bfloat16 = torch.float64

settings = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.1}
cases = []
for rows, columns in [(6, 6), (4, 9), (9, 4), (1, 5)]:
    weight = torch.nn.Parameter(torch.randn(rows, columns, dtype=torch.float64))
    case = {"rows": rows, "columns": columns, "start": weight.flatten().tolist(), "gradients": [], "weights": []}
    optimizer = torch.optim.Muon([weight], adjust_lr_fn="match_rms_adamw", **settings)
    for _ in range(3):
        weight.grad = torch.randn(rows, columns, dtype=torch.float64)
        case["gradients"].append(weight.grad.flatten().tolist())
        optimizer.step()
        case["weights"].append(weight.flatten().tolist())
    case["momentum"] = optimizer.state[weight]["momentum_buffer"].flatten().tolist()
    cases.append(case)

path = pathlib.Path(__file__).parent.parent / "crates/tensor/tests/goldens/muon.json"
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps({"torch": torch.__version__.split("+")[0], **settings, "cases": cases}))
