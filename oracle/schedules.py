"""Writes crates/train/tests/goldens/schedules.json: the learning-rate factors of transformers' schedules, which
crates/train/src/schedule.rs is tested against.

The functions behind get_cosine_schedule_with_warmup and its neighbours are called themselves; no optimiser is needed but
for the cooldowns, which are PyTorch's own schedulers one after another.
Golden made with transformers 5.23.0 and torch 2.15.0.
"""

import torch
from transformers import optimization

from golden import versions, write


def cosine(minimum, warmup, steps, **_):
    settings = {"num_warmup_steps": warmup, "num_training_steps": steps}
    # The later of two functions of this name, which knows a minimum.
    function = optimization._get_cosine_schedule_with_warmup_lr_lambda
    return lambda step: function(step, **settings, num_cycles=0.5, min_lr_rate=minimum)


def linear(minimum, warmup, steps, **_):
    assert minimum == 0.0
    function = optimization._get_linear_schedule_with_warmup_lr_lambda
    return lambda step: function(step, num_warmup_steps=warmup, num_training_steps=steps)


def wsd(shape):
    def build(minimum, warmup, steps, decay):
        settings = {
            "num_warmup_steps": warmup,
            "num_stable_steps": steps - warmup - decay,
            "num_decay_steps": decay,
            "warmup_type": "linear",
            "decay_type": shape,
            "min_lr_ratio": minimum,
            "num_cycles": 0.5,
        }
        return lambda step: optimization._get_wsd_scheduler_lambda(step, **settings)

    return build


def inverse_sqrt(minimum, warmup, steps, **_):
    assert minimum == 0.0
    # get_inverse_sqrt_schedule takes the warm-up for the time scale, and 10 000 where there is none.
    function = optimization._get_inverse_sqrt_schedule_lr_lambda
    return lambda step: function(step, num_warmup_steps=warmup, timescale=warmup or 10_000)


def constant(minimum, warmup, steps, **_):
    function = optimization._get_constant_schedule_with_warmup_lr_lambda
    return lambda step: function(step, num_warmup_steps=warmup)


# Two of them know no minimum rate in transformers.
schedules = {
    "cosine": (cosine, [0.0, 0.1]),
    "linear": (linear, [0.0]),
    "wsd": (wsd("linear"), [0.0, 0.1]),
    "wsd-sqrt": (wsd("1-sqrt"), [0.0, 0.1]),
    "inverse-sqrt": (inverse_sqrt, [0.0]),
    "constant": (constant, [0.0]),
}
# Warm-up, decay, all steps, and how far apart the steps looked at are; the last is one past the end.
lengths = [(2, 4, 10, 1), (0, 3, 10, 1), (200, 1000, 5000, 250)]

cases = []
for kind, (build, minima) in schedules.items():
    for minimum in minima:
        for warmup, decay, steps, stride in lengths:
            factor = build(minimum, warmup, steps, decay=decay)
            cases.append(
                {
                    "kind": kind,
                    "min_ratio": minimum,
                    "warmup_steps": warmup,
                    "decay_steps": decay,
                    "steps": steps,
                    "stride": stride,
                    "factors": [factor(step) for step in range(0, steps + 1, stride)],
                }
            )



def rates(optimizer, scheduler, steps):
    """The rate of each of `steps` updates."""
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def cooled(before, start, shape, decay, steps, minimum):
    """`before(step)` up to `start`, then a fall of `shape` to `minimum` in `decay` steps."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    first = rates(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, before), start)
    peak = optimizer.param_groups[0]["lr"]
    optimizer = torch.optim.SGD([parameter], lr=peak)
    if shape == "linear":
        then = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, minimum / peak, total_iters=decay)
    else:
        fall = wsd("1-sqrt")(minimum / peak, 0, decay, decay)
        then = torch.optim.lr_scheduler.LambdaLR(optimizer, fall)
    return first + rates(optimizer, then, steps + 1 - start)


for kind, build in (("constant", constant), ("inverse-sqrt", inverse_sqrt)):
    for shape in ("linear", "sqrt"):
        for minimum in (0.0, 0.1):
            # The rate of the last must be above the minimum where the cooldown begins.
            for warmup, decay, steps, stride in [(2, 4, 10, 1), (200, 1000, 5000, 250)]:
                factors = cooled(build(0.0, warmup, steps), steps - decay, shape, decay, steps, minimum)
                cases.append(
                    {
                        "kind": kind,
                        "cooldown": shape,
                        "min_ratio": minimum,
                        "warmup_steps": warmup,
                        "decay_steps": decay,
                        "steps": steps,
                        "stride": stride,
                        "factors": factors[::stride],
                    }
                )

write("train", "schedules", {"versions": versions("transformers", "torch"), "cases": cases})
