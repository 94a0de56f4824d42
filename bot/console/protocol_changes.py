"""What a protocol says and what differs between two versions, in words for staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from bot.clinic.models import Staff
from bot.console.strings import Translate
from bot.followup import differences, protocols
from bot.followup.asking import FIRST
from bot.followup.branches import ALWAYS
from bot.followup.differences import Difference, Part
from bot.protocols.lint import LANGUAGES
from bot.protocols.schema import ANSWERS, Branch, Contact, Schedule, Threshold, Wording


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the clinic's own: who, when, why, and what it changed; None where the version before it
    is not known any more."""

    number: int
    author_id: str
    author: str
    at: datetime
    note: str
    changed: list[str] | None


@dataclass(frozen=True, slots=True)
class Override:
    """A part that somebody else has changed too: its name, what holds now, what would hold, which of the two
    was chosen ("" for neither), and the field that says so."""

    field: str
    label: str
    theirs: str
    mine: str
    chosen: str


def history(session: Session, clinic_id: str, protocol_id: str, t: Translate) -> list[Version]:
    """The clinic's own versions, newest first."""
    found = []
    for row in protocols.versions(session, clinic_id, protocol_id):
        before, after = (
            protocols.at_version(session, clinic_id, protocol_id, version)
            for version in (row.version - 1, row.version)
        )
        changed = None if before is None or after is None else told(before, after, t)
        author = session.get_one(Staff, row.author_id)
        found.append(Version(row.version, author.id, author.name, row.created_at, row.note, changed))
    return found


def overrides(found: Sequence[Difference], chosen: Mapping[str, str], t: Translate) -> list[Override]:
    """What must be chosen, in words."""
    return [
        Override(
            one.part.key,
            _label(one.part, t),
            _value(one.part, one.before, t),
            _value(one.part, one.after, t),
            chosen.get(one.part.key, ""),
        )
        for one in found
    ]


def told(old: Schedule, new: Schedule, t: Translate) -> list[str]:
    """What is other in `new`, a sentence each; empty when nothing is."""
    sentences = []
    for (kind, day), several in groupby(
        differences.changes(old, new), key=lambda one: (one.part.kind, one.part.day)
    ):
        if kind == "asks" and day is not None:
            sentences += _asks(day, list(several), t)
        else:
            sentences += [_sentence(one, t) for one in several]
    return sentences


def _asks(day: int, several: Sequence[Difference], t: Translate) -> list[str]:
    sentences = []
    for key, asked in (("change_asks_more", True), ("change_asks_less", False)):
        names = [one.part.about for one in several if one.after is asked]
        if names:
            sentences.append(t(f"protocol.{key}", day=day, questions=_questions(names, t)))
    return sentences


def _sentence(one: Difference, t: Translate) -> str:
    part, before, after = one
    if part.kind == "moved":
        return t("protocol.change_moved", day=before, to=after)
    if part.kind == "day" and after is None:
        return t("protocol.change_removed", day=part.day)
    if part.kind == "day":
        return t("protocol.change_added", day=part.day, what=_value(part, after, t))
    label, new, old = _label(part, t), _value(part, after, t), _value(part, before, t)
    return t("protocol.change_line", what=label, new=new, old=old)


def _label(part: Part, t: Translate) -> str:
    if part.kind in ("threshold", "branch", "window"):
        return t(f"protocol.part_{part.kind}", question=t(f"question.{part.about}"))
    if part.kind == "asks":
        return t("protocol.part_asks", day=part.day, question=t(f"question.{part.about}"))
    return t(f"protocol.part_{part.kind}", **({} if part.day is None else {"day": part.day}))


def _value(part: Part, value: Any, t: Translate) -> str:
    """What a part says."""
    if part.kind == "day":
        return t("protocol.value_no_day") if value is None else _contact(value, t)
    if part.kind == "day_hour":
        return t("protocol.value_usual_hour") if value is None else str(value)
    if part.kind == "asks":
        return t("protocol.value_asked" if value else "protocol.value_not_asked")
    if part.kind == "threshold":
        return thresholds(value, t)
    if part.kind == "branch":
        return condition(value, t)
    if part.kind == "window":
        return t("protocol.window_none") if value is None else t("protocol.window_days", **_days(value))
    if part.kind == "words":
        return _words(value, t)
    return str(value)


def _contact(contact: Contact, t: Translate) -> str:
    names = [str(name) for name in contact.ask if name not in ALWAYS] or [FIRST]
    hour = "" if contact.hour is None else t("protocol.value_at_hour", hour=contact.hour)
    return t("protocol.value_day", questions=_questions(names, t)) + hour


def _questions(names: Sequence[str], t: Translate) -> str:
    return ", ".join(t(f"question.{name}") for name in names)


def _days(window: tuple[int, int]) -> dict[str, int]:
    return {"first": window[0], "last": window[1]}


def _words(words: Wording | None, t: Translate) -> str:
    if words is None:
        return t("protocol.value_usual_words")
    return " / ".join(f"“{getattr(words, language)}”" for language in LANGUAGES)


def tier(name: str, t: Translate) -> str:
    """How soon a person must look."""
    return f"{name} {t(f'tier.{name}')}"


def thresholds(several: Sequence[Threshold], t: Translate) -> str:
    """Which answers a person must look at, and how soon."""
    return "; ".join(_threshold(one, t) for one in several) or t("protocol.told_none")


def _threshold(one: Threshold, t: Translate) -> str:
    said = [_answers(one.among, t)] if one.among else []
    for name in ("at_least", "at_most", "worse_by"):
        number = getattr(one, name)
        if number is not None:
            said.append(t(f"protocol.told_{name}", n=number))
    if one.from_day:
        said.append(t("protocol.told_from_day", n=one.from_day))
    return f"{tier(one.tier, t)}: {' '.join(said)}"


def condition(branch: Branch | None, t: Translate) -> str:
    """Whom a question is asked."""
    if branch is None:
        return t("protocol.everybody")
    at_least = branch.at_least
    after = _answers(branch.among, t) if at_least is None else t("protocol.told_at_least", n=at_least)
    from_day = f" {t('protocol.told_from_day', n=branch.from_day)}" if branch.from_day else ""
    return f"{t('protocol.waits_for')} {t(f'question.{branch.question}')}: {after}{from_day}"


def _answers(values: Sequence[str], t: Translate) -> str:
    return ", ".join(t(f"answer.{value}") if value in ANSWERS else value for value in values)
