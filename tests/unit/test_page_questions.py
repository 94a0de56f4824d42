"""Questions as a page shows them, and the content behind the charts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.reading import read
from bot.patient_pages.photos import NOT_STORED
from bot.patient_pages.questions import PageQuestion, questions_for, read_form
from bot.photos.errors import MEANING
from bot.protocols.catalogue import CONTENT, catalogue, load_catalogue
from bot.protocols.errors import ContentError
from bot.protocols.phrases import Language

LANGUAGES: tuple[Language, ...] = ("en", "es")
ALL = list(catalogue().questions)


def shown(language: Language = "en", day: int = 1) -> list[PageQuestion]:
    return questions_for(ALL, catalogue(), language, day)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_is_shown_with_words_for_everything(language: Language) -> None:
    content = catalogue()
    assert [one.id for one in shown(language)] == ALL
    for one in shown(language):
        assert one.piece in content.pieces
        assert not one.hint or one.hint in content.pieces
        assert one.piece.startswith("page."), f"{one.id}: the text asks to reply, a page does not"
        for option in one.options:
            assert option.label or option.piece in content.pieces
        assert all(view.content_id in content.pieces for view in one.views)
        assert bool(one.views) == (one.answer == "photo")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_is_read_as_the_text_with_its_words_is(language: Language) -> None:
    for one in shown(language):
        for option in one.options:
            (given_,), _ = read_form([one], {one.id: [option.words]})
            assert given_.words == option.words
            assert given_.value == read(one.content, option.words)
            assert given_.value is not None


@pytest.mark.parametrize("reason", [*MEANING, NOT_STORED])
def test_every_refusal_of_a_photo_has_words(reason: str) -> None:
    assert f"page.photo_{reason}" in catalogue().pieces


def test_choices_are_the_values_of_the_record_in_order() -> None:
    (gais,) = (one for one in shown() if one.id == "gais")
    values = [read_form([gais], {"gais": [option.words]})[0][0].value for option in gais.options]
    assert values == ["very_much_improved", "much_improved", "improved", "no_change", "worse"]


@given(st.sets(st.integers(1, 6), min_size=1), st.booleans())
def test_a_sign_outweighs_none_of_these(signs: set[int], none_too: bool) -> None:
    (red_flags,) = (one for one in shown() if one.id == "red_flags")
    sent = [*map(str, signs), *(["0"] if none_too else [])]
    (one,), missing = read_form([red_flags], {"red_flags": sent})
    assert one.value == sorted(signs)
    assert missing == []


@pytest.mark.parametrize(
    ("day", "overall", "lumps", "missing"),
    [
        (1, "1", "0", ["tenderness", "red_flags"]),  # everybody is asked
        (91, "1", "0", []),
        (91, "1", "1", ["tenderness"]),
        (91, "2", "0", ["red_flags"]),
        (91, "3", "1", ["tenderness", "red_flags"]),
    ],
)
def test_an_answer_makes_later_questions_needed_or_needless(
    day: int, overall: str, lumps: str, missing: list[str]
) -> None:
    asked = [one for one in shown(day=day) if one.id in ("overall", "lumps", "tenderness", "red_flags")]
    assert read_form(asked, {"overall": [overall], "lumps": [lumps]})[1] == missing


@given(st.dictionaries(st.sampled_from(ALL), st.lists(st.text(max_size=12), max_size=4)))
def test_whatever_is_sent_is_an_answer_or_missing_and_never_an_error(sent: dict[str, list[str]]) -> None:
    questions = shown()
    given_, missing = read_form(questions, sent)
    for one in given_:
        if one.question.options:
            assert set(one.words.split()) <= {option.words for option in one.question.options}
    required = {one.id for one in questions if one.required}
    assert required <= {one.question.id for one in given_} | set(missing)


# the days that charts shade


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            "product: botox, measure: swelling, first_day: 0, last_day: 7, for_patients: true",
            "unknown product",
        ),
        ("product: harmonyca, measure: pain, first_day: 0, last_day: 7, for_patients: true", "never shown"),
        ("product: harmonyca, measure: swelling, first_day: 7, last_day: 7, for_patients: true", "after"),
        ("product: harmonyca, measure: swelling, first_day: 0, last_day: 9, for_patients: true", "join them"),
        ("product: harmonyca, measure: joy, first_day: 0, last_day: 9, for_patients: true", "measure"),
    ],
)
def test_a_fault_in_the_days_is_named_with_file_and_line(tmp_path: Path, line: str, why: str) -> None:
    folder = tmp_path / "content"
    shutil.copytree(CONTENT, folder)
    file = folder / "expected.yml"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines, f"- {{id: one_more, {line}, sources: [GK]}}"]), encoding="utf-8")
    with pytest.raises(ContentError, match=rf"^expected\.yml:{len(lines) + 1}: one_more.*{why}"):
        load_catalogue(folder)


def test_days_without_a_source_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    shutil.copytree(CONTENT, folder)
    file = folder / "expected.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("sources: [PLLA-RCT]", "").replace("[HARC]", "[]"), encoding="utf-8")
    with pytest.raises(ContentError, match="sources"):
        load_catalogue(folder)
