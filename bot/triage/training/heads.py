"""Train the heads once more on what is served: the packed encoder's vectors, and far more ordinary chat.

The encoder sees some thousand lines of chat; its heads can see all of it within a minute, because the vectors
stay as they are. That is what tells a line about a film from a sign.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from bot.triage.reader import artefact
from bot.triage.reader.days import DAY_BUCKETS, day_features
from bot.triage.reader.network import Network
from bot.triage.reader.text import reader_text
from bot.triage.training.corpus import DAYS, NOTHING
from bot.triage.training.samples import Sample

EPOCHS, RATE, BATCH = 8, 3e-4, 256
DAY_DROPOUT, SMOOTHING, SEED = 0.5, 0.05, 1
#: Heads that are trained again; the topic head stays.
AGAIN = ("hidden", "tier", "flag", "probe")


class _Heads(nn.Module):
    """The heads of `ReaderNet` by themselves, begun with the weights in `served`."""

    def __init__(self, served: dict[str, NDArray[np.float32]]) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.1)
        for name in AGAIN:
            weight, bias = served[f"{name}.weight"], served[f"{name}.bias"]
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data, layer.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
            setattr(self, name, layer)

    def forward(self, vectors: Tensor, days: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = torch.cat([self.drop(vectors), days], dim=1)
        hidden = self.drop(F.gelu(self.hidden(seen)))
        return self.tier(hidden), self.flag(hidden), self.probe(hidden).squeeze(-1)


def refit(home: Path, samples: Sequence[Sample], chat: Sequence[str]) -> None:
    """Train the heads in `home` on `samples`, which know their tier, flag, probe and red, and on `chat`."""
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    every = [
        *samples,
        *(
            Sample(reader_text(line), chance.choice(DAYS), tier=4, flag=NOTHING, probe=0, red=0)
            for line in chat
        ),
    ]
    network = Network(home)
    vectors = torch.from_numpy(network.vectors([network.windows(one.text or "-")[0] for one in every]))
    wanted = {
        name: torch.tensor([getattr(one, name) for one in every]) for name in ("tier", "flag", "probe", "red")
    }
    days = torch.from_numpy(np.stack([day_features(one.day) for one in every]))
    unknown = torch.from_numpy(day_features(None))
    assert days.shape[1] == DAY_BUCKETS
    with np.load(home / artefact.HEADS) as kept:
        served = {name: kept[name] for name in kept.files}
    heads = _Heads(served)
    optimiser = torch.optim.AdamW(heads.parameters(), lr=RATE, weight_decay=0.01)
    heads.train()
    for epoch in range(1, EPOCHS + 1):
        order = torch.randperm(len(every))
        total = 0.0
        for at in range(0, len(every), BATCH):
            rows = order[at : at + BATCH]
            hide = torch.rand(len(rows), 1) < DAY_DROPOUT
            seen = torch.where(hide, unknown, days[rows])
            loss = _loss(heads(vectors[rows], seen), {name: values[rows] for name, values in wanted.items()})
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(rows)
        print(f"  heads, epoch {epoch}/{EPOCHS}: loss {total / len(every):.3f}", flush=True)
    state = heads.state_dict()
    for name in AGAIN:
        for part in ("weight", "bias"):
            served[f"{name}.{part}"] = state[f"{name}.{part}"].numpy()
    np.savez_compressed(home / artefact.HEADS, **served)


def _loss(said: tuple[Tensor, Tensor, Tensor], wanted: dict[str, Tensor]) -> Tensor:
    tier, flag, probe = said
    red = torch.logsumexp(tier[:, :2], 1) - torch.logsumexp(tier[:, 2:], 1)
    return (
        F.cross_entropy(tier, wanted["tier"], label_smoothing=SMOOTHING)
        + 0.4 * F.cross_entropy(flag, wanted["flag"], label_smoothing=SMOOTHING)
        + F.binary_cross_entropy_with_logits(red, wanted["red"].float())
        + 0.4 * F.binary_cross_entropy_with_logits(probe, wanted["probe"].float())
    )
