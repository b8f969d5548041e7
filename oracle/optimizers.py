"""Writes crates/tensor/tests/goldens/optimizers.json: ten steps of torch.optim.AdamW, SGD, Adafactor and Muon, and of Lion
as algorithm 2 of its paper writes it (Chen and others, 2023), that crates/tensor/src/optim is tested against.

All in float64; Muon orthogonalises in bfloat16 with PyTorch, so the type it casts to is made float64 here. Weights and
gradients are the `noise` of crates/tensor/tests/ops/support.rs, times a power of two, so that the file has to keep
results only: of some steps every `stride`-th value, to ten digits. Golden made with torch 2.15.0 and numpy 2.4.6.
"""

import numpy
import torch

from golden import noise, numbers, versions, write

torch.bfloat16 = torch.float64

# The steps whose weights are kept; the state is that after the last.
KEPT = [1, 2, 3, 10]


def lion(weight, gradients, lr, beta1, beta2, weight_decay):
    """Every weight on the way, and the mean at the end."""
    mean, weights = numpy.zeros_like(weight), []
    for gradient in gradients:
        update = beta1 * mean + (1 - beta1) * gradient
        weight = weight - lr * (numpy.sign(update) + weight_decay * weight)
        mean = beta2 * mean + (1 - beta2) * gradient
        weights.append(weight)
    return weights, {"m": mean}


def pytorch(optimizer_of, letters):
    def run(weight, gradients, **settings):
        parameter = torch.nn.Parameter(torch.tensor(weight))
        optimizer, weights = optimizer_of([parameter], **settings), []
        for gradient in gradients:
            parameter.grad = torch.tensor(gradient)
            optimizer.step()
            weights.append(parameter.detach().numpy().copy())
        state = optimizer.state[parameter]
        kept = {letter: state[name] for letter, name in letters.items() if state.get(name) is not None}
        return weights, {letter: tensor.numpy() for letter, tensor in kept.items()}

    return run


def adamw(parameters, lr, beta1, beta2, eps, weight_decay):
    return torch.optim.AdamW(parameters, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)


def muon(parameters, **settings):
    return torch.optim.Muon(parameters, adjust_lr_fn="match_rms_adamw", **settings)


def adafactor(parameters, **settings):
    # The bound PyTorch takes for f32 weights.
    return torch.optim.Adafactor(parameters, eps=(2.0**-23, 1e-3), **settings)


rules = {
    "adamw": (
        pytorch(adamw, {"m": "exp_avg", "v": "exp_avg_sq"}),
        [
            {"lr": 0.01, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.0},
            {"lr": 0.02, "beta1": 0.8, "beta2": 0.999, "eps": 1e-6, "weight_decay": 0.5},
        ],
    ),
    "muon": (
        pytorch(muon, {"m": "momentum_buffer"}),
        [{"lr": 0.02, "momentum": 0.95, "weight_decay": 0.1}],
    ),
    "lion": (
        lion,
        [
            {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0},
            {"lr": 0.02, "beta1": 0.95, "beta2": 0.98, "weight_decay": 0.5},
        ],
    ),
    "sgd": (
        pytorch(torch.optim.SGD, {"m": "momentum_buffer"}),
        [
            {"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False},
            {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "nesterov": False},
            {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.2, "nesterov": True},
        ],
    ),
    "adafactor": (
        pytorch(adafactor, {"r": "row_var", "c": "col_var", "v": "variance"}),
        [
            {"lr": 0.01, "beta2_decay": -0.8, "d": 1.0, "weight_decay": 0.0},
            # 1 / sqrt(t) is the smaller here from the second step on.
            {"lr": 0.9, "beta2_decay": -0.5, "d": 2.0, "weight_decay": 0.1},
        ],
    ),
}
# Shape, sizes of weights and gradients, stride. The long shapes have several blocks; the small sizes reach the lower
# bounds of Adafactor.
inputs = [
    ([4, 9], 1.0, 1.0, 1),
    ([9, 4], 2.0**-12, 1.0, 1),
    ([5, 6], 1.0, 2.0**-14, 1),
    ([1, 5], 1.0, 2.0**-26, 1),
    ([7], 1.0, 1.0, 1),
    ([6], 2.0**-12, 2.0**-26, 1),
    ([300, 130], 1.0, 2.0**-6, 1201),
    ([130, 300], 1.0, 2.0**-6, 1201),
    ([20000], 1.0, 1.0, 997),
]

cases = []
for name, (rule, choices) in rules.items():
    for settings in choices:
        for shape, weight_size, gradient_size, stride in inputs:
            # Muon is for matrices; those of several blocks cost too much in a test.
            if name == "muon" and (len(shape) == 1 or stride > 1):
                continue
            count = int(numpy.prod(shape))
            start = (noise(count, 1).numpy() * weight_size).reshape(shape)
            gradients = [(noise(count, 2 + step).numpy() * gradient_size).reshape(shape) for step in range(KEPT[-1])]
            weights, state = rule(start, gradients, **settings)
            thinned = lambda values: numbers(torch.as_tensor(values), stride)
            cases.append(
                {
                    "rule": name,
                    "settings": settings,
                    "shape": shape,
                    "weight_size": weight_size,
                    "gradient_size": gradient_size,
                    "stride": stride,
                    "weights": [thinned(weights[step - 1]) for step in KEPT],
                    "state": {letter: thinned(values) for letter, values in state.items()},
                }
            )

write("tensor", "optimizers", {"versions": versions("torch", "numpy"), "kept": KEPT, "cases": cases})
