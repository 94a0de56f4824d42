"""What a text costs as SMS. Sizes from 3GPP TS 23.038 and 23.040."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messaging.segments import encoding, first_segment, foreign, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain text, 0-10?", "GSM-7"),
        ("¿Señal? ¡Sí no: é ñ ü à ò!".replace("í", "i"), "GSM-7"),
        ("€ ^ {braces} [brackets] ~ | \\", "GSM-7"),
        ("", "GSM-7"),
        ("hinchazón", "UCS-2"),
        ("curly ’ quote", "UCS-2"),
        ("no-break\u00a0space", "UCS-2"),
        ("tab\there", "UCS-2"),
        ("smile 🙂", "UCS-2"),
    ],
)
def test_encoding_follows_the_gsm_alphabet(text: str, expected: str) -> None:
    assert encoding(text) == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ó" * 70, 1),
        ("ó" * 71, 2),
        ("ó" * 134, 2),
        ("ó" * 135, 3),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
    ],
)
def test_segments_at_every_boundary(text: str, count: int) -> None:
    assert segments(text) == count


def test_an_escaped_character_is_never_cut_in_two() -> None:
    # 153 septets: the bracket would need septets 153 and 154, so it opens the second segment.
    text = "a" * 152 + "[" + "b" * 151
    assert first_segment(text) == "a" * 152
    assert segments(text) == 2
    assert segments(text + "b") == 3


def test_an_emoji_is_never_cut_in_two() -> None:
    text = "ó" * 66 + "🙂" + "ó" * 10
    assert first_segment(text) == "ó" * 66


def test_foreign_names_the_characters_that_force_ucs2() -> None:
    assert foreign("a ’ b ó ’") == "’ó"
    assert foreign("plain") == ""


@given(st.text(max_size=700))
def test_segments_hold_the_whole_text_within_their_size(text: str) -> None:
    count, kind = segments(text), encoding(text)
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if kind == "UCS-2":
        assert (count <= 1) == (units <= 70)
        assert count >= -(-units // 70)
    assert text.startswith(first_segment(text))
    assert (count == 0) == (text == "")
