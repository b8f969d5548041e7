"""Writes crates/tensor/tests/goldens/attention.json: attention under every kind of mask, bias, cap and scale, with its
gradients, and the numbers these are made of.

Masks are those of transformers.masking_utils, put together; biases those of transformers' T5 and BLOOM; attention is
torch's scaled_dot_product_attention, and where scores are capped, the eager attention of transformers' Gemma 2 (whose
softmax is float32). All else in float64. Where queries look ahead, BLOOM says nothing, and ALiBi is -slope * |distance|.
Inputs are `operands` of crates/tensor/tests/ops/attention_cases.rs. Lists are thinned to every `stride`-th value. Golden
made with torch 2.15.0, transformers 5.23.0.
"""

import types

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import masking_utils
from transformers.models.bloom.modeling_bloom import _get_alibi_slopes, build_alibi_tensor
from transformers.models.gemma2.modeling_gemma2 import eager_attention_forward
from transformers.models.t5.modeling_t5 import T5Attention

from golden import noise, numbers, versions, write

BATCH, BUCKETS = 2, 8
causal, both = masking_utils.causal_mask_function, masking_utils.bidirectional_mask_function


def runs(lengths):
    """Numbers of documents, by their lengths, for the whole batch."""
    return [number for number, length in enumerate(lengths) for _ in range(length)]


def prefix(lengths):
    return lambda b, h, q, k: k < torch.tensor(lengths)[b]


def packed(document_of, time):
    return masking_utils.packed_sequence_mask_function(torch.tensor(document_of).reshape(BATCH, time))


def seen_by(mask, time):
    """The function that transformers would mask with."""
    kind = mask["kind"]
    if kind == "causal":
        return causal
    if kind == "full":
        return both
    if kind == "sliding_window":
        return masking_utils.sliding_window_causal_mask_function(mask["window"])
    if kind == "prefixes":
        return masking_utils.or_masks(causal, prefix(mask["lengths"]))
    if kind == "packed":
        return masking_utils.and_masks(packed(mask["document_of"], time), causal)
    if kind == "packed_full":
        return packed(mask["document_of"], time)
    if kind == "packed_window":
        window = masking_utils.sliding_window_causal_mask_function(mask["window"])
        return masking_utils.and_masks(packed(mask["document_of"], time), window)
    if kind == "cross":
        padding = torch.arange(mask["key_time"]) < torch.tensor(mask["seen"])[:, None]
        return masking_utils.padding_mask_function(padding)
    raise ValueError(kind)


def see(mask, time):
    """Whether a query sees a key, (batch, 1, time, key_time)."""
    key_time = mask.get("key_time", time)
    b, q, k = torch.meshgrid(torch.arange(BATCH), torch.arange(time), torch.arange(key_time), indexing="ij")
    seen = torch.as_tensor(seen_by(mask, time)(b, None, q, k)).expand(BATCH, time, key_time)
    return seen[:, None]


def bias_of(kind, table, time, key_time, looks_ahead):
    heads = table.shape[1]
    if kind is None:
        return torch.zeros(())
    if kind == "alibi" and not looks_ahead:
        ones = torch.ones(BATCH, key_time, dtype=torch.long)
        return build_alibi_tensor(ones, heads, torch.float64).reshape(BATCH, heads, 1, key_time)
    if kind == "alibi":
        distance = (torch.arange(time)[:, None] - torch.arange(key_time)).abs()
        return -_get_alibi_slopes(heads, "cpu").double()[:, None, None] * distance
    layer = types.SimpleNamespace(
        _relative_position_bucket=T5Attention._relative_position_bucket,
        is_decoder=kind == "t5_one_way",
        relative_attention_num_buckets=BUCKETS,
        relative_attention_max_distance=9 if kind == "t5_one_way" else 20,
        relative_attention_bias=lambda buckets: F.embedding(buckets, table),
    )
    return T5Attention.compute_bias(layer, time, key_time, device="cpu")


def attention(q, k, v, seen, bias, cap, scale):
    mask = torch.zeros(seen.shape, dtype=torch.float64).masked_fill(~seen, -torch.inf) + bias
    mask = mask.expand(BATCH, q.shape[1], q.shape[2], k.shape[2])
    if cap is None:
        with sdpa_kernel(SDPBackend.MATH):
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale, enable_gqa=True)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    module = types.SimpleNamespace(num_key_value_groups=q.shape[1] // k.shape[1], training=False)
    return eager_attention_forward(module, q, k, v, mask, scaling=scale, softcap=cap)[0].transpose(1, 2)


def case(mask, time, head_dim, n_heads, n_kv_heads, bias, cap, scale):
    key_time = mask.get("key_time", time)
    wide, narrow = n_heads * head_dim, n_kv_heads * head_dim
    # The tests multiply q in float32.
    q = (noise(BATCH * time * wide, 1) * 3).float().double().reshape(BATCH * time, wide)
    k, v = (noise(BATCH * key_time * narrow, seed).reshape(BATCH * key_time, narrow) for seed in (2, 3))
    table = noise(BUCKETS * n_heads, 4).reshape(BUCKETS, n_heads)
    operands = [tensor.requires_grad_() for tensor in (q, k, v, table)]
    heads = lambda x: x.reshape(BATCH, -1, x.shape[1] // head_dim, head_dim).transpose(1, 2)
    looks_ahead = mask["kind"] not in ("causal", "sliding_window", "packed", "packed_window")
    added = bias_of(bias, table, time, key_time, looks_ahead)
    out = attention(heads(q), heads(k), heads(v), see(mask, time), added, cap, scale).transpose(1, 2).reshape(q.shape)
    seed = noise(out.numel(), 9).reshape(out.shape)
    gradients = torch.autograd.grad((out * seed).sum(), operands, allow_unused=True)
    gradients = [torch.zeros_like(x) if g is None else g for g, x in zip(gradients, operands)]
    assert all(tensor.isfinite().all() for tensor in [out, *gradients])
    stride = lambda tensor: max(1, tensor.numel() // 24) | 1
    thinned = lambda tensor: {"stride": stride(tensor), "values": numbers(tensor, stride(tensor))}
    return {
        "mask": mask,
        "time": time,
        "head_dim": head_dim,
        "n_heads": n_heads,
        "n_kv_heads": n_kv_heads,
        "bias": bias,
        "soft_cap": cap,
        "scale": scale,
        "output": thinned(out),
        "gradients": [thinned(gradient) for gradient in gradients],
    }


# Mask, time, head_dim, and bias, cap and scale of each case, with four heads on two.
plain, t5, capped = (None, None, None), ("t5", None, 1.0), (None, 1.5, 0.7)
inputs = [
    ({"kind": "causal"}, 7, 3, [plain, ("alibi", None, None), ("t5_one_way", None, 1.0), capped]),
    ({"kind": "causal"}, 101, 8, [plain, ("alibi", 2.0, None)]),
    ({"kind": "full"}, 7, 3, [plain, t5, ("alibi", None, None)]),
    ({"kind": "full"}, 101, 8, [plain, t5]),
    ({"kind": "sliding_window", "window": 3}, 11, 3, [plain, capped, ("alibi", None, None)]),
    ({"kind": "sliding_window", "window": 40}, 101, 8, [capped]),
    ({"kind": "prefixes", "lengths": [4, 0]}, 7, 3, [plain, t5]),
    ({"kind": "packed", "document_of": runs([3, 5, 1, 4, 5])}, 9, 3, [plain, ("alibi", None, None)]),
    # The second row is padded, after two tokens; the padding is a document of its own.
    ({"kind": "packed_full", "document_of": [0] * 5 + [0] * 2 + [1] * 3}, 5, 3, [plain, t5]),
    ({"kind": "packed_full", "document_of": runs([60, 41, 30, 71])}, 101, 8, [("t5", 2.0, 1.0)]),
    ({"kind": "packed_window", "document_of": runs([6, 3, 9]), "window": 3}, 9, 3, [plain]),
    ({"kind": "cross", "key_time": 5, "seen": [5, 2]}, 7, 3, [plain, t5, capped]),
    # One row has nothing to read.
    ({"kind": "cross", "key_time": 130, "seen": [0, 121]}, 70, 8, [plain]),
]
cases = [case(mask, time, head_dim, 4, 2, *rule) for mask, time, head_dim, rules in inputs for rule in rules]
# Heads of their own, all heads on one, and a number of heads that is no power of two.
cases += [case({"kind": "causal"}, 7, 3, n_heads, n_kv_heads, *plain) for n_heads, n_kv_heads in [(4, 4), (4, 1), (3, 1)]]
cases += [case({"kind": "causal"}, 7, 3, 6, 2, "alibi", None, None), case({"kind": "full"}, 7, 3, 3, 3, *t5)]


def spans(mask, time):
    """Start and end of the keys of every query."""
    seen = see(mask, time)[:, 0].reshape(BATCH * time, -1)
    pairs = [(row.nonzero().min().item(), row.nonzero().max().item() + 1) if row.any() else (0, 0) for row in seen]
    assert all(row.sum() == end - start for row, (start, end) in zip(seen, pairs)), "a mask that is no range"
    return [number for pair in pairs for number in pair]


masks = [(mask, time) for mask, time, _, _ in inputs] + [({"kind": "sliding_window", "window": w}, 9) for w in (1, 2, 9, 20)]
REACH = 300
buckets = [
    {"n_buckets": n, "bidirectional": both_ways, "max_distance": far, "buckets": T5Attention._relative_position_bucket(
        torch.arange(-REACH, REACH + 1), both_ways, n, far).tolist()}
    for n, both_ways, far in [(32, True, 128), (32, False, 128), (8, True, 20), (8, False, 9), (7, True, 11), (48, False, 300),
                              (4, True, 2), (2, False, 2)]
]
write(
    "tensor",
    "attention",
    {
        "versions": versions("torch", "transformers"),
        "cases": cases,
        "spans": [{"mask": mask, "time": time, "spans": spans(mask, time)} for mask, time in masks],
        "slopes": [numbers(_get_alibi_slopes(n, "cpu")) for n in range(1, 25)],
        "reach": REACH,
        "buckets": buckets,
    },
)
