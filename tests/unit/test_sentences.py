"""Texts by sentence: changes of a clinic's own, and differences between versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.governance.sentences import Change, changed, difference, differences, digest, replaced, split
from bot.protocols.catalogue import Place, catalogue, texts
from bot.protocols.schema import Piece

SMS_EN = Place(1, "sms", "en")


def piece(en: str = "No gym for 2 days. Walk as you like. Call us if unsure.") -> Piece:
    return Piece.model_validate(
        {
            "id": "aftercare.sample",
            "kind": "topic",
            "title": {"en": "Sample", "es": "Ejemplo"},
            "version": 3,
            "variants": [{"sms": {"en": en, "es": "Sin gimnasio. Camine."}}],
        }
    )


@pytest.mark.parametrize("text", ["One. Two? Three!", "At 9.30 we open. Come.", "Only one", ""])
def test_sentences_join_to_what_they_were(text: str) -> None:
    assert " ".join(split(text)) == text


def test_a_change_leaves_the_paragraphs_as_they_are() -> None:
    text = "A heading\n\n\nOne here. Two here.\n\n\nThree here."
    assert split(text) == ["A heading", "One here.", "Two here.", "Three here."]
    assert replaced(text, "Two here.", "2!") == "A heading\n\n\nOne here. 2!\n\n\nThree here."
    assert replaced(text, "Three here.", "") == "A heading\n\n\nOne here. Two here."
    assert replaced(text, "One here.", "") == "A heading\n\n\nTwo here.\n\n\nThree here."
    assert replaced(text, "Four here.", "x") is None


def test_every_shipped_text_survives_being_split() -> None:
    for shipped in catalogue().pieces.values():
        for place, text in texts(shipped):
            assert " ".join(split(text)).split() == text.split(), (shipped.id, place)


def test_one_sentence_is_changed_and_the_rest_stays() -> None:
    own, lost = changed(piece(), [Change(SMS_EN, "Walk as you like.", "Walk, but not uphill.")])
    assert own.variants[0].sms.en == "No gym for 2 days. Walk, but not uphill. Call us if unsure."
    assert own.variants[0].sms.es == piece().variants[0].sms.es
    assert lost == []


def test_an_empty_change_leaves_the_sentence_out() -> None:
    own, _ = changed(piece(), [Change(SMS_EN, "Walk as you like.", "")])
    assert own.variants[0].sms.en == "No gym for 2 days. Call us if unsure."


@pytest.mark.parametrize("place", [SMS_EN, Place(2, "sms", "en"), Place(1, "web", "en")])
def test_a_change_whose_sentence_is_gone_is_told_and_changes_nothing(place: Place) -> None:
    gone = Change(place, "Swim as you like.", "Do not swim.")
    assert changed(piece(), [gone]) == (piece(), [gone])


def test_a_change_is_stored_and_read_back() -> None:
    change = Change(SMS_EN, "Walk as you like.", "¡Camine!")
    assert Change.of(change.as_data()) == change


def test_the_digest_follows_the_words_and_not_the_status() -> None:
    approved = piece().model_copy(update={"status": "approved"})
    assert digest(piece()) == digest(approved)
    assert digest(piece()) != digest(piece("Other words."))


def test_a_difference_names_what_went_and_what_came() -> None:
    lines = difference("A. B. C.", "A. D. C.")
    assert [(line.sign, line.text) for line in lines] == [
        ("same", "A."),
        ("gone", "B."),
        ("new", "D."),
        ("same", "C."),
    ]
    assert [place for place, _ in differences(piece(), piece("New."))] == [SMS_EN]


@given(st.lists(st.sampled_from("ABCDE"), max_size=6), st.lists(st.sampled_from("ABCDE"), max_size=6))
def test_a_difference_holds_both_texts_whole(one: list[str], other: list[str]) -> None:
    before, after = (" ".join(f"{word}." for word in words) for words in (one, other))
    lines = difference(before, after)
    assert " ".join(line.text for line in lines if line.sign != "new") == before
    assert " ".join(line.text for line in lines if line.sign != "gone") == after
