"""From a piece of content and a patient's situation to the words to send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.protocols import phrases, placeholders
from bot.protocols.catalogue import Catalogue, catalogue
from bot.protocols.errors import ContentError
from bot.protocols.phrases import Language
from bot.protocols.schema import Condition, Piece, Setting, Status, Variant, Wording

Channel = Literal["sms", "web"]


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides the wording. `day` is whole local days since treatment; `None` means not known."""

    language: Language = "en"
    channel: Channel = "sms"
    phase: Literal["before", "after"] | None = None
    product: str | None = None
    day: int | None = None
    tier: str | None = None
    flag: str | None = None
    #: treated areas, by id (`lateral_cheek`)
    areas: tuple[str, ...] = ()
    #: the clinic has approved showing figures
    figures: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text ready to send, and what must be recorded with it."""

    text: str
    content_id: str
    version: int
    status: Status
    sources: tuple[str, ...]
    #: the number of the clinic's own version, when the words are partly its own
    own_version: int | None = None


def fits(when: Condition, situation: Situation) -> bool:
    """Whether every set field of `when` fits. A fact that is not known fits no condition on it."""
    day = situation.day
    return (
        (when.phase is None or when.phase == situation.phase)
        and (not when.product or situation.product in when.product)
        and (not when.area or not set(when.area).isdisjoint(situation.areas))
        and (not when.figures or situation.figures)
        and (not when.tier or situation.tier in when.tier)
        and (not when.flag or situation.flag in when.flag)
        and (when.day_min is None or (day is not None and day >= when.day_min))
        and (when.day_max is None or (day is not None and day <= when.day_max))
    )


def choose_variant(piece: Piece, situation: Situation) -> Variant:
    """The first variant of `piece` that fits. Raises `ContentError` when none does."""
    for variant in piece.variants:
        if fits(variant.when, situation):
            return variant
    raise ContentError(f"{piece.id}: no variant fits {situation}; add a last variant without `when`")


def render(
    piece_id: str,
    situation: Situation,
    values: Mapping[str, str],
    content: Catalogue | None = None,
) -> Rendered:
    """The words of `piece_id` for `situation`, filled with `values` (see `clinic_values`).

    Web chat gets the `web` wording where there is one. Raises `ContentError` for an unknown or retired
    piece, when no variant fits, or when a placeholder has no value.
    """
    return render_piece((content or catalogue()).piece(piece_id), situation, values)


def render_piece(piece: Piece, situation: Situation, values: Mapping[str, str]) -> Rendered:
    """`render` for a piece at hand: one with a clinic's own sentences, or one of another time."""
    piece_id = piece.id
    if piece.status == "retired":
        raise ContentError(f"{piece_id}: is retired and may not be sent; approve a newer version")
    variant = choose_variant(piece, situation)
    wording = variant.web if situation.channel == "web" and variant.web else variant.sms
    template: str = getattr(wording, situation.language)
    try:
        text = placeholders.fill(template, values)
    except ContentError as error:
        raise ContentError(f"{piece_id} ({situation.language}): {error}") from None
    return Rendered(text, piece.id, piece.version, piece.status, piece.sources)


def clinic_values(
    clinic: Mapping[str, object],
    language: Language,
    product: str | None = None,
    overrides: Mapping[str, object] | None = None,
    content: Catalogue | None = None,
) -> dict[str, str]:
    """Values for every clinic fact and aftercare setting, in `language`.

    `clinic` holds the facts named in `placeholders.CLINIC_FACTS`; a fact may be a mapping of language to
    text. Without a `booking_url` the clinic's phone number stands in for it. `overrides` are the clinic's own
    settings, by setting id or `id.product`; the clinic's value wins over a shipped one, and a value for
    `product` wins over a general one. Raises `ContentError` for a missing fact or an unusable setting.
    """
    values: dict[str, str] = {}
    facts = {"booking_url": clinic.get("clinic_phone"), **{k: v for k, v in clinic.items() if v}}
    for name in sorted(placeholders.CLINIC_FACTS):
        fact = facts.get(name)
        text = fact.get(language) if isinstance(fact, Mapping) else fact
        if not text:
            raise ContentError(f"the clinic has no {name} in {language!r}; set it in the clinic's settings")
        values[name] = str(text)
    own = overrides or {}
    settings = (content or catalogue()).settings
    unknown = sorted(key for key in own if key.partition(".")[0] not in settings)
    if unknown:
        raise ContentError(f"no setting is called {unknown[0]!r}; known: {', '.join(sorted(settings))}")
    for setting in settings.values():
        values[setting.id] = _setting_text(setting, _setting_value(setting, product, own), language)
    return values


def _setting_value(setting: Setting, product: str | None, own: Mapping[str, object]) -> object:
    for value in (
        own.get(f"{setting.id}.{product}"),
        own.get(setting.id),
        setting.by_product.get(product or ""),
    ):
        if value is not None:
            return value
    return setting.default


def _setting_text(setting: Setting, value: object, language: Language) -> str:
    if setting.unit == "text":
        if isinstance(value, Wording):
            return str(getattr(value, language))
        if isinstance(value, Mapping) and value.get(language):
            return str(value[language])
        raise ContentError(f"setting {setting.id} needs a text in {language!r}")
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ContentError(f"setting {setting.id} needs a number of {setting.unit}, 1 or more; got {value!r}")
    return phrases.amount(value, setting.unit, language)
