"""Writes crates/tensor/tests/goldens/ops.json: the operations of crates/tensor/src/ops forward and backward, by PyTorch.

Rotary positions are turned by transformers' Llama (LlamaRotaryEmbedding and apply_rotary_pos_emb, whose angles are
float32); everything else is torch in float64. Input i is `noise(·, 11 + i)` of crates/tensor/tests/ops/support.rs, and
what is differentiated is Σ noise(·, 99) · output. Long lists are thinned to every `stride`-th value. What is not here has
a golden of its own: losses.json, experts.json and their neighbours. Golden made with torch 2.15.0, transformers 5.23.0.
"""

import torch
import torch.nn.functional as F
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from golden import noise, numbers, versions, write


def rope(x, positions, head_dim, theta):
    config = LlamaConfig(
        hidden_size=x.shape[1],
        num_attention_heads=x.shape[1] // head_dim,
        head_dim=head_dim,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
    )
    heads = x.reshape(1, len(positions), -1, head_dim).transpose(1, 2)
    cos, sin = LlamaRotaryEmbedding(config)(heads, torch.tensor([positions]))
    turned, _ = apply_rotary_pos_emb(heads, heads, cos, sin)
    return turned.transpose(1, 2).reshape(x.shape)


def log_probs(x, weight, targets):
    chosen = (x @ weight.T).log_softmax(-1)[range(len(targets)), [0 if t is None else t for t in targets]]
    return torch.where(torch.tensor([t is not None for t in targets]), chosen, 0.0)[:, None]


def segment_sum(x, segment_of, segments):
    counted = [i for i, s in enumerate(segment_of) if s is not None]
    sums = torch.zeros(segments, 1, dtype=x.dtype)
    return sums.index_add(0, torch.tensor([segment_of[i] for i in counted]), x[counted])


# Every op by the name that its errors use.
ops = {
    "embedding": lambda table, ids: F.embedding(torch.tensor(ids), table),
    "linear": lambda x, weight, bias=None: F.linear(x, weight, bias),
    "rms_norm": lambda x, gain, eps: F.rms_norm(x, gain.shape, gain, eps),
    "layer_norm": lambda x, gain, bias, eps: F.layer_norm(x, gain.shape, gain, bias, eps),
    "rope": rope,
    "swiglu": lambda gate, up: F.silu(gate) * up,
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "geglu": lambda gate, up: F.gelu(gate, approximate="tanh") * up,
    "gelu_erf": F.gelu,
    "relu": F.relu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "scale": lambda x, factor: factor * x,
    "dropout": lambda x, p: F.dropout(x, p, training=True),
    "linear_log_probs": log_probs,
    "gather": lambda x, rows: x[rows],
    "rows": lambda x, first, count: x[first : first + count],
    "segment_sum": segment_sum,
    "sum": lambda x: x.sum().reshape(1, 1),
    "mean": lambda x: x.mean().reshape(1, 1),
}

# Op, shapes of its inputs, size of the first, settings. Sizes that no block divides, and one of several blocks.
inputs = [
    ("embedding", [[5, 3]], 1.0, {"ids": [4, 0, 4, 2, 4]}),
    ("embedding", [[97, 40]], 1.0, {"ids": [i * 31 % 97 for i in range(150)]}),
    ("linear", [[4, 3], [5, 3]], 1.0, {}),
    ("linear", [[4, 3], [5, 3], [5]], 1.0, {}),
    ("linear", [[130, 70], [65, 70], [65]], 1.0, {}),
    ("rms_norm", [[3, 21], [21]], 1.0, {"eps": 1e-5}),
    ("rms_norm", [[90, 70], [70]], 100.0, {"eps": 1e-6}),
    ("layer_norm", [[3, 21], [21], [21]], 1.0, {"eps": 1e-5}),
    ("layer_norm", [[90, 70], [70], [70]], 100.0, {"eps": 1e-6}),
    ("rope", [[5, 24]], 1.0, {"positions": [0, 1, 2, 3, 37], "head_dim": 8, "theta": 10000.0}),
    ("rope", [[4, 32]], 1.0, {"positions": [9, 0, 9, 4], "head_dim": 32, "theta": 500000.0}),
    ("swiglu", [[3, 19], [3, 19]], 8.0, {}),
    ("swiglu", [[150, 120], [150, 120]], 1.0, {}),
    ("gelu", [[3, 19]], 8.0, {}),
    ("gelu", [[150, 120]], 1.0, {}),
    ("geglu", [[3, 19], [3, 19]], 8.0, {}),
    ("gelu_erf", [[3, 19]], 8.0, {}),
    ("gelu_erf", [[150, 120]], 1.0, {}),
    ("relu", [[3, 19]], 1.0, {}),
    ("silu", [[3, 19]], 8.0, {}),
    ("tanh", [[3, 19]], 8.0, {}),
    ("add", [[3, 19], [3, 19]], 1.0, {}),
    ("mul", [[3, 19], [3, 19]], 1.0, {}),
    ("scale", [[3, 19]], 1.0, {"factor": -2.5}),
    # What a mask would leave alone: which elements fall is each program's own.
    ("dropout", [[3, 19]], 1.0, {"p": 0.0}),
    ("linear_log_probs", [[4, 3], [6, 3]], 1.0, {"targets": [5, 0, None, 2]}),
    ("linear_log_probs", [[430, 9], [77, 9]], 4.0, {"targets": [i * 31 % 77 if i % 4 else None for i in range(430)]}),
    ("gather", [[6, 5]], 1.0, {"rows": [5, 0, 5, 5, 2]}),
    ("rows", [[6, 5]], 1.0, {"first": 2, "count": 3}),
    ("segment_sum", [[5, 1]], 1.0, {"segment_of": [2, None, 0, 2, 2], "segments": 4}),
    ("sum", [[150, 120]], 1.0, {}),
    ("mean", [[150, 120]], 1.0, {}),
]

cases = []
for op, shapes, size, settings in inputs:
    tensors = []
    for i, shape in enumerate(shapes):
        count = torch.Size(shape).numel()
        tensors.append((noise(count, 11 + i) * (size if i == 0 else 1.0)).reshape(shape).requires_grad_())
    output = ops[op](*tensors, **settings)
    seed = noise(output.numel(), 99).reshape(output.shape)
    gradients = torch.autograd.grad((output * seed).sum(), tensors)
    stride = lambda tensor: max(1, tensor.numel() // 150) | 1
    cases.append(
        {
            "op": op,
            "shapes": shapes,
            "size": size,
            "settings": settings,
            "output": {"stride": stride(output), "values": numbers(output, stride(output))},
            "gradients": [{"stride": stride(g), "values": numbers(g, stride(g))} for g in gradients],
        }
    )

write("tensor", "ops", {"versions": versions("torch", "transformers"), "cases": cases})
