"""Writes crates/tensor/tests/goldens/recurrent.json: two layers of torch.nn.RNN, LSTM and GRU, which
crates/tensor/tests/parity/recurrent.rs compares the recurrent operation with: outputs, last states and the gradients by
weights, input and initial state.

Computed in float64, so that the numbers are PyTorch's rule and not its rounding; weights are float32 values. Golden made
with torch 2.15.0.
"""

import torch

from golden import versions, write

torch.manual_seed(5)
BATCH, TIME, INPUTS, HIDDEN, LAYERS = 3, 5, 4, 7, 2


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def single(*shape, scale=1):
    """Values that float32 holds, in float64."""
    return (torch.randn(*shape) * scale).double()


cases = []
for name, module in [("rnn", torch.nn.RNN), ("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU)]:
    network = module(INPUTS, HIDDEN, LAYERS, batch_first=True).double()
    weights = {}
    for key, parameter in network.named_parameters():
        # Larger than the initial weights, so that gates leave the middle of their range.
        parameter.data = single(*parameter.shape, scale=0.6)
        weights[key] = {"shape": list(parameter.shape), "values": numbers(parameter)}
    x = single(BATCH, TIME, INPUTS).requires_grad_()
    states = [single(LAYERS, BATCH, HIDDEN).requires_grad_() for _ in range(2 if name == "lstm" else 1)]
    output, last = network(x, tuple(states) if name == "lstm" else states[0])
    last = list(last) if name == "lstm" else [last]
    seeds = [single(*value.shape) for value in [output, *last]]
    sum((value * seed).sum() for value, seed in zip([output, *last], seeds)).backward()
    # States as the operation has them: for every layer the hidden states of all sequences, then the cells.
    stacked = lambda parts: [numbers(torch.stack([part[layer] for part in parts])) for layer in range(LAYERS)]
    cases.append({
        "cell": name,
        "weights": weights,
        "x": numbers(x),
        "initial": stacked(states),
        "seed": numbers(seeds[0]),
        "last_seed": stacked(seeds[1:]),
        "output": numbers(output),
        "last": stacked(last),
        "gradients": {key: numbers(parameter.grad) for key, parameter in network.named_parameters()},
        "x_gradient": numbers(x.grad),
        "initial_gradient": stacked([state.grad for state in states]),
    })

sizes = {"batch": BATCH, "time": TIME, "inputs": INPUTS, "hidden": HIDDEN, "layers": LAYERS}
write("tensor", "recurrent", {"versions": versions("torch"), **sizes, "cases": cases})
