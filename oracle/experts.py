"""Writes crates/tensor/tests/goldens/experts.json: transformers' Mixtral block and its load-balancing loss, with gradients.

The block is MixtralSparseMoeBlock in float64 with its eager experts; its router is one of MixtralTopKRouter, whose softmax
stays float32 inside (`router_logits.float()`), so everything downstream of the routing weights is known to about 1e-7.
The router's z-loss is ST-MoE's equation 5 with torch.logsumexp. Weights and inputs are the `noise` of
crates/tensor/tests/ops/support.rs. Golden made with torch 2.15.0 and transformers 5.23.0.
"""

import torch
from transformers import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock, load_balancing_loss_func

from golden import noise, numbers, versions, write

# tokens, width, inner, experts, top_k, size of the router's weights (large: some experts stay empty), a token left out
inputs = [
    (7, 6, 5, 4, 2, 1.0, False),
    (7, 6, 5, 4, 2, 1.0, True),
    (5, 4, 3, 3, 1, 1.0, False),
    (3, 4, 6, 8, 2, 4.0, False),
    (6, 3, 4, 2, 2, 1.0, True),
    # More tokens than a block of rows.
    (150, 10, 12, 8, 2, 0.5, False),
]


def matrix(rows, columns, seed, size=1.0):
    return noise(rows * columns, seed).reshape(rows, columns) * size


cases = []
for tokens, width, inner, experts, top_k, router_size, is_masked in inputs:
    config = MixtralConfig(
        hidden_size=width,
        intermediate_size=inner,
        num_local_experts=experts,
        num_experts_per_tok=top_k,
        hidden_act="silu",
    )
    config._experts_implementation = "eager"
    block = MixtralSparseMoeBlock(config).double()
    x = matrix(tokens, width, 1).requires_grad_()
    gates, ups, downs = [], [], []
    with torch.no_grad():
        block.gate.weight.copy_(matrix(experts, width, 2, router_size))
        for e in range(experts):
            gate, up = matrix(inner, width, 10 + 3 * e), matrix(inner, width, 11 + 3 * e)
            block.experts.gate_up_proj[e].copy_(torch.cat([gate, up]))
            block.experts.down_proj[e].copy_(matrix(width, inner, 12 + 3 * e))
    logits, weights, chosen = block.gate(x)
    y = block(x.unsqueeze(0)).squeeze(0)
    mask = torch.ones(1, tokens)
    if is_masked:
        mask[0, 2] = 0
    # Two layers: the block's router, and one of its logits again, turned round and halved.
    layers = (logits, logits.flip(-1) * 0.5)
    balance = load_balancing_loss_func(layers, experts, top_k, mask if is_masked else None)
    counted = mask[0].bool()
    z_loss = torch.cat([layer[counted].logsumexp(-1) ** 2 for layer in layers]).mean()
    # One gradient of the block, one of each loss by the logits.
    seed = matrix(tokens, width, 3)
    parameters = [x, block.gate.weight, block.experts.gate_up_proj, block.experts.down_proj]
    gradients = torch.autograd.grad((y * seed).sum(), parameters, retain_graph=True)
    of_balance = torch.autograd.grad(balance, logits, retain_graph=True)[0]
    of_z = torch.autograd.grad(z_loss, logits)[0]
    stride = 1 if tokens < 100 else 13
    cases.append(
        {
            "tokens": tokens,
            "width": width,
            "inner": inner,
            "experts": experts,
            "top_k": top_k,
            "router_size": router_size,
            "is_masked": is_masked,
            "stride": stride,
            "chosen": chosen.flatten().tolist(),
            "weights": numbers(weights, stride),
            "output": numbers(y, stride),
            "losses": numbers([balance, z_loss]),
            "d_x": numbers(gradients[0], stride),
            "d_router": numbers(gradients[1], stride),
            "d_gate": numbers(gradients[2][:, :inner], stride),
            "d_up": numbers(gradients[2][:, inner:], stride),
            "d_down": numbers(gradients[3], stride),
            "d_balance": numbers(of_balance, stride),
            "d_z": numbers(of_z, stride),
        }
    )

write("tensor", "experts", {"versions": versions("torch", "transformers"), "cases": cases})
