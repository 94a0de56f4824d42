"""The shape of approved clinical content. Wording lives in `content/*.yml`, never in Python.

A *piece* of content has a stable id, a version and a status. It holds variants; the first variant whose
`when` fits the patient's situation is used. Each variant has one text per language and channel length.
Texts may use `{placeholders}`: clinic facts and aftercare settings (see `render.py`).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Status = Literal["draft", "approved", "retired"]
Kind = Literal["topic", "safety", "dialogue", "check_in", "intake", "staff"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Strict):
    """When a variant applies. Every field that is set must fit; an empty condition always fits.

    `day_min`/`day_max` are whole local days since treatment, inclusive. `tier` and `flag` serve safety texts.
    """

    phase: Literal["before", "after"] | None = None
    product: tuple[str, ...] = ()
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


class Question(_Strict):
    """One check-in question. `content` is the id of the piece that asks it.

    `scale` is a number 0-10; `signs` is a list of the numbered red-flag signs, 0 for none.
    """

    id: str
    content: str
    answer: Literal["scale", "yes_no", "signs", "text"]


class Schedule(_Strict):
    """A check-in protocol: which local days after treatment, at which local hour, which questions."""

    id: str
    version: int = Field(ge=1)
    status: Status = "draft"
    product: str
    title: Wording
    days: tuple[int, ...]
    hour: int = Field(ge=0, le=23)
    questions: tuple[Question, ...]
    sources: tuple[str, ...] = ()


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
