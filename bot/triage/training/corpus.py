"""What the network is trained on: labelled messages, the dialogue's topic examples, ordinary chat."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.triage.evaluation.run import training_chat
from bot.triage.labelled import EVERYDAY, ROOT, Labelled
from bot.triage.reader.reader import FLAG_CODES
from bot.triage.reader.text import reader_text
from bot.triage.training.fit import Recipe
from bot.triage.training.samples import IGNORE, Sample
from bot.triage.types import Tier

NLU = ROOT.parent / "nlu"
#: Topics whose questions may be about a sign: their text says nothing about urgency.
_MAYBE_SIGNS = ("recovery.", "candidacy.blood_thinners", "candidacy.allergy")
#: Of each epoch: so many topic questions and so many lines of ordinary chat, drawn anew.
TOPICS_PER_EPOCH = 2000
CHAT_PER_EPOCH = 8000
#: Of the batches that hold nothing but harmless messages every epoch shows a half, drawn anew.
_HARMLESS = frozenset({"harmless", "wishes", *EVERYDAY})
_ENTITY = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")
#: Days under which chat is shown, so that a day by itself never means a sign.
DAYS = (None, None, 0, 1, 2, 3, 5, 9, 20)
#: The flag of what is none of ours.
NOTHING = FLAG_CODES.index("NEG")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything to train on. `topics` names the topic head's outputs in their order."""

    labelled: list[Sample]
    harmless: list[Sample]
    questions: list[Sample]
    chat: list[str]
    topics: tuple[str, ...]

    def epochs(self, recipe: Recipe) -> list[list[Sample]]:
        """The samples of each epoch of `recipe`."""
        chance = random.Random(recipe.seed)
        return [self.epoch(chance) for _ in range(recipe.epochs)]

    def epoch(self, chance: random.Random) -> list[Sample]:
        """One epoch's samples."""
        questions = chance.sample(self.questions, min(TOPICS_PER_EPOCH, len(self.questions)))
        chat = chance.sample(self.chat, min(CHAT_PER_EPOCH, len(self.chat)))
        return [
            *self.labelled,
            *chance.sample(self.harmless, len(self.harmless) // 2),
            *questions,
            *(
                Sample(reader_text(line), chance.choice(DAYS), tier=4, flag=NOTHING, probe=0, red=0)
                for line in chat
            ),
        ]


def corpus(rows: Sequence[Labelled]) -> Corpus:
    """The corpus over the training `rows`."""
    pairs = list(_topic_examples())
    topics = tuple(sorted({topic for topic, _text in pairs}))
    questions = [
        Sample(
            reader_text(text),
            topic=topics.index(topic),
            red=IGNORE if topic.startswith(_MAYBE_SIGNS) else 0,
        )
        for topic, text in pairs
    ]
    return Corpus(
        [sample(row) for row in rows if row.author not in _HARMLESS],
        [sample(row) for row in rows if row.author in _HARMLESS],
        questions,
        training_chat(),
        topics,
    )


def sample(row: Labelled) -> Sample:
    """A labelled message as the network is shown it."""
    return Sample(
        text=reader_text(row.text),
        day=row.day,
        tier=row.tier.urgency,
        flag=FLAG_CODES.index(row.flag),
        probe=int(row.probe or row.tier is Tier.T2),
        red=int(row.red),
    )


def _topic_examples(folder: Path = NLU) -> Iterator[tuple[str, str]]:
    """(topic, example) of the dialogue's training data; intents without a group are no topics."""
    for path in sorted(folder.glob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")).get("nlu", ()):
            intent = str(entry.get("intent", ""))
            if "." not in intent:
                continue
            for line in str(entry.get("examples", "")).splitlines():
                text = _ENTITY.sub(r"\1", line.removeprefix("- ").strip())
                if text:
                    yield intent, text
