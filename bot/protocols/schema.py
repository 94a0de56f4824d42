"""The shape of approved clinical content. Wording lives in `content/*.yml`, never in Python.

A *piece* of content has a stable id, a version and a status. It holds variants; the first variant whose
`when` fits the patient's situation is used. Each variant has one text per language and channel length.
Texts may use `{placeholders}`: clinic facts and aftercare settings (see `render.py`).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Status = Literal["draft", "approved", "retired"]
Kind = Literal["topic", "safety", "dialogue", "check_in", "intake", "page", "staff"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Strict):
    """When a variant applies. Every field that is set must fit; an empty condition always fits.

    `day_min`/`day_max` are whole local days since treatment, inclusive. `area` fits when one of them was
    treated. `figures` is for words that tell numbers, where the clinic has approved showing them. `tier`
    and `flag` serve safety texts.
    """

    phase: Literal["before", "after"] | None = None
    product: tuple[str, ...] = ()
    area: tuple[str, ...] = ()
    figures: bool = False
    day_min: int | None = None
    day_max: int | None = None
    tier: tuple[str, ...] = ()
    flag: tuple[str, ...] = ()


class Wording(_Strict):
    """The same meaning in both languages."""

    en: str = Field(min_length=1)
    es: str = Field(min_length=1)


class Variant(_Strict):
    """`sms` is at most 320 characters once rendered; `web` may say more and falls back to `sms`."""

    when: Condition = Condition()
    sms: Wording
    web: Wording | None = None


class Piece(_Strict):
    """One approved thing to say, with its sources (keys of `sources.yml`)."""

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
    kind: Kind
    title: Wording
    version: int = Field(ge=1)
    status: Status = "draft"
    sources: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = Field(min_length=1)


class Source(_Strict):
    """Where a fact comes from. `weak` marks commercial pages and mirrors."""

    citation: str
    weak: bool = False


class Product(_Strict):
    """A catalogue product: what it is called, and words patients use for it."""

    id: str
    name: str
    maker: str
    family: str
    composition: Wording
    areas_not_established: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


#: What a check-in can ask. The dialogue has a slot for each (`domain.yml`), and triage knows some by name.
QuestionId = Literal[
    "overall",
    "pain",
    "swelling",
    "bruising",
    "tenderness",
    "lumps",
    "red_flags",
    "satisfaction",
    "gais",
    "photo",
    "other",
]
#: What answers that are one of a few can be (`questions.yml`, and yes, no and pictures).
ANSWERS = (
    *("well", "so_so", "unwell", "yes", "no", "sent", "skipped"),
    *("very_much_improved", "much_improved", "improved", "no_change", "worse"),
)
#: The last local day after a treatment on which something is asked.
LAST_DAY = 3 * 366
Answer = Literal["scale", "choice", "yes_no", "signs", "photo", "text"]


class Choice(_Strict):
    """One of a few answers: its value in the record, and its name."""

    value: str = Field(pattern=r"^[a-z_]+$")
    label: Wording


class Threshold(_Strict):
    """When an answer needs a person, and how soon. Every field that is set must fit.

    `worse_by`: points more than in the check-in before. `from_day`: local days since the treatment.
    """

    tier: Literal["T1", "T2", "T3"]
    at_least: int | None = None
    at_most: int | None = None
    worse_by: int | None = Field(default=None, ge=1)
    among: tuple[str, ...] = ()
    from_day: int = 0

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.at_least is None and self.at_most is None and self.worse_by is None and not self.among:
            raise ValueError("say at_least, at_most, worse_by or among: else every answer would alarm")
        return self


class Branch(_Strict):
    """An earlier answer that makes a question worth asking. Before day `from_day` it is asked in any case."""

    question: QuestionId
    at_least: int | None = None
    among: tuple[str, ...] = ()
    from_day: int = 0

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.at_least is None) == (not self.among):
            raise ValueError("say either at_least or among: else no answer decides")
        return self


class Question(_Strict):
    """One check-in question. `content` is the id of the piece that asks it.

    `scale` is a number 0-10; `signs` is a list of the numbered red-flag signs, 0 for none. `only_if` leaves
    it out unless an earlier answer of the same check-in fits. `sources` stand behind its thresholds.
    """

    id: QuestionId
    content: str
    answer: Answer
    choices: tuple[Choice, ...] = ()
    only_if: Branch | None = None
    thresholds: tuple[Threshold, ...] = ()
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _choices_where_they_belong(self) -> Self:
        if (self.answer == "choice") != bool(self.choices):
            raise ValueError("a question has choices when, and only when, its answer is a choice")
        named = {value for threshold in self.thresholds for value in threshold.among}
        for value in named - set(self.values):
            raise ValueError(f"a threshold names {value!r}, which nobody can answer")
        return self

    @property
    def values(self) -> tuple[str, ...]:
        """The answers of a question that has a few."""
        return ("yes", "no") if self.answer == "yes_no" else tuple(choice.value for choice in self.choices)

    def asked_if(self, branch: Branch | None) -> Question:
        """This question with another condition; None: ask everybody."""
        return self.model_copy(update={"only_if": branch})

    def judged_by(self, thresholds: tuple[Threshold, ...]) -> Question:
        """This question with other thresholds. Raises ValidationError for one that no answer can cross."""
        return Question.model_validate(self.model_dump() | {"thresholds": thresholds})


#: The answers whose charts shade the days in which a reaction is often reported.
Measure = Literal["pain", "swelling", "bruising", "tenderness"]
#: The last day that a chart shades.
LAST_SHADED = 365


class Window(_Strict):
    """The first and last local day after a treatment in which a reaction is often reported."""

    first_day: int = Field(ge=0)
    last_day: int = Field(le=LAST_SHADED)

    @model_validator(mode="after")
    def _can_be_shaded(self) -> Self:
        if self.last_day <= self.first_day:
            raise ValueError("last_day must be after first_day")
        return self


class Contact(_Strict):
    """One planned check-in: the local day after treatment, what it asks, the hour when not the protocol's.

    It opens with how the patient is, which a stranger may read on a locked screen, and ends with anything
    else.
    """

    day: int = Field(ge=0, le=LAST_DAY)
    ask: tuple[QuestionId, ...] = Field(min_length=1)
    hour: int | None = Field(default=None, ge=0, le=23)

    @model_validator(mode="after")
    def _asks_once(self) -> Self:
        if self.ask[0] != "overall" or self.ask[-1] != "other":
            raise PydanticCustomError("ends", "a check-in starts with `overall` and ends with `other`")
        if len(set(self.ask)) != len(self.ask):
            raise PydanticCustomError("twice", "a question is asked twice")
        return self


class Schedule(_Strict):
    """A check-in protocol: on which local days after treatment, at which local hour, which questions.

    A touch-up starts the days up to `early_until` anew; later ones still count from the first treatment.
    `thresholds` take the place of those of the questions that they name, and `only_if` that of their
    conditions, where None is "ask everybody". `windows` take the place of the days that the charts of the
    product shade, where None is "shade none". `all_well` is said at the end of a check-in that needs nobody,
    instead of the piece `checkin.done_well`.
    """

    id: str
    version: int = Field(ge=1)
    status: Status = "draft"
    product: str
    title: Wording
    hour: int = Field(ge=0, le=23)
    early_until: int = Field(default=14, ge=0)
    check_ins: tuple[Contact, ...] = Field(min_length=1)
    thresholds: dict[QuestionId, tuple[Threshold, ...]] = {}
    only_if: dict[QuestionId, Branch | None] = {}
    windows: dict[Measure, Window | None] = {}
    all_well: Wording | None = None
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _days_rise(self) -> Self:
        if sorted(set(self.days)) != list(self.days):
            days = ", ".join(map(str, self.days))
            raise PydanticCustomError("days", "days must rise without repeats: {days}", {"days": days})
        return self

    @property
    def days(self) -> tuple[int, ...]:
        """The days of all check-ins, in order."""
        return tuple(contact.day for contact in self.check_ins)

    def on(self, day: int) -> Contact | None:
        """The check-in planned for `day`, if there is one."""
        return next((contact for contact in self.check_ins if contact.day == day), None)


class Expected(Window):
    """A shipped window. It judges nothing: charts shade it.

    Pain is never shown to patients as something to be expected (`clinical.md` 1, rule b).
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    status: Status = "draft"
    product: str
    measure: Measure
    for_patients: bool
    sources: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _pain_is_for_staff(self) -> Self:
        if self.measure == "pain" and self.for_patients:
            raise ValueError("pain is never shown to patients as expected: set for_patients to false")
        return self


class PhotoViews(_Strict):
    """The views in which a treated area is photographed each time; `default` is any area without its own.

    A view `front` is told to the patient by the piece `photos.view_front`, whose title names it to staff.
    """

    id: str
    views: tuple[str, ...] = Field(min_length=1)
    sources: tuple[str, ...] = ()


class Setting(_Strict):
    """An aftercare value that clinics differ on; its id is a placeholder for texts.

    `default` is a whole number of `unit`, or a phrase in both languages when the unit is `text`.
    `by_product` holds shipped values for single products. `found` says what published sets say.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Wording
    unit: Literal["hours", "days", "nights", "text"]
    default: int | Wording
    by_product: dict[str, int | Wording] = {}
    found: str = Field(min_length=1)
    sources: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _values_fit_the_unit(self) -> Self:
        for value in (self.default, *self.by_product.values()):
            if isinstance(value, Wording) != (self.unit == "text"):
                shape = "en and es" if self.unit == "text" else "a whole number"
                raise ValueError(f"a value of unit {self.unit} must be {shape}")
            if isinstance(value, int) and value < 1:
                raise ValueError("a number must be at least 1")
        return self
