"""Why a change to check-ins or to a protocol is refused. Staff get words by the reason (`strings.yml`)."""

from __future__ import annotations

from typing import NamedTuple

_CHANGE = {
    "not_running": "Only check-ins that are running can be paused.",
    "not_paused": "These check-ins are not paused.",
    "no_reason": "Say in a few words why the check-ins end early.",
    "ended": "These check-ins have ended already.",
    "gone_out": "Only a check-in that has not gone out yet can be skipped.",
}
_PROTOCOL = {
    "changed_meanwhile": "Somebody else has changed this protocol meanwhile. Look at it first.",
    "changed_by_you": "You have changed this protocol yourself meanwhile, in another tab. Look at it first.",
    "nothing": "Nothing would change, so there is no new version.",
    "choose": "This was changed in two places. Say which of the two is to hold.",
    "languages": "These words look like another language. Swap them, or tick that they are right.",
    "numbers": "Days and hours are whole numbers, like 14 and 10.",
    "empty": "A protocol has at least 1 check-in.",
    "days": "The days must rise, none of them twice.",
    "day_range": "A day is a number from 0 to 1098.",
    "hour_range": "An hour is a number from 0 to 23.",
    "ends": "A check-in starts with how the patient is and ends with anything else.",
    "twice": "A check-in asks a question twice.",
    "threshold_numbers": "Scores are whole numbers from 0 to 10, days from 0 to 1098, points from 1 to 10.",
    "threshold_empty": "Say from which answer on a person must look: else every answer would alarm.",
    "threshold_crossed": "The lowest score must not be above the highest: else no answer would alarm.",
    "threshold_stray": "A line has numbers or answers, but not how soon a person must look.",
    "branch_unknown": "A question waits for one that does not exist.",
    "branch_question": "Answers are ticked, or numbers given, but no question to wait for is chosen.",
    "branch_stray": "Answers are given for another question than the one that it waits for.",
    "branch_later": "A question can only wait for one that is asked before it.",
    "branch_answer": "Nobody can answer the earlier question like that.",
    "branch_empty": "Say after which answers it is asked.",
    "branch_numbers": "A score is a whole number from 0 to 10, a day one from 0 to 1098.",
    "branch_not_asked": "No day asks both this question and the one that it waits for.",
    "branch_signs": "The danger signs are never asked of fewer people than shipped.",
    "window_half": "Say the first and the last day, or neither.",
    "window_numbers": "Days are whole numbers from 0 to 365.",
    "window_crossed": "The last day must be after the first.",
    "words_missing": "Write the words in both languages, or in neither.",
    "words_never": "These words are on the list of what no text may say.",
    "words_braces": "A brace in the words is no placeholder.",
    "words_unknown": "There is nothing to fill these placeholders with.",
    "words_urgent": "The words must say whom to call.",
    "words_sign": "A sign makes every part of the text dearer and shorter.",
    "words_long": "The text is too long once it is filled.",
    "words_other": "The words break a rule of all texts.",
    "weaker": "Some answers reach a person later than shipped. Tick that you have weighed this.",
    "other": "This is no protocol that can be followed.",
}


class ChangeRefused(Exception):
    """The change makes no sense now. `reason` is stable; the text says why, for developers."""

    def __init__(self, reason: str) -> None:
        super().__init__(_CHANGE[reason])
        self.reason = reason


class Fault(NamedTuple):
    """A stable reason, with the question, the measure or the language that it is about, or "", and the words
    or the number that are wrong, or ""."""

    reason: str
    about: str = ""
    detail: str = ""


class ProtocolRefused(Exception):
    """A protocol cannot come into force like this, for these `faults`; the text says what to do, for
    developers."""

    def __init__(self, *reasons: str | Fault, question: str = "") -> None:
        self.faults = tuple(one if isinstance(one, Fault) else Fault(one, question) for one in reasons)
        super().__init__("; ".join(_told(fault) for fault in self.faults))


def _told(fault: Fault) -> str:
    about = f"{fault.about}: " if fault.about else ""
    return f"{about}{_PROTOCOL[fault.reason]}{f' ({fault.detail})' if fault.detail else ''}"
