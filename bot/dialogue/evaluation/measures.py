"""The measures of understanding, each with its definition. Pure: judged questions in, numbers out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.dialogue.evaluation.questions import Question
from bot.dialogue.topics import TOPIC_OF_INTENT, resolve
from bot.triage.evaluation.measures import Share

#: Each measure in a sentence, for the report. Shares are of all the questions in the row of the table.
DEFINITIONS = {
    "right": "the topic of the question's label, or one that the label also accepts (`also_ok`)",
    "at once": "the dialogue answers or acts on a topic without asking back, in a conversation that begins "
    "with the question; of two topics answered together, the one that the whole message is about",
    "right at once": "answered at once with a right topic",
    "right or offered": "right at once, or a right topic is among the choices offered",
    "offered": "the dialogue answers with up to three choices, whether or not a right one is among them",
    "confidently wrong": "answered at once with a topic that is not right",
    "handed back": "the dialogue asks to say it another way and offers no choices",
    "no question": "taken for something else than a question: a symptom to report, the start of the intake, "
    "a never mind",
    "interval": "Wilson 95 % interval of a share, behind count and total",
    "phase known": "the dialogue is told that the sender's treatment is still to come, or is done",
    "phase withheld": "the same questions, asked once more as by somebody whose treatments nobody knows",
    "triage": "left out: every question is read as if triage had found nothing in it",
}
#: What is said when a question is handed back.
ASKS_AGAIN = "dialogue.fallback"


@dataclass(frozen=True, slots=True)
class Judged:
    """A question and what the dialogue did with it.

    `topic` is what it answered at once, None when it did not. `said` are the ids of the pieces it said.
    `ranking` holds (intent, confidence 0-1), likeliest first; `both` the topics of a message that surely asks
    two things.
    """

    row: Question
    topic: str | None
    offered: tuple[str, ...]
    said: tuple[str, ...]
    ranking: tuple[tuple[str, float], ...]
    both: tuple[str, ...] = ()

    @property
    def right_at_once(self) -> bool:
        """See `DEFINITIONS`."""
        return self.topic in self.row.right

    @property
    def right_or_offered(self) -> bool:
        """See `DEFINITIONS`."""
        return self.right_at_once or not self.row.right.isdisjoint(self.offered)

    @property
    def was_offered(self) -> bool:
        """See `DEFINITIONS`."""
        return self.topic is None and bool(self.offered)

    @property
    def confidently_wrong(self) -> bool:
        """See `DEFINITIONS`."""
        return self.topic is not None and not self.right_at_once

    @property
    def handed_back(self) -> bool:
        """See `DEFINITIONS`."""
        return self.topic is None and not self.offered and ASKS_AGAIN in self.said

    @property
    def no_question(self) -> bool:
        """See `DEFINITIONS`."""
        return self.topic is None and not self.offered and ASKS_AGAIN not in self.said

    @property
    def confidence(self) -> float:
        """How likely the likeliest intent is, 0 to 1."""
        return self.ranking[0][1] if self.ranking else 0.0

    @property
    def likeliest(self) -> str:
        """The topic answered, or else the likeliest topic or intent; "-" when nothing was read."""
        if self.topic is not None or not self.ranking:
            return self.topic or "-"
        intent = self.ranking[0][0]
        return resolve(TOPIC_OF_INTENT.get(intent, intent), self.row.phase)


@dataclass(frozen=True, slots=True)
class Line:
    """The shares that every row of the report shows, for one slice of the questions."""

    name: str
    right_at_once: Share
    right_or_offered: Share
    offered: Share
    confidently_wrong: Share
    handed_back: Share
    no_question: Share

    @property
    def count(self) -> int:
        """How many questions the slice has."""
        return self.right_at_once.total


def line(name: str, judged: Sequence[Judged]) -> Line:
    """The shares of `judged`."""

    def share(of: Callable[[Judged], bool]) -> Share:
        return Share(sum(map(of, judged)), len(judged))

    return Line(
        name,
        right_at_once=share(lambda one: one.right_at_once),
        right_or_offered=share(lambda one: one.right_or_offered),
        offered=share(lambda one: one.was_offered),
        confidently_wrong=share(lambda one: one.confidently_wrong),
        handed_back=share(lambda one: one.handed_back),
        no_question=share(lambda one: one.no_question),
    )


#: Slices in which understanding must be as good as over all. Words are what spaces part.
SLICES: dict[str, Callable[[Question], bool]] = {
    "English": lambda row: row.lang == "en",
    "Spanish": lambda row: row.lang == "es",
    "phase known": lambda row: row.phase is not None,
    "phase unknown": lambda row: row.phase is None,
    "1-4 words": lambda row: row.words <= 4,
    "5-12 words": lambda row: 5 <= row.words <= 12,
    "13 words and more": lambda row: row.words >= 13,
}


def slice_lines(judged: Sequence[Judged]) -> list[Line]:
    """One line over all, and one for each slice."""
    parts = [line(name, [one for one in judged if belongs(one.row)]) for name, belongs in SLICES.items()]
    return [line("all", judged), *parts]


def topic_lines(judged: Sequence[Judged]) -> list[Line]:
    """One line for each topic of the labels, the least often right first."""
    names = sorted({one.row.topic for one in judged})
    lines = [line(name, [one for one in judged if one.row.topic == name]) for name in names]
    return sorted(lines, key=lambda one: (one.right_at_once.value, one.right_or_offered.value))


@dataclass(frozen=True, slots=True)
class Confusion:
    """Questions about `topic` that read most like `read_as`; `at_once` of them were answered so."""

    topic: str
    read_as: str
    count: int
    at_once: int
    example: str


def confusions(judged: Iterable[Judged]) -> list[Confusion]:
    """Which topics are taken for which, the most frequent first; what was offered or handed back counts too.

    The example is a question that was answered wrongly at once, where there is one.
    """
    mixed: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        if one.likeliest not in one.row.right:
            mixed.setdefault((one.row.topic, one.likeliest), []).append(one)
    found = []
    for (topic, read_as), ones in mixed.items():
        wrong = [one for one in ones if one.confidently_wrong]
        found.append(Confusion(topic, read_as, len(ones), len(wrong), (wrong or ones)[0].row.text))
    return sorted(found, key=lambda one: (-one.count, -one.at_once, one.topic, one.read_as))
