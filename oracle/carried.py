"""Writes crates/train/tests/goldens/carried.json: toy recurrent language models in PyTorch, trained on running text with
their state carried from batch to batch and slopes cut between (`state.detach()`, as the recipes for the Penn Treebank do),
which crates/train/tests/parity/carried.rs compares ours with: the loss before each of ten AdamW steps with clipping, the
weights after them, and the loss over the text with the state carried on.

Three lanes of four rows of six tokens: after four steps the text begins again, from a state of zeros.

Computed in float64 from float32 weights. Golden made with torch 2.15.0.
"""

import torch

from golden import versions, write

torch.manual_seed(8)
LANES, ROWS, TIME, VOCABULARY, HIDDEN, LAYERS, STEPS = 3, 4, 6, 11, 5, 2, 10


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


class Model(torch.nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.embedding = torch.nn.Embedding(VOCABULARY, HIDDEN)
        self.rnn = cell(HIDDEN, HIDDEN, LAYERS, batch_first=True)
        self.head = torch.nn.Linear(HIDDEN, VOCABULARY, bias=False)

    def forward(self, ids, state):
        out, state = self.rnn(self.embedding(ids), state)
        return self.head(out), state


def detach(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


# The text, one document of it, with the separator 0 before and after; one token more than the rows hold is left over.
document = torch.randint(1, VOCABULARY, (LANES * ROWS * TIME + 1,))
stream = torch.cat([torch.tensor([0]), document, torch.tensor([0])])


def batch(step):
    starts = [(lane * ROWS + step % ROWS) * TIME for lane in range(LANES)]
    cut = lambda shift: torch.stack([stream[start + shift : start + shift + TIME] for start in starts])
    return cut(0), cut(1)


def loss_of(model, step, state):
    ids, targets = batch(step)
    logits, state = model(ids, state)
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()), state


cases = []
for name, cell in [("rnn", torch.nn.RNN), ("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU)]:
    model = Model(cell)
    for parameter in model.parameters():
        parameter.data = torch.randn_like(parameter) * 0.5
    model = model.double()
    case = {"cell": name, "weights": {key: numbers(p) for key, p in model.named_parameters()}, "losses": []}
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.03, betas=(0.9, 0.95), eps=1e-8)
    state = None
    for step in range(STEPS):
        state = None if step % ROWS == 0 else detach(state)
        optimizer.zero_grad()
        loss, state = loss_of(model, step, state)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        case["losses"].append(loss.item())
    case["trained"] = {key: numbers(p) for key, p in model.named_parameters()}
    state, total = None, 0.0
    for step in range(ROWS):
        loss, state = loss_of(model, step, state)
        total += loss.item() / ROWS
    case["evaluation"] = total
    cases.append(case)

sizes = {"vocab_size": VOCABULARY, "hidden_size": HIDDEN, "n_layers": LAYERS, "lanes": LANES, "time": TIME}
write("train", "carried", {"versions": versions("torch"), **sizes, "document": document.tolist(), "cases": cases})
