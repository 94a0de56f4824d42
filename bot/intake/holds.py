"""Which answers are held for the clinician, and the label statement behind each. Pure; it decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.intake.items import BY_ID
from bot.intake.reading import Answer
from bot.intake.terms import vocabulary
from bot.protocols.catalogue import catalogue
from bot.protocols.errors import ContentError
from bot.protocols.reading import read_yaml
from bot.protocols.schema import Wording

FILE = Path(__file__).parent / "holds.yml"
#: Answers without a known term, which a rule may name beside terms.
PLAIN = frozenset({"yes", "told", "unsure"})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Statement(_Strict):
    """What a label or publication says. Empty `products`: it is the same for all."""

    products: tuple[str, ...] = ()
    text: Wording
    sources: tuple[str, ...]


class Rule(_Strict):
    """Answers to `item` with one of `codes`, or an age `below` so many years, are held."""

    id: str
    item: str
    codes: tuple[str, ...] = ()
    below: int | None = None
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """Something a clinician must look at: why, and what each product's label says of it.

    `statements`: (product id or None for every product, text, source keys).
    """

    rule: str
    item: str
    words: str
    statements: tuple[tuple[str | None, Wording, tuple[str, ...]], ...]


@cache
def rules() -> tuple[Rule, ...]:
    """The shipped rules, read once."""
    return load(FILE)


def load(path: Path) -> tuple[Rule, ...]:
    """Read and check rules. Raises `ContentError` naming the file, the rule and what to correct."""
    found: dict[str, Rule] = {}
    for entry in read_yaml(path):
        name = entry.get("id", "?") if isinstance(entry, dict) else "?"
        try:
            rule = Rule.model_validate(entry)
        except ValidationError as fault:
            raise ContentError(f"{path.name}: {name}: {fault.errors()[0]['msg']}") from None
        _check(rule, f"{path.name}: {rule.id}")
        if rule.id in found:
            raise ContentError(f"{path.name}: {rule.id}: the id is used twice; rename one")
        found[rule.id] = rule
    return tuple(found.values())


def _check(rule: Rule, where: str) -> None:
    terms, content = vocabulary().by_code, catalogue()
    if rule.item not in BY_ID:
        raise ContentError(f"{where}: no question is called {rule.item!r}; known: {', '.join(BY_ID)}")
    if (rule.below is None) == (not rule.codes):
        raise ContentError(f"{where}: give either `codes` or `below`")
    for code in rule.codes:
        if code not in PLAIN and (code not in terms or terms[code].item != rule.item):
            raise ContentError(f"{where}: {code!r} is no term of {rule.item}; add it to terms.yml")
    for statement in rule.statements:
        for product in statement.products:
            if product not in content.products:
                raise ContentError(f"{where}: unknown product {product!r}")
        for key in statement.sources:
            if key not in content.sources:
                raise ContentError(f"{where}: unknown source {key!r}; add it to sources.yml")


def holds(answers: Mapping[str, Answer], product: str | None = None) -> list[Hold]:
    """What `answers` (by item) hold for the clinician, in the order of the questions.

    With `product` known, only its statements; otherwise those of every product.
    """
    order = list(BY_ID)
    found = [
        Hold(rule.id, rule.item, answers[rule.item].words, _statements(rule, product))
        for rule in rules()
        if rule.item in answers and _raises(rule, answers[rule.item])
    ]
    return sorted((hold for hold in found if hold.statements), key=lambda hold: order.index(hold.item))


def is_minor(answer: Answer | None, adult: int) -> bool:
    """Whether the answered age is below `adult` years."""
    return answer is not None and answer.value is not None and answer.value < adult


def _raises(rule: Rule, answer: Answer) -> bool:
    if rule.below is not None:
        return is_minor(answer, rule.below)
    if answer.codes:
        return not set(rule.codes).isdisjoint(answer.codes)
    return answer.said in rule.codes


def _statements(rule: Rule, product: str | None) -> tuple[tuple[str | None, Wording, tuple[str, ...]], ...]:
    return tuple(
        (name, statement.text, statement.sources)
        for statement in rule.statements
        for name in (statement.products or (None,))
        if product is None or name is None or name == product
    )
