"""The questions of the intake, in their order (S3): goals first, then history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.protocols.schema import Wording

Kind = Literal["words", "age", "history"]

#: Nobody younger is treated or booked: a hard stop (`clinical.md` 1 and 4).
ADULT = 18
#: Older than this is a slip of the thumb.
OLDEST = 110


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `title` is its line in the summary; `example` helps whoever was not understood.

    `words`: anything that is said is the answer. `history`: no, or what and when.
    """

    id: str
    kind: Kind
    title: Wording
    example: Wording

    @property
    def content(self) -> str:
        """The id of the piece that asks it."""
        return f"intake.ask_{self.id}"

    @property
    def question(self) -> str:
        """What the dialogue calls it while it is open."""
        return f"intake.{self.id}"

    @property
    def slot(self) -> str:
        """Its slot in the form."""
        return f"intake_{self.id}"


def _item(name: str, kind: Kind, en: str, es: str, example_en: str, example_es: str) -> Item:
    return Item(name, kind, Wording(en=en, es=es), Wording(en=example_en, es=example_es))


ITEMS: tuple[Item, ...] = (
    _item("goals", "words", "Goal", "Objetivo", "a sharper jaw", "la mandíbula más marcada"),
    _item("goals_longer", "words", "Longer-term goal", "Objetivo a más largo plazo",
          "firmer skin", "piel más firme"),
    _item("age", "age", "Age", "Edad", "42", "42"),
    _item("pregnancy", "history", "Pregnancy, breastfeeding", "Embarazo, lactancia",
          "breastfeeding", "doy el pecho"),
    _item("allergy", "history", "Allergies", "Alergias", "penicillin, a rash", "penicilina, ronchas"),
    _item("blood", "history", "Medicines, bleeding", "Medicinas, sangrado",
          "aspirin every day", "aspirina a diario"),
    _item("immune", "history", "Immune, long-term illness", "Inmunidad, enfermedad crónica",
          "Hashimoto since 2015", "Hashimoto desde 2015"),
    _item("scarring", "history", "Scars, skin", "Cicatrices, piel",
          "keloid on my ear", "queloide en la oreja"),
    _item("prior_filler", "history", "Earlier fillers", "Rellenos anteriores",
          "lip filler, spring 2022", "labios, primavera de 2022"),
    _item("energy", "history", "Lasers, peels, devices", "Láser, peelings, aparatos",
          "laser in May", "láser en mayo"),
    _item("illness", "history", "Recent or planned", "Reciente o previsto",
          "root canal last week", "endodoncia la semana pasada"),
    _item("timing", "words", "Dates", "Fechas", "a wedding in June", "una boda en junio"),
    _item("other", "words", "Anything else", "Algo más", "I am nervous about it", "me da un poco de miedo"),
)  # fmt: skip
BY_ID = {item.id: item for item in ITEMS}
BY_QUESTION = {item.question: item for item in ITEMS}
