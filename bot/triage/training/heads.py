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

from bot.triage.reader import artefact
from bot.triage.reader.days import day_features
from bot.triage.reader.network import Network
from bot.triage.reader.reader import FLAG_CODES
from bot.triage.reader.text import reader_text
from bot.triage.training.corpus import DAYS, NOTHING
from bot.triage.training.fit import Recipe, verdict_loss
from bot.triage.training.model import Heads
from bot.triage.training.samples import Sample

RECIPE = Recipe(epochs=8, head_rate=3e-4, batch=256, seed=1)


def refit(home: Path, samples: Sequence[Sample], chat: Sequence[str]) -> None:
    """Train the heads in `home` on `samples`, which know their tier, flag, probe and red, and on `chat`."""
    torch.manual_seed(RECIPE.seed)
    chance = random.Random(RECIPE.seed)
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
    with np.load(home / artefact.HEADS) as kept:
        served = {name: kept[name] for name in kept.files}
    heads = Heads(vectors.shape[1], len(FLAG_CODES))
    heads.load_state_dict({name: torch.from_numpy(served[name]) for name in heads.state_dict()})
    optimiser = torch.optim.AdamW(heads.parameters(), lr=RECIPE.head_rate, weight_decay=RECIPE.weight_decay)
    heads.train()
    for epoch in range(1, RECIPE.epochs + 1):
        order = torch.randperm(len(every))
        total = 0.0
        for at in range(0, len(every), RECIPE.batch):
            rows = order[at : at + RECIPE.batch]
            hide = torch.rand(len(rows), 1) < RECIPE.day_dropout
            said = heads.heads(vectors[rows], torch.where(hide, unknown, days[rows]))
            known = {name: values[rows] for name, values in wanted.items()}
            loss = verdict_loss(said, known, RECIPE.smoothing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(rows)
        print(f"  heads, epoch {epoch}/{RECIPE.epochs}: loss {total / len(every):.3f}", flush=True)
    # the topic head stays as it was
    served |= {name: weights.numpy() for name, weights in heads.state_dict().items()}
    np.savez_compressed(home / artefact.HEADS, **served)
