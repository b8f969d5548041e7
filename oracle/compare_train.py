"""PyTorch's side of compare_train.sh: the same training step as `onto bench train`, and the table over both.

    compare_train.py step MODE REPORT    times a step of PyTorch; REPORT is the file with our JSON line, which says the
                                         shape, the batch, the steps and the threads, so that no size stands twice
    compare_train.py table RESULTS       the table over all JSON lines of a comparison

MODE is f32, bf16, f32-compile or bf16-compile: eager or torch.compile, f32 or autocast to bfloat16. One process runs one
mode, so that its peak memory is its own. The step is nanoGPT's: scaled_dot_product_attention, tied head, cross-entropy over
whole logits, clipping by the global norm, fused AdamW; an encoder's head and loss are computed at the masked tokens alone.
"""

import argparse
import json
import math
import resource
import statistics
import sys
import time

MODES = ["f32", "bf16", "f32-compile", "bf16-compile"]


def recurrent(torch, shape):
    """The model of a `RecurrentConfig`, begun as ours."""
    nn = torch.nn
    cell = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[shape["cell"]]

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(shape["vocab_size"], shape["embedding_size"])
            self.rnn = cell(shape["embedding_size"], shape["hidden_size"], shape["n_layers"], batch_first=True)
            self.head = nn.Linear(shape["hidden_size"], shape["vocab_size"], bias=False)
            if shape["tie_word_embeddings"]:
                self.head.weight = self.embedding.weight
            for parameter in self.parameters():
                nn.init.uniform_(parameter, -1 / math.sqrt(shape["hidden_size"]), 1 / math.sqrt(shape["hidden_size"]))

        def forward(self, ids, targets):
            logits = self.head(self.rnn(self.embedding(ids))[0])
            return nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))

    return Model()


def encoder(torch, shape):
    """The model of an `EncoderConfig`: BERT as transformers has it, the head at the masked tokens only."""
    nn, F = torch.nn, torch.nn.functional
    width, heads, inner, eps = (shape[key] for key in ["hidden_size", "n_heads", "intermediate_size", "norm_eps"])
    if shape["mlp"] != "gelu_erf":
        sys.exit("only BERT's own function is written here")

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.fc, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
            self.attention_norm, self.mlp_norm = nn.LayerNorm(width, eps=eps), nn.LayerNorm(width, eps=eps)

        def forward(self, x):
            batch, time_, _ = x.shape
            parts = self.qkv(x).split(width, dim=2)
            q, k, v = (part.view(batch, time_, heads, width // heads).transpose(1, 2) for part in parts)
            attended = F.scaled_dot_product_attention(q, k, v)
            x = self.attention_norm(x + self.output(attended.transpose(1, 2).reshape(batch, time_, width)))
            return self.mlp_norm(x + self.down(F.gelu(self.fc(x))))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(shape["vocab_size"], width)
            self.positions = nn.Embedding(shape["max_position_embeddings"], width)
            self.segments = nn.Embedding(shape["type_vocab_size"], width)
            self.norm = nn.LayerNorm(width, eps=eps)
            self.blocks = nn.ModuleList(Block() for _ in range(shape["n_layers"]))
            self.transform, self.transform_norm = nn.Linear(width, width), nn.LayerNorm(width, eps=eps)
            self.bias = nn.Parameter(torch.zeros(shape["vocab_size"]))
            for name, parameter in self.named_parameters():
                if parameter.dim() == 2:
                    nn.init.normal_(parameter, std=shape["init_std"])
                elif name.endswith("bias"):
                    nn.init.zeros_(parameter)

        def forward(self, ids, masked, targets):
            x = self.tokens(ids) + self.segments(torch.zeros_like(ids)) + self.positions(torch.arange(ids.shape[1]))
            x = self.norm(x)
            for block in self.blocks:
                x = block(x)
            x = x.view(-1, width)[masked]
            x = self.transform_norm(F.gelu(self.transform(x)))
            return F.cross_entropy(F.linear(x, self.tokens.weight, self.bias), targets)

    return Model()


def masked(torch, ids, vocabulary, share=0.15):
    """Ids with a share of every row hidden, where, and what stood there: eight in ten of them by the last token, one in ten
    by a random one."""
    batch, time_ = ids.shape
    count = round(share * time_)
    where = torch.cat([row * time_ + torch.randperm(time_)[:count].sort().values for row in range(batch)])
    targets, kind = ids.view(-1)[where].clone(), torch.randint(10, where.shape)
    hidden = torch.where(kind == 0, targets, torch.full_like(targets, vocabulary - 1))
    hidden = torch.where(kind == 1, torch.randint(vocabulary, where.shape), hidden)
    ids = ids.clone()
    ids.view(-1)[where] = hidden
    return ids, where, targets


def build(torch, shape):
    """The model of a `DecoderConfig`, GPT-2- or LLaMA-shaped, with our initial standard deviations, or another kind."""
    if "cell" in shape:
        return recurrent(torch, shape)
    if "type_vocab_size" in shape:
        return encoder(torch, shape)
    nn, F = torch.nn, torch.nn.functional
    width, heads = shape["hidden_size"], shape["n_heads"]
    inner, eps = shape["intermediate_size"], shape["norm_eps"]
    is_llama = shape["norm"] == "rms_norm"
    if shape["n_kv_heads"] != heads:
        sys.exit("shared key heads are not written here")

    def norm():
        return nn.RMSNorm(width, eps=eps) if is_llama else nn.LayerNorm(width, eps=eps)

    def linear(from_, to):
        return nn.Linear(from_, to, bias=shape["bias"])

    def rotated(x, turns):
        # The half-split layout of Hugging Face.
        cos, sin = turns
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1).to(x.dtype)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention_norm, self.mlp_norm = norm(), norm()
            # One matrix for queries, keys and values, as nanoGPT has: the faster form in PyTorch.
            self.qkv, self.output = linear(width, 3 * width), linear(width, width)
            if is_llama:
                self.gate, self.up = linear(width, inner), linear(width, inner)
                self.down = linear(inner, width)
            else:
                self.fc, self.down = linear(width, inner), linear(inner, width)

        def forward(self, x, turns):
            batch, time_, _ = x.shape
            parts = self.qkv(self.attention_norm(x)).split(width, dim=2)
            q, k, v = (part.view(batch, time_, heads, width // heads).transpose(1, 2) for part in parts)
            if is_llama:
                q, k = rotated(q, turns), rotated(k, turns)
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.output(attended.transpose(1, 2).reshape(batch, time_, width))
            n = self.mlp_norm(x)
            inner_ = F.silu(self.gate(n)) * self.up(n) if is_llama else F.gelu(self.fc(n), approximate="tanh")
            return x + self.down(inner_)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(shape["vocab_size"], width)
            length = shape["max_position_embeddings"]
            if is_llama:
                theta = shape["position"]["rope"]["theta"]
                half = width // heads // 2
                rates = theta ** (-torch.arange(half, dtype=torch.float32) / half)
                angles = torch.arange(length, dtype=torch.float32)[:, None] * rates
                self.register_buffer("cos", angles.cos(), persistent=False)
                self.register_buffer("sin", angles.sin(), persistent=False)
            else:
                self.positions = nn.Embedding(length, width)
            self.blocks = nn.ModuleList(Block() for _ in range(shape["n_layers"]))
            self.norm = norm()
            self.head = nn.Linear(width, shape["vocab_size"], bias=False)
            if shape["tie_word_embeddings"]:
                self.head.weight = self.tokens.weight
            for name, parameter in self.named_parameters():
                if parameter.dim() == 2:
                    is_residual = name.endswith(("output.weight", "down.weight"))
                    shrink = math.sqrt(2 * shape["n_layers"]) if is_residual else 1
                    nn.init.normal_(parameter, std=shape["init_std"] / shrink)
                elif name.endswith("bias"):
                    nn.init.zeros_(parameter)

        def forward(self, ids, targets):
            time_ = ids.shape[1]
            x, turns = self.tokens(ids), None
            if is_llama:
                turns = (self.cos[:time_], self.sin[:time_])
            else:
                x = x + self.positions(torch.arange(time_))
            for block in self.blocks:
                x = block(x, turns)
            logits = self.head(self.norm(x))
            return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))

    return Model()


def step(mode, report):
    import torch

    torch.set_num_threads(report["threads"])
    torch.manual_seed(0)
    model = build(torch, report["model"])
    count = sum(parameter.numel() for parameter in model.parameters())
    if count != report["parameters"]:
        sys.exit(f"{count} parameters here and {report['parameters']} there: the models differ")
    decayed = [parameter for parameter in model.parameters() if parameter.dim() == 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() != 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=report["learning_rate"], betas=(0.9, 0.95), eps=1e-8, fused=True)
    run = torch.compile(model) if mode.endswith("compile") else model
    batch, time_ = report["batch_size"], report["sequence_length"]
    # One batch, read in every step, as ours.
    stream = torch.randint(1, report["model"]["vocab_size"], (batch * time_ + 1,))
    rows = stream[:-1].view(batch, time_), stream[1:].view(batch, time_)
    if "type_vocab_size" in report["model"]:
        rows = masked(torch, rows[0], report["model"]["vocab_size"])
    seconds, losses = [], []
    # Compilation happens in the first warm-up step, of which there is at least one.
    warmup = max(report["warmup_steps"], 1)
    for _ in range(warmup + report["steps"]):
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mode.startswith("bf16")):
            loss = run(*rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    rates = [batch * time_ / each for each in seconds[warmup:]]
    line = {
        "engine": "pytorch-compile" if mode.endswith("compile") else "pytorch",
        "version": torch.__version__,
        "preset": report["preset"],
        "family": report["family"],
        "dtype": mode.split("-")[0],
        "threads": torch.get_num_threads(),
        "steps": report["steps"],
        "tokens_per_second": statistics.median(rates),
        "tokens_per_second_best": max(rates),
        # Kibibytes on Linux, bytes on macOS.
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "loss_first": losses[0],
        "loss_last": losses[-1],
    }
    print(json.dumps(line))


def table(lines):
    """Every engine and type with its median over the rounds, and ours over it in the same type."""

    def middle(engine, dtype, key):
        values = [line[key] for line in lines if line["engine"] == engine and line["dtype"] == dtype]
        return statistics.median(values) if values else None

    first = lines[0]
    print(f"{first['preset']}, {first['family']} shape, {first['threads']} threads, {first['steps']} steps a round")
    print("ours over theirs, medians over the rounds: tokens/s above 1 and memory below 1 are better\n")
    print(f"{'engine':<16} {'dtype':<5} {'rounds':>6} {'tokens/s':>10} {'best':>10} {'MiB':>8} {'ours/it':>8} {'memory':>7}")
    summary = []
    for dtype in ["f32", "bf16"]:
        for engine in ["onto", "pytorch", "pytorch-compile"]:
            rate = middle(engine, dtype, "tokens_per_second")
            if rate is None:
                print(f"{engine:<16} {dtype:<5} {0:>6} {'-':>10} {'-':>10} {'-':>8} {'-':>8} {'-':>7}")
                continue
            mine = [line for line in lines if line["engine"] == engine and line["dtype"] == dtype]
            best = max(line["tokens_per_second_best"] for line in mine)
            memory = middle(engine, dtype, "peak_rss_bytes")
            ours, our_memory = middle("onto", dtype, "tokens_per_second"), middle("onto", dtype, "peak_rss_bytes")
            ratio = ours / rate if ours else None
            memory_ratio = our_memory / memory if our_memory else None
            shown = [f"{value:.2f}" if value else "-" for value in (ratio, memory_ratio)]
            print(
                f"{engine:<16} {dtype:<5} {len(mine):>6} {rate:>10.0f} {best:>10.0f} {memory / 2**20:>8.0f}"
                f" {shown[0]:>8} {shown[1]:>7}"
            )
            summary.append({
                "summary": True, "preset": first["preset"], "engine": engine, "dtype": dtype, "rounds": len(mine),
                "tokens_per_second": rate, "tokens_per_second_best": best, "peak_rss_bytes": memory,
                "ours_over_it_tokens_per_second": ratio, "ours_over_it_peak_rss": memory_ratio,
            })
    print()
    for line in summary:
        print(json.dumps(line))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("step")
    one.add_argument("mode", choices=MODES)
    one.add_argument("report", type=argparse.FileType())
    two = commands.add_parser("table")
    two.add_argument("results", type=argparse.FileType())
    arguments = parser.parse_args()
    if arguments.command == "step":
        step(arguments.mode, json.load(arguments.report))
    else:
        lines = [json.loads(line) for line in arguments.results if line.strip()]
        if not lines:
            sys.exit("nothing was measured")
        table(lines)


main()
