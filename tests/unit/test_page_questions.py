"""Questions as a page shows them, and the content behind the charts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.reading import read
from bot.patient_pages.questions import PageQuestion, questions_for, read_form
from bot.protocols.catalogue import CONTENT, catalogue, load_catalogue
from bot.protocols.errors import ContentError
from bot.protocols.phrases import Language

LANGUAGES: tuple[Language, ...] = ("en", "es")
ALL = list(catalogue().questions)


def shown(language: Language = "en") -> list[PageQuestion]:
    return questions_for(ALL, catalogue(), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_but_photos_is_shown_with_words_for_everything(language: Language) -> None:
    content = catalogue()
    assert [one.id for one in shown(language)] == [name for name in ALL if name != "photo"]
    for one in shown(language):
        assert one.piece in content.pieces
        assert not one.hint or one.hint in content.pieces
        assert one.piece.startswith("page."), f"{one.id}: the text asks to reply, a page does not"
        for option in one.options:
            assert option.label or option.piece in content.pieces


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_is_read_as_the_text_with_its_words_is(language: Language) -> None:
    for one in shown(language):
        for option in one.options:
            (given_,), _ = read_form([one], {one.id: [option.words]})
            assert given_.words == option.words
            assert given_.value == read(one.content, option.words)
            assert given_.value is not None


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
