"""A made-up crowd of patients: who they are and how each answers. Pure; the same seed gives the same
crowd."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

#: How somebody answers check-ins. Shares follow published text follow-up: 85-87 % answer [Rennes].
Manner = Literal["prompt", "slow", "silent", "worried", "red_flag", "opts_out", "declines", "ignores_consent"]
SHARES: dict[Manner, float] = {
    "prompt": 0.62,
    "slow": 0.15,
    "silent": 0.06,
    "worried": 0.05,
    "red_flag": 0.03,
    "opts_out": 0.04,
    "declines": 0.02,
    "ignores_consent": 0.03,
}
ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "Pacific/Honolulu", "Europe/Madrid", "Atlantic/Canary", "Australia/Lord_Howe",
)  # fmt: skip
PRODUCTS = ("harmonyca", "ha_filler", "radiesse", "sculptra")
RED_FLAG = {"en": "my lip has gone white and cold", "es": "el labio se me ha puesto blanco y frío"}


@dataclass(frozen=True, slots=True)
class Person:
    """One patient of the crowd. `treated_before` is how long before the start they were treated."""

    number: int
    manner: Manner
    language: Literal["en", "es"]
    time_zone: str
    products: tuple[str, ...]
    treated_before: timedelta

    @property
    def phone(self) -> str:
        """A number that no phone company gives out."""
        return f"+1555019{self.number:04d}"


def crowd(size: int, seed: int) -> list[Person]:
    """`size` people with every manner among them, if there are enough."""
    dice = random.Random(seed)
    manners: list[Manner] = [manner for manner, share in SHARES.items() for _ in range(round(share * size))]
    manners = (manners + ["prompt"] * size)[:size]
    dice.shuffle(manners)
    return [
        Person(
            number,
            manner,
            "es" if dice.random() < 0.25 else "en",
            dice.choice(ZONES),
            tuple(dice.sample(PRODUCTS, 2 if dice.random() < 0.15 else 1)),
            timedelta(hours=dice.uniform(0.2, 8)),
        )
        for number, manner in enumerate(manners)
    ]


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody texts back, and after how long."""

    text: str
    after: timedelta


def answer_to(person: Person, content_id: str, check_in: int, dice: random.Random) -> Answer | None:
    """What `person` answers to a text of ours; None for silence. `check_in` counts those asked so far, from
    1."""
    if content_id == "enrol.welcome":
        words = {"declines": "no thanks", "ignores_consent": None}.get(person.manner, "Y")
        return None if words is None else Answer(words, timedelta(minutes=dice.uniform(1, 90)))
    if content_id == "checkin.open":
        return _to_check_in(person, check_in, dice)
    if content_id == "checkin.reminder" and person.manner == "slow":
        return Answer(_scores(dice, 3), timedelta(minutes=dice.uniform(5, 240)))
    return None


def _to_check_in(person: Person, check_in: int, dice: random.Random) -> Answer | None:
    soon = timedelta(minutes=dice.uniform(1, 60))
    match person.manner:
        case "silent" | "slow":
            return None
        case "opts_out" if check_in == 2:
            return Answer("STOP", soon)
        case "red_flag" if check_in == 1:
            return Answer(RED_FLAG[person.language], soon)
        case "worried" if check_in == 2:
            return Answer("3 pain 6 swelling 6", soon)
        case "worried" if check_in == 3:
            return None
    return Answer(_scores(dice, 4), soon)


def _scores(dice: random.Random, most: int) -> str:
    """A calm answer to a whole check-in."""
    return f"1 pain {dice.randint(0, 1)} swelling {dice.randint(1, most) // 2}"
