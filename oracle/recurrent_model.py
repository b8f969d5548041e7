"""Writes crates/nn/tests/goldens/recurrent.json: toy recurrent language models in PyTorch (nn.Embedding, nn.RNN, nn.LSTM
or nn.GRU of two layers, nn.Linear), which crates/nn/tests/parity/recurrent_models.rs compares ours with: logits, the loss of the next
token, its gradients, and ten steps of AdamW with clipping.

Computed in float64 from float32 weights. Golden made with torch 2.15.0.
"""

import torch

from golden import versions, write

torch.manual_seed(6)
BATCH, TIME, VOCABULARY, HIDDEN, LAYERS = 2, 6, 11, 5, 2


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


class Model(torch.nn.Module):
    def __init__(self, cell, is_tied):
        super().__init__()
        self.embedding = torch.nn.Embedding(VOCABULARY, HIDDEN)
        self.rnn = cell(HIDDEN, HIDDEN, LAYERS, batch_first=True)
        self.head = torch.nn.Linear(HIDDEN, VOCABULARY, bias=False)
        if is_tied:
            self.head.weight = self.embedding.weight

    def forward(self, ids):
        return self.head(self.rnn(self.embedding(ids))[0])


stream = torch.randint(0, VOCABULARY, (BATCH, TIME + 1))
ids, targets = stream[:, :-1], stream[:, 1:]
cases = []
for name, cell, is_tied in [
    ("rnn", torch.nn.RNN, False), ("lstm", torch.nn.LSTM, False), ("gru", torch.nn.GRU, False), ("lstm", torch.nn.LSTM, True)
]:
    model = Model(cell, is_tied)
    for parameter in model.parameters():
        parameter.data = torch.randn_like(parameter) * 0.5
    model = model.double()
    loss_of = lambda: torch.nn.functional.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
    # A tied head is listed once, under the name of the embedding.
    weights = {key: {"shape": list(p.shape), "values": numbers(p)} for key, p in model.named_parameters()}
    case = {"cell": name, "tied": is_tied, "weights": weights, "logits": numbers(model(ids))}
    loss_of().backward()
    case["gradients"] = {key: numbers(p.grad) for key, p in model.named_parameters()}
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.03, betas=(0.9, 0.95), eps=1e-8)
    case["losses"] = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        case["losses"].append(loss.item())
    case["trained"] = {key: numbers(p) for key, p in model.named_parameters()}
    cases.append(case)

sizes = {"vocab_size": VOCABULARY, "hidden_size": HIDDEN, "n_layers": LAYERS}
head = {"versions": versions("torch"), **sizes, "ids": ids.tolist(), "targets": targets.flatten().tolist()}
write("nn", "recurrent", {**head, "cases": cases})
