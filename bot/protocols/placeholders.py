"""Which `{placeholders}` a text may use, and how to read and fill them.

Clinic facts and aftercare settings may appear anywhere; the rest only in the kind of piece that is sent
with such a value at hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter

from bot.protocols.errors import ContentError
from bot.protocols.schema import Kind

#: Facts of the clinic that every text may use.
CLINIC_FACTS = frozenset(
    {
        "clinic_name",
        "clinic_phone",
        "emergency_phone",
        "emergency_number",
        "crisis_line",
        "hours_text",
        "booking_url",
    }
)

#: Values of one message, by the kind of piece that may use them.
MESSAGE_VALUES: Mapping[Kind, frozenset[str]] = {
    "topic": frozenset(),
    "safety": frozenset({"treated_on_phrase", "safeguarding_lead", "told_at"}),
    "dialogue": frozenset({"choices", "first_name", "colleague"}),
    "check_in": frozenset({"first_name", "choices", "before", "url"}),
    "intake": frozenset({"summary", "question", "example"}),
    "page": frozenset(
        {"url", "product_name", "lot", "treated_on_phrase", "measure", "score", "day", "first", "last"}
    ),
    "staff": frozenset({"tier", "flag_label", "initials", "code", "url", "name", "problems", "count"}),
}


def names(text: str) -> frozenset[str]:
    """The placeholder names in `text`.

    Raises `ContentError` for a stray brace, or for anything but a plain `{name}`.
    """
    found: set[str] = set()
    try:
        for _, name, spec, conversion in Formatter().parse(text):
            if name is None:
                continue
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or spec or conversion:
                raise ContentError(f"placeholder {{{name}}} must be a plain lower-case name in braces")
            found.add(name)
    except ContentError:
        raise
    except ValueError as error:
        raise ContentError(f"bad placeholder: {error}; write {{name}}, or {{{{ for a brace") from None
    return frozenset(found)


def allowed(kind: Kind, settings: Mapping[str, object]) -> frozenset[str]:
    """Every placeholder that a piece of `kind` may use."""
    return CLINIC_FACTS | MESSAGE_VALUES[kind] | frozenset(settings)


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders filled. An empty value leaves no doubled space before what follows.

    Raises `ContentError` naming the placeholders that `values` lacks.
    """
    missing = sorted(names(text) - values.keys())
    if missing:
        raise ContentError(f"no value for {', '.join('{' + name + '}' for name in missing)}")
    if all(values[name] for name in names(text)):
        return text.format_map(values).strip()
    return re.sub(r" +(?=[ .,;:!?])", "", text.format_map(values)).strip()
