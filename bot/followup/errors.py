"""Why a change to check-ins or to a protocol is refused. Staff get words by the reason (`strings.yml`)."""

from __future__ import annotations

_CHANGE = {
    "not_running": "Only check-ins that are running can be paused.",
    "not_paused": "These check-ins are not paused.",
    "no_reason": "Say in a few words why the check-ins end early.",
    "ended": "These check-ins have ended already.",
    "gone_out": "Only a check-in that has not gone out yet can be skipped.",
}
_PROTOCOL = {
    "changed_meanwhile": "Somebody else has changed this protocol meanwhile. Look at it first.",
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
    "weaker": "Some answers reach a person later than shipped. Tick that you have weighed this.",
    "other": "This is no protocol that can be followed.",
}


class ChangeRefused(Exception):
    """The change makes no sense now. `reason` is stable; the text says why, for developers."""

    def __init__(self, reason: str) -> None:
        super().__init__(_CHANGE[reason])
        self.reason = reason


class ProtocolRefused(Exception):
    """A protocol cannot come into force like this. `faults` are stable reasons, each with the question that
    it is about, or ""; the text says what to do, for developers."""

    def __init__(self, *reasons: str, question: str = "") -> None:
        about = f"{question}: " if question else ""
        super().__init__("; ".join(f"{about}{_PROTOCOL[reason]}" for reason in reasons))
        self.faults = tuple((reason, question) for reason in reasons)
