"""Clinical words that the console shows but does not own: labels of flags, names of products, sources."""

from __future__ import annotations

from bot.protocols.catalogue import catalogue
from bot.triage.types import FLAGS

#: Ids of the areas on the enrolment form, worded in `strings.yml` under `area`; others may be typed.
AREAS = (
    "cheeks", "lateral_cheek", "midface", "preauricular", "jaw_angle", "jawline", "chin", "marionette_lines",
    "nasolabial_folds", "temples", "lips", "around_the_eyes", "neck", "hands",
)  # fmt: skip


def flag_label(flag: str, language: str) -> str:
    """The clinic's short label of a flag, as staff also read it in a page; the code's meaning without one."""
    piece = catalogue().pieces.get(f"staff.flag_{flag.lower()}")
    if piece is None:
        return FLAGS.get(flag, flag)
    wording = piece.variants[0].sms
    label = (wording.es if language == "es" else wording.en).strip()
    return label[:1].upper() + label[1:]


def product_name(product: str) -> str:
    """The catalogue's name of a product, or its id when it has been taken out of the catalogue."""
    known = catalogue().products.get(product)
    return known.name if known else product


def content_title(content_id: str, language: str) -> str:
    """What a text is about, by its id; the id itself when it has been taken out of the catalogue."""
    piece = catalogue().pieces.get(content_id)
    if piece is None:
        return content_id
    return piece.title.es if language == "es" else piece.title.en


def citation(source: str) -> str:
    """What a source key stands for; empty when the content does not list it."""
    known = catalogue().sources.get(source)
    return known.citation if known else ""
