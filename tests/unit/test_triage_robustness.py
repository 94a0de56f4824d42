"""Triage stands any text, and what decorates a message never lowers its tier."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.triage import Context, Tier, answers, assess
from bot.triage.cli import triage_lines
from bot.triage.engine import assess as by
from bot.triage.language import detect, detect_first
from bot.triage.rules import RuleError, load

SIGNS = [
    ("my top lip has gone white", 0),
    ("cant see out my left eye", 0),
    ("cheek is cold and mottled", 1),
    ("my face is drooping on one side", 0),
    ("my throat feels tight", 0),
    ("mi labio se puso blanco y me duele mucho", 0),
    ("veo borroso de un ojo", 1),
    ("hives on my chest", 0),
    ("i want to die", 7),
    ("still bleeding after an hour", 0),
]
ADDITIONS = [
    "my sister whos a nurse says its nothing",
    "my husband says it is just a bruise",
    "mi marido dice que no es nada",
    "sorry to bother you on a sunday",
    "thank you so much",
    "gracias, disculpe la molestia",
    "😂😂",
    "😊🙏💕",
    "lol",
    "hope you are well",
]


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=400), day=st.none() | st.integers(-5, 4000))
def test_any_text_is_assessed(text: str, day: int | None) -> None:
    assert assess(text, Context(day=day)).tier in Tier


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_bytes_read_as_text_are_assessed(data: bytes) -> None:
    for text in (data.decode("latin-1"), data.decode("utf-8", "surrogateescape")):
        assert assess(text, Context(day=1, question="probe")).tier in Tier


@settings(max_examples=120, deadline=None)
@given(
    sign=st.sampled_from(SIGNS),
    extra=st.lists(st.sampled_from(ADDITIONS), min_size=1, max_size=3),
    first=st.booleans(),
    joint=st.sampled_from([". ", " ", "\n", ", "]),
)
def test_opinions_politeness_and_emoji_never_lower_the_tier(
    sign: tuple[str, int], extra: list[str], first: bool, joint: str
) -> None:
    text, day = sign
    parts = [*extra, text] if first else [text, *extra]
    by_rules = by(text, Context(day=day), by="rules").tier
    assert by(joint.join(parts), Context(day=day), by="rules").tier.at_least_as_urgent_as(by_rules)
    # both readers together: a page stays a page
    assert assess(text, Context(day=day)).tier.at_least_as_urgent_as(Tier.T1)
    assert assess(joint.join(parts), Context(day=day)).tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize(("text", "day"), SIGNS)
def test_case_stretching_and_invisible_characters_hide_no_sign(text: str, day: int) -> None:
    assert assess(text, Context(day=day)).tier.at_least_as_urgent_as(Tier.T1)
    hidden = "\u200b".join(text[:3]) + text[3:]
    for variant in (text.upper(), f"  {text}!!!!", hidden, text.replace("white", "whiiiite")):
        assert assess(variant, Context(day=day)).tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize("filler", ["a", "lip ", "white lip eye pain ", "no ", "😂", "\x00\x07", "how long "])
def test_ten_thousand_characters_hide_nothing(filler: str) -> None:
    text = (filler * 10_000)[:9_950] + ". i cant see out of my left eye"
    assert assess(text, Context(day=0)).tier is Tier.T0


@pytest.mark.parametrize("text", ["", "   ", "...", "😂😂", "asdkjh qwe", "\x00\x01\x02", "?"])
def test_nothing_said_is_nothing_found(text: str) -> None:
    assert assess(text, Context(day=2)).tier is Tier.T4


def test_a_cry_for_help_within_72_hours_is_asked_about() -> None:
    assessment = assess("help me", Context(day=1))
    assert assessment.probe
    assert not assess("help me choose a cleanser", Context(day=40)).probe


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("no", "en", "en"), ("no", "es", "es"), ("ok", "es", "es"), ("i cnt c", "en", "en"),
        ("👍", "es", "es"),
        ("no veo bien", "en", "es"), ("me duele", "en", "es"), ("me duele mucho la cara", "en", "es"),
        ("my lip is white and it hurts", "es", "en"), ("", "es", "es"), ("¿cuánto dura?", "en", "es"),
        ("no alergia al latex no", "es", "es"), ("aspirina a veces y omega 3", "en", "es"),
    ],
)  # fmt: skip
def test_language_of_short_messages(text: str, default: str, expected: str) -> None:
    assert detect(text, default) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("hola", "en", "es"), ("Hola!!", "en", "es"), ("buenas", "en", "es"), ("precio?", "en", "es"),
        ("hi", "en", "en"), ("hello", "es", "es"),
        ("hola, how much is it", "en", "en"), ("juvederm", "en", "en"),
        ("eres un robot?", "en", "es"), ("voy a denunciarles", "en", "es"), ("me pueden llamar", "en", "es"),
        ("empezar las preguntas", "en", "es"), ("continuar el cuestionario", "en", "es"),
    ],
)  # fmt: skip
def test_language_of_the_first_words_of_somebody_unknown(text: str, default: str, expected: str) -> None:
    assert detect_first(text, default) == expected  # type: ignore[arg-type]


def test_lines_are_answered_in_order_and_a_bad_line_stops_nothing() -> None:
    lines = [
        json.dumps({"text": "cant see out my left eye", "day": 0, "lang": "en", "product": "harmonyca"}),
        "{not json",
        json.dumps({"day": 1}),
        json.dumps({"text": "thanks!", "day": "soon"}),
        "",
        json.dumps({"text": "gracias", "day": None}),
    ]
    answers = [json.loads(line) for line in triage_lines(lines)]
    assert [set(answer) for answer in answers[1:4]] == [{"error"}] * 3
    assert answers[0]["tier"] == "T0"
    assert answers[0]["flags"][0] == "VIS"
    assert answers[0]["reasons"]
    assert answers[4] == {"tier": "T4", "probe": False, "flags": [], "reasons": []}


HEAD = "flag: VO\nrules:\n"
RULE = "  - id: vo.x\n    tier: T1\n    source: prop\n    why: long enough to read\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (HEAD + RULE.replace("T1", "T9") + "    any: [white]\n", r"bad\.yml:3: vo\.x"),
        (HEAD + RULE, "either"),
        (HEAD + RULE + "    any: ['@none x']\n", "@none"),
        (HEAD + RULE + "    any: [Blanc]\n", r"vo\.x.*lower case"),
        (HEAD + RULE + "    any: [white]\n    colour: red\n", r"vo\.x.*colour"),
        (HEAD.replace("VO", "XX") + RULE + "    any: [white]\n", "unknown flag"),
        (HEAD + 2 * (RULE + "    any: [white]\n"), "used twice"),
        ("flag: VO\nrules: nothing\n", "list 'rules'"),
        ("flag: [", "YAML"),
    ],
)
def test_a_wrong_rule_is_refused_by_name(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "bad.yml").write_text(content, encoding="utf-8")
    with pytest.raises(RuleError, match=says):
        load(tmp_path)


@pytest.mark.parametrize(
    "text", ["dolor 1, hinchazón uno, sin moratones", "pain 2 swelling 1", "0 0 0", "2, no bruising"]
)
def test_low_scores_alone_are_left_to_the_scales(text: str) -> None:
    assert answers.is_low_scores(text, Context(day=7, question="checkin.pain"))
    assessment = assess(text, Context(day=7, question="checkin.pain"))
    assert (assessment.tier, assessment.probe) == (Tier.T4, False)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("pain 8", "checkin.pain"),
        ("1 pain but my lip is white", "checkin.pain"),
        ("no sight", "checkin.pain"),
        ("2", "checkin.red_flags"),
        ("2", "probe"),
        ("pain 2", None),
        ("0 😭", "checkin.pain"),
    ],
)
def test_anything_beside_low_scores_is_read(text: str, question: str | None) -> None:
    assert not answers.is_low_scores(text, Context(day=1, question=question))
