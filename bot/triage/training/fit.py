"""Fine-tune a network, on labels alone or on labels and what a larger network makes of the same messages.

The same seed on the same machine gives the same weights.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from bot.triage.reader.days import day_features
from bot.triage.training.encoder import MAX_TOKENS
from bot.triage.training.model import ReaderNet
from bot.triage.training.samples import IGNORE, Sample

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. `day_dropout` is the share of messages that are shown without their day."""

    epochs: int
    rate: float = 1e-4
    head_rate: float = 1e-3
    batch: int = 32
    warmup: float = 0.06
    weight_decay: float = 0.01
    day_dropout: float = 0.5
    noise: float = 0.15  #: share of messages that get one or two typing errors
    smoothing: float = 0.05  #: of the tier and flag labels
    frozen_layers: int = 0  #: lowest layers, and with them the word table, that stay as they are
    #: weight of the teacher's word against the labels', when there is a teacher
    teacher_weight: float = 1.0
    seed: int = 7


def train(
    net: ReaderNet,
    tokens: Tokenizer,
    epochs: Sequence[Sequence[Sample]],
    recipe: Recipe,
    teacher: ReaderNet | None = None,
) -> None:
    """Train `net` in place on one list of samples per epoch."""
    chance = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    _freeze(net, recipe.frozen_layers)
    encoder = [p for p in net.encoder.parameters() if p.requires_grad]
    own = {id(p) for p in net.encoder.parameters()}
    heads = [p for p in net.parameters() if id(p) not in own]
    optimiser = torch.optim.AdamW(
        [{"params": encoder, "lr": recipe.rate}, {"params": heads, "lr": recipe.head_rate}],
        weight_decay=recipe.weight_decay,
    )
    total = sum(-(-len(samples) // recipe.batch) for samples in epochs)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min((step + 1) / max(1, recipe.warmup * total), max(0.0, (total - step) / total)),
    )
    net.train()
    began, step, running = time.monotonic(), 0, 0.0
    for number, samples in enumerate(epochs, 1):
        for batch in _batches(samples, tokens, recipe, chance):
            loss = _loss(net, batch, recipe, teacher)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            running = 0.98 * running + 0.02 * loss.item() if step > 1 else loss.item()
            if step % 50 == 0:
                spent = time.monotonic() - began
                print(
                    f"  epoch {number}/{len(epochs)}  step {step}/{total}  loss {running:.3f}  "
                    f"{spent:.0f} s, about {spent / step * (total - step):.0f} s left",
                    flush=True,
                )


def _freeze(net: ReaderNet, layers: int) -> None:
    if layers:
        for part in (net.encoder.embeddings, *net.encoder.encoder.layer[:layers]):
            part.requires_grad_(False)


def _loss(net: ReaderNet, batch: Batch, recipe: Recipe, teacher: ReaderNet | None) -> torch.Tensor:
    states = _states(net, batch)
    vector = net.mean(states[-1], batch["mask"])
    tier, flag, probe = net.heads(vector, batch["days"])
    loss = verdict_loss((tier, flag, probe), batch, recipe.smoothing)
    if bool((batch["topic"] != IGNORE).any()):
        topic = net.topic(net.drop(vector))
        loss = loss + 0.5 * F.cross_entropy(topic, batch["topic"], ignore_index=IGNORE)
    if teacher is not None:
        loss = loss + recipe.teacher_weight * _unlike(teacher, batch, states, vector, (tier, flag))
    return loss


def verdict_loss(said: Sequence[torch.Tensor], batch: Batch, smoothing: float) -> torch.Tensor:
    """How far the logits of tier, flag and probe are from the labels in `batch`; those that are not known
    (`IGNORE`) count for nothing."""
    tier, flag, probe = said
    loss = tier.sum() * 0
    for logits, name, weight in ((tier, "tier", 1.0), (flag, "flag", 0.4)):
        if bool((batch[name] != IGNORE).any()):
            loss = loss + weight * F.cross_entropy(
                logits, batch[name], ignore_index=IGNORE, label_smoothing=smoothing
            )
    red = torch.logsumexp(tier[:, :2], 1) - torch.logsumexp(tier[:, 2:], 1)
    for logits, name, weight in ((red, "red", 1.0), (probe, "probe", 0.4)):
        known = batch[name] != IGNORE
        if bool(known.any()):
            loss = loss + weight * F.binary_cross_entropy_with_logits(
                logits[known], batch[name][known].float()
            )
    return loss


def _states(net: ReaderNet, batch: Batch) -> list[torch.Tensor]:
    """The words' states after each layer, reckoned in half precision, which takes two thirds of the time."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return [state.float() for state in net.states(batch["ids"], batch["mask"])]


def _unlike(
    teacher: ReaderNet,
    batch: Batch,
    states: Sequence[torch.Tensor],
    vector: torch.Tensor,
    logits: Sequence[torch.Tensor],
) -> torch.Tensor:
    """How far the network is from its teacher: verdicts, mean vector, and the words' states layer by layer.

    Each layer answers to the teacher's layer of the same relative depth.
    """
    with torch.no_grad():
        theirs = _states(teacher, batch)
        goal = teacher.mean(theirs[-1], batch["mask"])
        wanted = teacher.heads(goal, batch["days"])[:2]
    loss = vector.sum() * 0
    for ours, their in zip(logits, wanted, strict=True):
        soft = F.softmax(their / 2, dim=1)
        loss = loss + 2 * F.kl_div(F.log_softmax(ours / 2, dim=1), soft, reduction="batchmean")
    loss = loss + 2 * (1 - F.cosine_similarity(vector, goal, dim=1)).mean()
    mask = batch["mask"].unsqueeze(-1).to(vector.dtype)
    for depth in range(1, len(states)):
        example = theirs[counterpart(depth, len(states) - 1, len(theirs) - 1)]
        apart = (states[depth] - example) * mask
        loss = loss + 0.5 * apart.pow(2).sum() / (mask.sum() * vector.shape[1])
    return loss


def counterpart(depth: int, layers: int, of: int) -> int:
    """The layer of a network with `of` layers that layer `depth` of one with `layers` answers to; both count
    from 1, and the last answers to the last."""
    return (2 * depth * of + layers) // (2 * layers)


def _batches(
    samples: Sequence[Sample], tokens: Tokenizer, recipe: Recipe, chance: random.Random
) -> Iterator[Batch]:
    """Batches of messages of like length, in random order."""
    texts = [_with_noise(s.text, chance) if chance.random() < recipe.noise else s.text for s in samples]
    ids = [encoded.ids[:MAX_TOKENS] for encoded in tokens.encode_batch(texts)]
    order = sorted(range(len(samples)), key=lambda i: len(ids[i]) + chance.random() * 4)
    cuts = [order[at : at + recipe.batch] for at in range(0, len(order), recipe.batch)]
    chance.shuffle(cuts)
    for cut in cuts:
        chosen = [samples[i] for i in cut]
        days = [None if chance.random() < recipe.day_dropout else s.day for s in chosen]
        batch = padded([ids[i] for i in cut])
        batch["days"] = torch.from_numpy(np.stack([day_features(day) for day in days]))
        for name in ("tier", "flag", "probe", "red", "topic"):
            batch[name] = torch.tensor([getattr(s, name) for s in chosen])
        yield batch


def padded(ids: Sequence[Sequence[int]]) -> Batch:
    """Token ids as a rectangle with its mask; pad is piece 1."""
    longest = max(map(len, ids))
    rectangle = torch.full((len(ids), longest), 1, dtype=torch.long)
    mask = torch.zeros((len(ids), longest), dtype=torch.long)
    for row, line in enumerate(ids):
        rectangle[row, : len(line)] = torch.tensor(line)
        mask[row, : len(line)] = 1
    return {"ids": rectangle, "mask": mask}


def _with_noise(text: str, chance: random.Random) -> str:
    """`text` with one or two slips of a thumb: a letter lost, doubled or swapped."""
    letters = list(text)
    for _ in range(chance.choice((1, 1, 2))):
        if len(letters) < 4:
            break
        at = chance.randrange(1, len(letters) - 1)
        kind = chance.random()
        if kind < 0.4:
            del letters[at]
        elif kind < 0.6:
            letters.insert(at, letters[at])
        else:
            letters[at], letters[at - 1] = letters[at - 1], letters[at]
    return "".join(letters)
