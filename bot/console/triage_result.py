"""What "Try triage" shows of an explanation: its findings, odds, words and texts, ready for the template."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot import clock
from bot.clinic.facts import content_values
from bot.clinic.models import Clinic
from bot.clinic.safeguarding import leads
from bot.console.sessions import Visitor
from bot.escalation.signs import ALERT_STAYS_OPEN
from bot.messaging.models import Message
from bot.messaging.reading import safety_piece
from bot.protocols.names import person_or_team
from bot.protocols.phrases import Language, on_day
from bot.protocols.render import Situation, render
from bot.triage.explain import Explanation, Weighed
from bot.triage.reader.calibration import Decision
from bot.triage.rules import RuleBook
from bot.triage.types import Context, Finding, Tier
from bot.triage.verdict import READER, Judgement

LANGUAGES: tuple[Language, ...] = ("en", "es")
TOP_WORDS = 5
NO_WEIGHT = 0.005  #: a word that moves the probability by less says nothing by itself
STEPS = 4  #: shades of a word's weight
#: Rules outside the rule book, most special first; `strings.yml` has their reasons under `triage.why_...`.
UNWRITTEN = (
    "answer.alert-stays-open", "answer.list", "answer.media-with-words", "answer.media", "answer.pain-score",
    "answer.score-told", "answer.swelling-score", "answer.unsure", "answer.which", "answer.worried",
    "answer.yes", "hyp.maybe-real",
    "hyp.question", "neg.history", READER,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A finding, how much its rule counts for, and why the rule is there.

    `why` is the rule book's sentence, in English; without one `why_key` names the console's own. `alone` is
    the tier that the rule asks for by itself, when the verdict counts it for less.
    """

    finding: Finding
    standing: str
    why: str
    why_key: str
    alone: Tier | None = None


@dataclass(frozen=True, slots=True)
class Odds:
    """One of the reader's probabilities, and the probabilities from which triage acts on it."""

    question: str
    probability: float
    acts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the desk would text at once. `texts` are by language."""

    piece: str
    texts: tuple[tuple[Language, str], ...]


def rows(found: Explanation, book: RuleBook) -> tuple[list[Row], list[Row]]:
    """The findings that count, and those of rules that were set aside."""
    signs = {sign.finding.rule: sign for sign in found.signs}
    reasons = {rule.id: rule.why for rule in book.rules}

    def row(finding: Finding) -> Row:
        sign = signs.get(finding.rule)
        why = reasons.get(finding.rule, "")
        return Row(
            finding,
            standing=sign.standing if sign else "reader",
            why=why,
            why_key="" if why else why_key(finding.rule),
            alone=sign.finding.tier if sign and sign.finding.tier is not finding.tier else None,
        )

    kept = [row(finding) for finding in found.assessment.findings]
    counted = {finding.rule for finding in found.assessment.findings}
    aside = [row(sign.finding) for sign in found.signs if sign.finding.rule not in counted]
    return kept, sorted(aside, key=lambda one: one.finding.tier.urgency)


def why_key(rule: str) -> str:
    """The console's reason for a rule that is not in the rule book."""
    name = next((name for name in UNWRITTEN if rule.startswith(name)), "other")
    return "triage.why_" + re.sub(r"\W", "_", name)


def odds(judged: Judgement | None, decision: Decision | None) -> list[Odds]:
    """The reader's four answers, most urgent question last asked first; none when it did not read."""
    if judged is None:
        return []
    acts: dict[str, tuple[str, ...]] = {
        "red": ("page", "probe_red"),
        "emergency": ("ambulance",),
        "concern": ("same_day", "probe_concern"),
        "review": ("next_day",),
    }
    return [
        Odds(
            question,
            getattr(judged, question),
            tuple((name, getattr(decision, name)) for name in names) if decision else (),
        )
        for question, names in acts.items()
    ]


def shaded(text: str, words: Sequence[Weighed]) -> list[tuple[str, int]]:
    """`text` in pieces with their shades: 1 to `STEPS` raises, negative lowers, 0 says nothing by itself."""
    most = max((abs(word.weight) for word in words), default=0.0)
    pieces: list[tuple[str, int]] = []
    for number, piece in enumerate(re.findall(r"\s+|\S+", text.lstrip())):
        word = words[number // 2] if number % 2 == 0 and number // 2 < len(words) else None
        pieces.append((piece, _shade(word.weight, most) if word else 0))
    return pieces


def _shade(weight: float, most: float) -> int:
    if abs(weight) < max(NO_WEIGHT, most / (2 * STEPS)):
        return 0
    return int(math.copysign(math.ceil(STEPS * abs(weight) / most), weight))


def top_words(words: Sequence[Weighed]) -> list[Weighed]:
    """The words that weigh most, for or against, without the signs around them."""
    telling = [
        Weighed(re.sub(r"^\W+(?=\w)|(?<=\w)\W+$", "", word.word), word.weight)
        for word in words
        if abs(word.weight) >= NO_WEIGHT
    ]
    return sorted(telling, key=lambda word: -abs(word.weight))[:TOP_WORDS]


def percent(share: float, language: str) -> str:
    """ "31.2 %", in Spanish "31,2 %". Never 0 or 100: a probability is not a certainty."""
    if share < 0.0005:
        text = "<0.1"
    elif share > 0.9995:
        text = ">99.9"
    else:
        text = f"{100 * share:.1f}"
    return decimal(text, language) + "\u00a0%"


def decimal(text: str, language: str) -> str:
    """A number with the decimal sign of `language`."""
    return text.replace(".", ",") if language == "es" else text


def heard(session: Session, who: Visitor, found: Explanation, context: Context) -> Heard | None:
    """The safety text that this assessment sends by SMS, in both languages; None when it sends none."""
    assessment = found.assessment
    leading = assessment.findings[0].rule if assessment.findings else ""
    piece: str | None = "safety.retraction"
    if context.open_alert_tier is None or leading != ALERT_STAYS_OPEN:
        # a message of no conversation, in no session: only whether a picture came with it is asked
        piece = safety_piece(assessment, Message(media=[{}] if context.has_media else []))
    if piece is None:
        return None
    return Heard(piece, tuple(_texts(session, who, piece, found, context)))


def _texts(
    session: Session, who: Visitor, piece: str, found: Explanation, context: Context
) -> Iterator[tuple[Language, str]]:
    clinic = session.get_one(Clinic, who.clinic_id)
    named = leads(session, clinic.id)
    today = clock.now().astimezone(ZoneInfo(clinic.time_zone)).date()
    treated = None if context.day is None else today - timedelta(days=context.day)
    for language in LANGUAGES:
        situation = Situation(
            language=language,
            phase=context.phase,
            product=context.product,
            day=context.day,
            tier=found.assessment.tier.value,
            flag=found.assessment.lead_flag,
        )
        values = {
            **content_values(clinic, language, context.product),
            "treated_on_phrase": on_day(treated, language),
            "told_at": "",
            "safeguarding_lead": person_or_team(named[0].name if named else None, language, "sms"),
        }
        yield language, render(piece, situation, values).text
