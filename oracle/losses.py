"""Writes crates/tensor/tests/goldens/losses.json: cross-entropy over a projection, with its gradients, by PyTorch.

torch.nn.functional.cross_entropy knows label smoothing and the ignored index; the z-loss, weight · log²Z, is written with
torch.logsumexp as PaLM (Chowdhery and others, 2022, section 5) and ST-MoE (Zoph and others, 2022, equation 5) define it.
All in float64. Inputs are the `noise` of crates/tensor/tests/ops/support.rs. Golden made with torch 2.15.0.
"""

import torch
import torch.nn.functional as F

from golden import noise, numbers, versions, write

# rows, inner, vocabulary, label smoothing, z-loss, size of x
inputs = [
    (4, 3, 6, 0.0, 0.0, 1.0),
    (4, 3, 6, 0.1, 0.0, 1.0),
    (5, 4, 33, 0.0, 0.01, 4.0),
    (5, 4, 33, 0.2, 0.01, 4.0),
    (6, 2, 7, 1.0, 0.0, 1.0),
    # A vocabulary of one: nothing to guess, and log²Z is all there is to change.
    (3, 2, 1, 0.1, 0.5, 1.0),
    # More rows than are held at once, a vocabulary that no panel divides.
    (430, 8, 77, 0.1, 1e-4, 4.0),
]

cases = []
for rows, inner, vocabulary, smoothing, z_loss, size in inputs:
    x = (noise(rows * inner, 1).reshape(rows, inner) * size).requires_grad_()
    weight = noise(vocabulary * inner, 2).reshape(vocabulary, inner).requires_grad_()
    # Every fifth row is ignored, every seventh weighs nothing, the others weigh differently.
    targets = torch.tensor([-100 if i % 5 == 4 else i * 31 % vocabulary for i in range(rows)])
    weights = torch.tensor([[1.0, 0.25, 2.0][i % 3] * (i % 7 != 6) for i in range(rows)], dtype=torch.float64)
    logits = x @ weight.T
    part = {"reduction": "none", "ignore_index": -100}
    likelihood = (weights * F.cross_entropy(logits, targets, **part)).sum()
    smoothed = (weights * F.cross_entropy(logits, targets, label_smoothing=smoothing, **part)).sum()
    penalty = (weights * (targets != -100) * z_loss * logits.logsumexp(-1) ** 2).sum()
    (smoothed + penalty).backward()
    stride = 1 if rows < 100 else 17
    cases.append(
        {
            "rows": rows,
            "inner": inner,
            "vocabulary": vocabulary,
            "label_smoothing": smoothing,
            "z_loss": z_loss,
            "size": size,
            "stride": stride,
            "parts": numbers([likelihood, smoothed - likelihood, penalty]),
            "total": numbers([smoothed + penalty]),
            "gradients": [numbers(tensor.grad, stride) for tensor in (x, weight)],
        }
    )

write("tensor", "losses", {"versions": versions("torch"), "cases": cases})
