"""The served reader: loads whole or not at all, reads any text, and answers alike alone and in company."""

from __future__ import annotations

import json
import shutil
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.triage import Context, Tier, assess, assess_many
from bot.triage.normalise import plain
from bot.triage.reader import Reader, ReaderUnavailable, artefact, calibration, served, unavailable
from bot.triage.reader.characters import BUCKETS, LONGEST, hashed
from bot.triage.reader.days import DAY_BUCKETS, day_features
from bot.triage.reader.neighbours import Neighbours, save
from bot.triage.reader.text import reader_text


@pytest.fixture(scope="module")
def reader() -> Reader:
    found = served()
    assert found is not None, unavailable()
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    home = tmp_path / "triage-reader"
    shutil.copytree(artefact.HOME, home)
    return home


@pytest.mark.parametrize("part", [*artefact.PARTS, artefact.MANIFEST])
def test_a_missing_part_is_named(copy: Path, part: str) -> None:
    (copy / part).unlink()
    with pytest.raises(ReaderUnavailable, match=part):
        Reader(copy)


@pytest.mark.parametrize("part", artefact.PARTS)
def test_an_altered_part_is_refused(copy: Path, part: str) -> None:
    with (copy / part).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ReaderUnavailable, match=f"{part} is altered"):
        Reader(copy)


@pytest.mark.parametrize("manifest", ["", "[]", '{"format": 1}', "\x00"])
def test_an_unreadable_manifest_is_refused(copy: Path, manifest: str) -> None:
    (copy / artefact.MANIFEST).write_text(manifest, encoding="utf-8")
    with pytest.raises(ReaderUnavailable):
        Reader(copy)


def test_an_artefact_of_another_format_is_refused_and_says_what_to_do(copy: Path) -> None:
    path = copy / artefact.MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "format": 99}), encoding="utf-8")
    with pytest.raises(ReaderUnavailable, match="make train-reader"):
        Reader(copy)


def test_a_sealed_part_that_does_not_load_is_refused(copy: Path) -> None:
    (copy / artefact.ENCODER).write_bytes(b"no network")
    artefact.seal(copy)
    with pytest.raises(ReaderUnavailable, match="does not load"):
        Reader(copy)


def test_a_message_that_comes_again_is_read_as_it_was_the_first_time(copy: Path) -> None:
    fresh, reader = Reader(copy), Reader(copy)
    asked: list[int] = []
    vectors = reader._network.vectors
    reader._network.vectors = lambda windows: asked.append(len(windows)) or vectors(windows)  # type: ignore
    texts, days = ["Y", "1 pain 0", "my lip has gone white", "y"], [3, 2, 0, 40]
    first = reader.read_many(texts, days)
    again = reader.read_many(texts, days)
    assert asked == [3]  # "Y" and "y" are one, and the second time nothing went through the network
    for text, day, one, other in zip(texts, days, first, again, strict=True):
        alone = fresh.read(text, day)
        assert (one.evidence, one.flags) == (other.evidence, other.flags)
        # numbers that are added in another order differ in the last digits
        assert np.allclose(astuple(alone.evidence), astuple(one.evidence), atol=1e-3)
    reader.read("Y", 0)
    assert asked == [3], "the day comes in after the network"


def test_more_evidence_never_lowers_a_probability(reader: Reader) -> None:
    for question, (weights, _bias) in reader.decision.weights.items():
        assert all(weight >= 0 for weight in weights), question
        assert len(weights) == len(calibration.EVIDENCE)


def test_thresholds_are_in_order(reader: Reader) -> None:
    decision = reader.decision
    assert 0 < decision.probe_red <= decision.page < 1
    assert 0 < decision.probe_concern <= decision.same_day < 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=200), st.none() | st.integers(-3, 500)), min_size=1, max_size=6))
def test_messages_are_assessed_alike_alone_and_together(rows: list[tuple[str, int | None]]) -> None:
    together = assess_many([text for text, _ in rows], [Context(day=day) for _, day in rows])
    for (text, day), assessment in zip(rows, together, strict=True):
        alone = assess(text, Context(day=day))
        assert (alone.tier, alone.probe, alone.flags) == (assessment.tier, assessment.probe, assessment.flags)


def test_a_sign_in_the_middle_of_a_long_message_is_not_diluted() -> None:
    calm = "thank you for the appointment, the clinic is lovely and the staff were very kind to me. " * 25
    text = f"{calm} my cheek has a purple lacy pattern like marble. {calm}"
    assert assess(text, Context(day=0)).tier.at_least_as_urgent_as(Tier.T1)
    assert not assess(calm, Context(day=0)).tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize(
    "text",
    [
        "mу tор liр hаs gоnе whitе аnd it hurts",  # Cyrillic look-alikes
        "my\u200b top li\u200bp has go\u200bne white and it hurts",
        "MY TOP LIP HAS GONE WHIIIIITE AND IT HURTSSSSS!!!!",
        "𝓶𝔂 𝓽𝓸𝓹 𝓵𝓲𝓹 𝓱𝓪𝓼 𝓰𝓸𝓷𝓮 𝔀𝓱𝓲𝓽𝓮 𝓪𝓷𝓭 𝓲𝓽 𝓱𝓾𝓻𝓽𝓼",
    ],
)
def test_writing_it_in_disguise_hides_no_sign(text: str) -> None:
    assert assess(text, Context(day=0)).tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert('x')</script>" * 50,
        json.dumps({"a": [1, 2, {"b": None}]}) * 100,
        "aGVsbG8gd29ybGQ=" * 600,
        "🙂" * 10_000,
        "\U0010ffff" * 10_000,
        "ا" * 10_000,
        "a\u0301" * 5_000,
        "\ud800 half a character",
    ],
)
def test_whatever_is_sent_gets_a_tier(text: str) -> None:
    assert assess(text, Context(day=1)).tier in Tier


@given(st.text(max_size=300))
def test_preparing_a_prepared_text_changes_nothing(text: str) -> None:
    once = reader_text(text)
    assert reader_text(once) == once


def test_days_fall_into_their_buckets_and_an_unknown_day_into_none() -> None:
    assert day_features(None).sum() == 0
    assert [int(np.argmax(day_features(day))) for day in (0, 1, 2, 3, 4, 7, 8, 14, 15, 31, 999)] == [
        0, 1, 2, 2, 3, 3, 4, 4, 5, 6, 6,
    ]  # fmt: skip
    assert day_features(-2)[0] == 1
    assert DAY_BUCKETS == 7


def test_the_nearest_messages_are_labelled_ones_and_in_order(reader: Reader) -> None:
    near = reader.nearest(reader.read("my lip went white after the filler", 0), 5)
    assert len(near) == 5
    assert [one.likeness for one in near] == sorted((one.likeness for one in near), reverse=True)
    assert all(one.text and one.tier in Tier.__members__ for one in near)


def test_letters_are_hashed_as_scikit_learn_hashes_them() -> None:
    from sklearn.feature_extraction.text import HashingVectorizer

    theirs = HashingVectorizer(
        analyzer="char_wb", ngram_range=(1, LONGEST), n_features=BUCKETS, alternate_sign=False
    )
    for text in ("My lip is WHITE", "", " ", "a", "abcd  ef", "ñandú 👍🏽 ½", "no puedo tragar, ayuda!!"):
        expected = theirs.transform([plain(text)]).tocoo()
        buckets, weights = hashed(text)
        assert dict(zip(buckets.tolist(), weights.tolist(), strict=True)) == pytest.approx(
            dict(zip(expected.col.tolist(), expected.data.tolist(), strict=True))
        )


def test_the_nearest_of_a_stored_message_is_itself(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(500, 384)).astype(np.float32)
    save(tmp_path / "n.npz", vectors, [(f"n{at}", f"ñ {at}", "T4", "NEG", None) for at in range(500)])
    kept = Neighbours(tmp_path / "n.npz")
    for at in (0, 1, 250, 499):
        first, second = kept.nearest(vectors[at], 2)
        assert (first.id, first.text) == (f"n{at}", f"ñ {at}")
        assert first.likeness > 0.99 > second.likeness
    assert len(kept.nearest(vectors[0], 600)) == 500
