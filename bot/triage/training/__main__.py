"""Train the reader from the data in the repository and write what is served to `models/triage-reader`.

    python -m bot.triage.training split    # group look-alikes, write data/triage/splits.csv
    python -m bot.triage.training teach    # fine-tune the whole encoder
    python -m bot.triage.training fit      # fine-tune the served half of it, with the whole as its teacher
    python -m bot.triage.training finish   # export, character model, calibration

`make train-reader` runs all four in their own environment; after a change of rules `finish` is enough.
"""

from __future__ import annotations

import argparse
from collections import Counter

from bot.triage.labelled import ROOT, Labelled, assign, read, read_splits, write_splits

STATE = ROOT.parents[1] / "var" / "triage-reader"
LAYERS = 8  #: of the served network, of 12: see the model card for what fewer and more cost


def split() -> None:
    """Assign every labelled message to a split."""
    assigned = assign(read())
    write_splits(assigned)
    print("splits:", dict(Counter(split for _group, split in assigned.values())))


def teach() -> None:
    """Fine-tune the whole encoder, the teacher of the one that is served."""
    from bot.triage.training.fit import Recipe, train
    from bot.triage.training.saved import fresh, save

    net, tokens, texts, kept = fresh(_rows("train"), layers=None)
    recipe = Recipe(epochs=3, frozen_layers=2)
    train(net, tokens, texts.epochs(recipe), recipe)
    save(STATE / "teacher.pt", net, kept, texts.topics, recipe)


def fit() -> None:
    """Fine-tune the served network, layers of its teacher, on labels and teacher."""
    from bot.triage.training.fit import Recipe, train
    from bot.triage.training.saved import fresh, load, save, take_layers

    teacher = load(STATE / "teacher.pt")
    net, tokens, texts, kept = fresh(_rows("train"), layers=LAYERS)
    take_layers(net, teacher.net)
    recipe = Recipe(epochs=3)
    train(net, tokens, texts.epochs(recipe), recipe, teacher.net)
    save(STATE / "net.pt", net, kept, texts.topics, recipe)


def finish() -> None:
    """Export the network, fit what stands on it, and seal the artefact."""
    from bot.triage.training.finish import finish as run

    run(STATE / "net.pt", {part: _rows(part) for part in ("train", "development", "calibration")})


def _rows(part: str) -> list[Labelled]:
    splits = read_splits()
    return [row for row in read() if splits[row.id] == part]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bot.triage.training", description=__doc__)
    steps = {"split": split, "teach": teach, "fit": fit, "finish": finish}
    parser.add_argument("step", choices=[*steps, "all"])
    chosen = parser.parse_args().step
    for name, step in steps.items():
        if chosen in (name, "all"):
            step()
