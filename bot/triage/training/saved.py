"""Networks on disk while they are in training, with all that is needed to build them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bot.triage.labelled import Labelled
from bot.triage.reader.reader import FLAG_CODES
from bot.triage.training import encoder
from bot.triage.training.corpus import Corpus, corpus
from bot.triage.training.fit import Recipe, counterpart
from bot.triage.training.model import ReaderNet

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WORDS = 40_000  #: most frequent words of each language whose pieces are kept


@dataclass(frozen=True, slots=True)
class Saved:
    """A network with its tokenizer, its topics, and the recipe that it was trained by."""

    net: ReaderNet
    tokens: Tokenizer
    topics: tuple[str, ...]
    recipe: dict[str, object]


def fresh(rows: Sequence[Labelled], layers: int | None) -> tuple[ReaderNet, Tokenizer, Corpus, list[int]]:
    """An untrained network of `layers` layers (default: all), with its tokenizer, corpus and word pieces."""
    import wordfreq

    texts = corpus(rows)
    packed = encoder.unpack(encoder.weights_file())
    used = [sample.text for sample in (*texts.labelled, *texts.harmless, *texts.questions)]
    words = [word for language in ("en", "es") for word in wordfreq.top_n_list(language, WORDS)]
    kept = encoder.kept_pieces(packed, used, words)
    torch.manual_seed(Recipe(1).seed)
    net = ReaderNet(encoder.build(packed, kept, layers), len(FLAG_CODES), len(texts.topics))
    return net, _tokens(packed, kept), texts, kept


def take_layers(net: ReaderNet, teacher: ReaderNet) -> None:
    """Begin `net` with the word table, the heads, and layers of `teacher`, spread evenly."""
    ours, theirs = net.encoder.encoder.layer, teacher.encoder.encoder.layer
    net.encoder.embeddings.load_state_dict(teacher.encoder.embeddings.state_dict())
    for depth, layer in enumerate(ours, 1):
        layer.load_state_dict(theirs[counterpart(depth, len(ours), len(theirs)) - 1].state_dict())
    for name in ("hidden", "tier", "flag", "probe", "topic"):
        getattr(net, name).load_state_dict(getattr(teacher, name).state_dict())


def save(path: Path, net: ReaderNet, kept: list[int], topics: tuple[str, ...], recipe: Recipe) -> None:
    """Keep `net` in `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    layers = net.encoder.config.num_hidden_layers
    torch.save(
        {
            "state": net.state_dict(),
            "kept": kept,
            "layers": layers,
            "topics": topics,
            "recipe": asdict(recipe),
        },
        path,
    )
    print(f"{layers} layers kept in {path.name}")


def load(path: Path) -> Saved:
    """The network kept in `path`, ready to read. Raises FileNotFoundError."""
    state = torch.load(path, weights_only=False)
    packed = encoder.unpack(encoder.weights_file())
    net = ReaderNet(
        encoder.build(packed, state["kept"], state["layers"]), len(FLAG_CODES), len(state["topics"])
    )
    net.load_state_dict(state["state"])
    return Saved(net.eval(), _tokens(packed, state["kept"]), tuple(state["topics"]), state["recipe"])


def _tokens(packed: encoder.Packed, kept: list[int]) -> Tokenizer:
    return encoder.tokenizer([packed.pieces[i] for i in kept], [packed.scores[i] for i in kept])
