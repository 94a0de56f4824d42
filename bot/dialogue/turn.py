"""What is known about the message of this turn: the metadata that travels with it through Rasa.

Without metadata (`rasa shell`) the turn is English, on the web, for nobody in particular, with the
catalogue's values; then nothing is written to the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast

from bot.protocols.render import Situation, clinic_values

#: What a check-in asks that belongs to no protocol (`rasa shell`).
DEFAULT_CHECK_IN = ("pain", "swelling", "red_flags", "other")
#: What is said instead of a text that the clinic has not approved.
NOT_APPROVED = "dialogue.not_approved"
#: Stand-ins for a clinic's facts where no clinic is known. Plainly not a real clinic.
NO_CLINIC: Mapping[str, object] = {
    "clinic_name": {"en": "the clinic", "es": "la clínica"},
    "clinic_phone": "+15550100100",
    "emergency_phone": "+15550100100",
    "emergency_number": "911",
    "crisis_line": "988",
    "hours_text": {"en": "Monday to Friday, 9 to 17", "es": "lunes a viernes, de 9 a 17"},
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One message's facts. `day` counts whole local days since treatment; `tier` is "T0" to "T4"."""

    message_id: str | None = None
    patient_id: str | None = None
    language: Literal["en", "es"] = "en"
    channel: Literal["sms", "web"] = "web"
    areas: tuple[str, ...] = ()
    figures: bool = False
    phase: Literal["before", "after"] | None = None
    product: str | None = None
    day: int | None = None
    tier: str | None = None
    flags: tuple[str, ...] = ()
    open_alert: str | None = None  #: its tier
    probe: bool = False
    safety_sent: bool = False
    question: str | None = None
    #: the number of which triage asked what it means; and the question of triage that is open after its words
    number: int | None = None
    asked_now: str | None = None
    check_in_id: str | None = None
    #: what the check-in that starts asks, in order; its local day; and the scores of the one before
    check_in_asks: tuple[str, ...] = DEFAULT_CHECK_IN
    check_in_day: int = 0
    check_in_before: Mapping[str, int] = field(default_factory=dict)
    #: conditions of the clinic's own on which it asks a question, as data; None: it asks everybody
    check_in_only_if: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    #: pieces that the clinic says in words of its own, by id, as data
    own_words: Mapping[str, Any] = field(default_factory=dict)
    #: topics that the clinic has not approved, or has retired: staff answer them
    withheld: frozenset[str] = frozenset()

    @classmethod
    def of(cls, metadata: Mapping[str, Any] | None) -> Self:
        """The turn that `metadata` describes; anything unknown or malformed is left at its default."""
        given = metadata or {}
        product = given.get("product")
        language = "es" if given.get("language") == "es" else "en"
        phase = given.get("phase")
        values = given.get("values") or _default_values(language, product)
        return cls(
            message_id=given.get("message_id"),
            patient_id=given.get("patient_id"),
            language=cast(Literal["en", "es"], language),
            channel="sms" if given.get("channel") == "sms" else "web",
            areas=tuple(given.get("areas") or ()),
            figures=bool(given.get("figures")),
            phase=phase if phase in ("before", "after") else None,
            product=product,
            day=given.get("day"),
            tier=given.get("tier"),
            flags=tuple(given.get("flags") or ()),
            open_alert=given.get("open_alert"),
            probe=bool(given.get("probe")),
            safety_sent=bool(given.get("safety_sent")),
            question=given.get("question"),
            number=given.get("number"),
            asked_now=given.get("asked_now"),
            check_in_id=given.get("check_in_id"),
            check_in_asks=tuple(given.get("check_in_asks") or DEFAULT_CHECK_IN),
            check_in_day=given.get("check_in_day") or 0,
            check_in_before=given.get("check_in_before") or {},
            check_in_only_if=given.get("check_in_only_if") or {},
            values={"first_name": "", **values},
            own_words=given.get("own_words") or {},
            withheld=frozenset(given.get("withheld") or ()),
        )

    @property
    def treated(self) -> bool:
        """Whether the sender is a patient who has been treated."""
        return self.patient_id is not None and self.phase == "after"

    @property
    def situation(self) -> Situation:
        """What decides the wording."""
        return Situation(
            self.language,
            self.channel,
            self.phase,
            self.product,
            self.day,
            self.tier,
            areas=self.areas,
            figures=self.figures,
        )


def _default_values(language: str, product: str | None) -> dict[str, str]:
    return clinic_values(NO_CLINIC, cast(Literal["en", "es"], language), product)
