"""Writes crates/tensor/tests/goldens/attention.json: attention under every mask, with ALiBi, capped scores and a scale of
its own, forward and backward.

Plain cases are torch.nn.functional.scaled_dot_product_attention (grouped queries by enable_gqa) over a boolean or additive
mask that is written out here; capped scores are transformers' Gemma 2 (eager_attention_forward), whose softmax is float32.
ALiBi's slopes are those of transformers' Bloom (build_alibi_tensor). All else in float64. Inputs q, k, v are `noise` 11, 12
and 13 of crates/tensor/tests/ops/support.rs, q times two; what is differentiated is Σ noise(·, 99) · output. Golden made
with torch 2.15.0 and transformers 5.23.0.
"""

from types import SimpleNamespace

import torch
import torch.nn.functional as F
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.gemma2.modeling_gemma2 import eager_attention_forward

from golden import noise, numbers, versions, write


def seen(mask, batch, time):
    """Which keys a query sees: (batch, time, key time)."""
    kind = mask["kind"]
    query, key = torch.arange(time)[:, None], torch.arange(mask.get("key_time", time))[None]
    if kind == "cross":
        return torch.stack([(key < n).expand(time, -1) for n in mask["seen"]])
    causal = key <= query
    if kind == "window":
        causal = causal & (key > query - mask["window"])
    if kind == "prefix":
        return torch.stack([causal | (key < n) & (query < n) for n in mask["lengths"]])
    if kind in ("causal", "window"):
        return causal.expand(batch, time, time)
    if kind == "full":
        return torch.ones(batch, time, time, dtype=torch.bool)
    documents = torch.tensor(mask["document_of"]).reshape(batch, time)
    same = documents[:, :, None] == documents[:, None]
    return same if kind == "packed_full" else same & causal


def attend(q, k, v, allowed, scale, alibi, cap):
    heads = q.shape[1]
    bias = torch.zeros(allowed.shape, dtype=q.dtype).masked_fill(~allowed, float("-inf"))[:, None]
    if alibi:
        # Bloom's tensor is slope · position of the key, which differs from slope · distance by a constant of the row.
        keys = torch.ones(1, k.shape[2])
        bias = bias + build_alibi_tensor(keys, heads, torch.float32).reshape(1, heads, 1, -1).to(q.dtype)
    if cap is None:
        return F.scaled_dot_product_attention(q, k, v, bias, scale=scale, enable_gqa=True)
    module = SimpleNamespace(num_key_value_groups=heads // k.shape[1], head_dim=q.shape[-1], training=False)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    return eager_attention_forward(module, q, k, v, bias, scaling=scale, softcap=cap)[0].transpose(1, 2)


plain = {"scale": None, "alibi": False, "soft_cap": None}
packed = [1, 1, 2, 2, 2, 7, 7, 7, 7, 7, 8, 9, 9, 9]
# Name, mask, what else the rule says, batch, time, heads, heads of keys, columns a head
inputs = [
    ("causal", {"kind": "causal"}, {}, 2, 7, 4, 4, 6),
    ("causal", {"kind": "causal"}, {}, 2, 7, 4, 2, 6),
    # Longer than a block of queries or keys.
    ("causal", {"kind": "causal"}, {}, 1, 150, 2, 1, 8),
    ("full", {"kind": "full"}, {}, 2, 7, 4, 1, 6),
    ("sliding window", {"kind": "window", "window": 3}, {}, 2, 7, 4, 2, 6),
    ("sliding window", {"kind": "window", "window": 40}, {}, 1, 150, 2, 1, 8),
    ("prefix", {"kind": "prefix", "lengths": [3, 0]}, {}, 2, 7, 4, 2, 6),
    ("packed", {"kind": "packed", "document_of": packed}, {}, 2, 7, 4, 2, 6),
    ("packed, full", {"kind": "packed_full", "document_of": packed}, {}, 2, 7, 4, 2, 6),
    ("cross", {"kind": "cross", "key_time": 5, "seen": [5, 3]}, {}, 2, 7, 4, 2, 6),
    ("ALiBi", {"kind": "causal"}, {"alibi": True}, 2, 7, 4, 2, 6),
    ("ALiBi", {"kind": "causal"}, {"alibi": True}, 2, 7, 6, 6, 4),
    ("capped scores", {"kind": "causal"}, {"soft_cap": 1.5}, 2, 7, 4, 2, 6),
    ("a scale of its own", {"kind": "causal"}, {"scale": 0.3}, 2, 7, 4, 2, 6),
]

cases = []
for name, mask, rule, batch, time, heads, kv_heads, head_dim in inputs:
    rule = {**plain, **rule}
    key_time = mask.get("key_time", time)
    shapes = [(batch * time, heads), (batch * key_time, kv_heads), (batch * key_time, kv_heads)]
    tensors = []
    for i, (rows, h) in enumerate(shapes):
        values = noise(rows * h * head_dim, 11 + i) * (2.0 if i == 0 else 1.0)
        tensors.append(values.reshape(rows, h * head_dim).requires_grad_())
    split = [t.reshape(batch, -1, h, head_dim).transpose(1, 2) for t, (_, h) in zip(tensors, shapes)]
    out = attend(*split, seen(mask, batch, time), rule["scale"], rule["alibi"], rule["soft_cap"])
    out = out.transpose(1, 2).reshape(batch * time, heads * head_dim)
    seed = noise(out.numel(), 99).reshape(out.shape)
    gradients = torch.autograd.grad((out * seed).sum(), tensors)
    stride = 3 if time < 100 else 17
    cases.append(
        {
            "name": name,
            "mask": mask,
            **rule,
            "batch": batch,
            "time": time,
            "heads": heads,
            "kv_heads": kv_heads,
            "head_dim": head_dim,
            "stride": stride,
            "output": numbers(out, stride),
            "gradients": [numbers(g, stride) for g in gradients],
        }
    )

write("tensor", "attention", {"versions": versions("torch", "transformers"), "cases": cases})
