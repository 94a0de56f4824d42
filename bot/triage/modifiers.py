"""What surrounds a sign and changes its meaning: denied, supposed, long past, over, about someone else.

Every cue is a group of `lexicon.yml`; this module says only how far each one reaches. Someone's opinion
("my husband says it's nothing"), politeness and tone are no cues: they never lower anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.triage.matcher import Span, View
from bot.triage.normalise import JOINTS
from bot.triage.rules import Modifier
from bot.triage.types import Context

#: Words with which a statement of one's own begins after "and".
STATES = frozenset({"my", "i", "im", "ive", "its", "the", "theres", "cant", "now", "mi", "tengo", "veo", "me",
                    "estoy", "siento", "la", "el", "ya", "ahora"})  # fmt: skip
NEGATION_REACH = 6
PET_REACH = 6


@dataclass(slots=True)
class Modifiers:
    """For each word of the message, which modifiers reach it; and facts on the whole message."""

    negated: list[bool]
    hypothetical: list[bool]
    history: list[bool]
    media: list[bool]
    pet: list[bool]
    relative: list[bool]
    resolved: bool
    improving: bool
    returning: bool  #: worse, spreading or back after better: cancels `resolved` and `improving`
    recent: bool  #: said to be today, now or since the treatment
    past: bool  #: said to be days ago or soon after a treatment that is longer ago
    worried_if: bool  #: "should I worry if ...": may be real
    treatment: bool  #: the message itself speaks of a treatment
    self_asked: bool

    def on(self, span: Span) -> set[Modifier]:
        """The modifiers that reach the sign at `span`."""
        start, end = span
        found: set[Modifier] = set()
        if self.negated[start]:
            found.add("negated")
        for name in ("hypothetical", "history", "media", "pet", "relative"):
            if any(getattr(self, name)[start:end]):
                found.add(name)
        if self.resolved and not self.returning:
            found.add("resolved")
        if self.improving and not self.returning:
            found.add("improving")
        return found


def find(view: View, context: Context) -> Modifiers:
    """Read the modifiers of a message."""
    size = len(view.reading.words)
    spans = view.spans
    treatment = "@treatment" in spans
    recent = "@recent" in spans
    modifiers = Modifiers(
        negated=_negated(view),
        hypothetical=[False] * size,
        history=[False] * size,
        media=[False] * size,
        pet=[False] * size,
        relative=[False] * size,
        resolved="@resolved" in spans,
        improving="@improving" in spans,
        returning="@returning" in spans,
        recent=recent,
        past="@past_days" in spans,
        worried_if="@worried_if" in spans,
        treatment=treatment,
        self_asked="@if_me" in spans,
    )
    if "@already" not in spans:
        for cue in ("@hypothetical", "@worried_if"):
            for start, end in spans.get(cue, ()):
                _mark(modifiers.hypothetical, view.reading.sentence, start, _stated(view, end))
    sentence = view.reading.sentence
    for start, _end in spans.get("@asks_general", ()):
        opens = start == 0 or sentence[start - 1] != sentence[start]
        if opens and sentence[start] in view.reading.asked:
            _mark(modifiers.hypothetical, sentence, start, size)
    for start, _end in spans.get("@history", ()):
        _mark_all(modifiers.history, view.reading.clause, start)
    if "@mine_too" not in spans:
        for start, _end in spans.get("@media", ()):
            _mark(modifiers.media, view.reading.clause, start, size)
    for start, end in spans.get("@pet", ()):
        _mark(
            modifiers.pet, view.reading.clause, start, min(end + PET_REACH, _stated(view, end, anything=True))
        )
    # A relative's sign counts when this relative was treated here; without any word of a treatment it is
    # somebody's illness that explains a diary, not a sign to act on.
    known = context.day is not None or treatment
    for start, _end in spans.get("@relative", ()):
        if not known or modifiers.history[start] or "@elsewhere" in spans:
            _mark_all(modifiers.relative, view.reading.sentence, start)
    return modifiers


def _stated(view: View, after: int, *, anything: bool = False) -> int:
    """Where, from word `after` on, "and my ..." or "and i ..." begins to state something of one's own.

    With `anything`, where any "and" stands.
    """
    words, part = view.reading.words, view.reading.part
    for at in range(max(after, 1), len(words) - 1):
        if part[at] != part[at - 1] and words[at] in JOINTS and (anything or words[at + 1] in STATES):
            return at
    return len(words)


def _mark(flags: list[bool], unit: tuple[int, ...], start: int, stop: int) -> None:
    for position in range(start, min(stop, len(flags))):
        if unit[position] != unit[start]:
            break
        flags[position] = True


def _mark_all(flags: list[bool], unit: tuple[int, ...], at: int) -> None:
    _mark(flags, unit, at, len(flags))
    for position in range(at, -1, -1):
        if unit[position] != unit[at]:
            break
        flags[position] = True


def _negated(view: View) -> list[bool]:
    words, clause, sentence = view.reading.words, view.reading.clause, view.reading.sentence
    size = len(words)
    flags = [False] * size
    not_cues = {at for start, end in view.spans.get("@no_negation", ()) for at in range(start, end)}
    stops = {start for start, _end in view.spans.get("@contrast", ())}
    # "No blurring, double images or pain": an "or" later in the sentence ties the list to its first word.
    cues = [span for span in view.spans.get("@negation", ()) if span[0] not in not_cues]
    again = {start for start, _end in cues}
    for start, end in cues:
        whole = "@negation_list" in view.spans and (start, end) in view.spans["@negation_list"]
        left = NEGATION_REACH
        for at in range(end, size):
            outside = sentence[at] != sentence[start] if whole else clause[at] != clause[start]
            if outside or at in stops or (not whole and (left <= 0 or at in again)):
                break
            if words[at] in ("and", "y", "e") and not whole and _more_than_one(clause, at):
                break
            if words[at] in ("or", "nor", "ni", "o", "no"):
                left = NEGATION_REACH
            flags[at] = True
            left -= 1
    for start, end in view.spans.get("@answered_no", ()):
        # "Pain? No." and "pain: nil": the answer stands after what it denies
        sentence_before = sentence[start] - 1
        alone = start == 0 or sentence[start - 1] != sentence[start]
        if (
            alone
            and (end == size or sentence[end] != sentence[start])
            and sentence_before in view.reading.asked
        ):
            for at in range(start - 1, -1, -1):
                if sentence[at] != sentence_before:
                    break
                flags[at] = True
        elif (
            not alone
            and clause[start] - clause[start - 1] <= 1
            and (end == size or clause[end] != clause[start])
        ):
            flags[start - 1] = True
    return flags


def _more_than_one(clause: tuple[int, ...], at: int) -> bool:
    """Whether more than one word follows `at` in its clause ("no pain and swelling" has one)."""
    return at + 2 < len(clause) and clause[at + 2] == clause[at]
