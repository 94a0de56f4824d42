"""What an answer about health and looks before a treatment weighs: most of what it names is no news.

Somebody who is asked about their health names medicines, illnesses and a pregnancy as a matter of course;
asked what should change, they say that one side hangs or that an eye looks small. A clinician reads the
answers before anything is planned. Danger stays danger: a medicine that was stopped, a sign in plain words.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.triage.normalise import bare_words
from bot.triage.types import Finding, Tier

if TYPE_CHECKING:
    from bot.triage.verdict import Judgement

#: What nobody says of how they have always looked: it has changed, it is cold, it was injected days ago.
_NEWLY = re.compile(
    r"\b(?:gone|going|went|turned|turning) (?:all |so |a bit |very )?"
    r"(?:white|pale|gr[ae]y|blue|purple|black|dusky|mottled|cold|numb)\b"
    r"|\b(?:white|pale|gr[ae]y|blue|purple|mottled) and (?:cold|painful|it hurts|hurts|numb)\b"
    r"|\b(?:blanc[oa]s?|palid[oa]s?|gris|azul|morad[oa]s?) y (?:fri[oa]s?|(?:me )?duele)\b"
    r"|\bse me (?:ha|han|esta|estan) (?:puesto|poniendo|quedado|quedando)\b"
    r"|\bse (?:me )?(?:puso|quedo) (?:blanc|palid|gris|azul|morad|fri)"
    r"|\bponiendo (?:blanc|palid|gris|azul|morad|negr)"
    r"|\b(?:an?|\d+|two|three|a few) (?:hours?|days?) ago\b|\b(?:yesterday|this morning|last night)\b"
    r"|\bhace (?:una?|\d+|dos|tres|unos|unas) (?:horas?|dias?)\b|\b(?:ayer|anoche|esta manana)\b"
)
#: Flags that such answers name as a matter of course.
EXPECTED = frozenset({"MED", "PRG", "HSV", "MIN", "NEG", "HYP", "COS"})


def of_finding(finding: Finding) -> Finding:
    """What is left of a rule's finding: what is on file there needs nobody now."""
    if finding.tier.at_least_as_urgent_as(Tier.T1 if finding.flag in EXPECTED else Tier.T2):
        return finding
    return replace(finding, tier=Tier.T4, probe=False)


def is_new(text: str) -> bool:
    """Whether `text` says that something has changed or was done of late."""
    return _NEWLY.search(bare_words(text)) is not None


def of_judgement(judged: Judgement, flag: str, *, supported: bool) -> Judgement:
    """What is left of the reader's judgement, whose likeliest flag is `flag`.

    The reader has learned from people who were treated, and how somebody has always looked reads to it like a
    sign. So by itself it only asks about red flags, and only where it would have paged ("I am 38" is no
    fever); it pages when a rule finds a sign too, or the words tell of a change (`supported`). A crisis is no
    matter of treatment: there its word is enough.
    """
    if flag in EXPECTED or judged.tier in (Tier.T3, Tier.T4):
        return replace(judged, tier=Tier.T4, probe=False)
    if judged.tier.at_least_as_urgent_as(Tier.T1) and not supported and flag != "PSY":
        return replace(judged, tier=Tier.T3, probe=True)
    return judged
