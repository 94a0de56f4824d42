"""A clinic's own conditions, shaded days and closing words: read from a form, refused, and applied."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.followup import branches, closing, shading
from bot.followup.asking import applies, in_order
from bot.followup.errors import ProtocolRefused
from bot.followup.protocols import Own, parse
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Branch, Schedule, Window, Wording

QUESTIONS = catalogue().questions
SHIPPED = catalogue().schedules["harmonyca"]
ROW: dict[str, Any] = {"question": "", "at_least": "", "among": {}, "from_day": ""}


def wanted(**own: Branch | None) -> Schedule:
    """The shipped protocol with conditions of its own."""
    contacts = [contact.model_dump(mode="json") for contact in SHIPPED.check_ins]
    return parse(SHIPPED, SHIPPED.version + 1, contacts, SHIPPED.hour, Own(only_if=own))


def refusals(problem: pytest.ExceptionInfo[ProtocolRefused]) -> list[tuple[str, str]]:
    return [(fault.reason, fault.about) for fault in problem.value.faults]


# conditions


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("swelling", {"question": "nosuch"}, "branch_unknown"),
        ("swelling", {"question": "lumps", "among": {"lumps": ("yes",)}}, "branch_later"),
        ("swelling", {"question": "swelling", "at_least": "3"}, "branch_later"),
        ("swelling", {"question": "pain"}, "branch_empty"),
        ("swelling", {"question": "overall"}, "branch_empty"),
        ("swelling", {"question": "overall", "among": {"overall": ("perhaps",)}}, "branch_empty"),
        ("swelling", {"question": "overall", "among": {"lumps": ("yes",)}}, "branch_empty"),
        ("satisfaction", {"question": "red_flags"}, "branch_answer"),
        ("swelling", {"question": "pain", "at_least": "11"}, "branch_numbers"),
        ("swelling", {"question": "pain", "at_least": "²"}, "branch_numbers"),
        ("swelling", {"question": "pain", "at_least": "3", "from_day": "soon"}, "branch_numbers"),
        ("swelling", {"question": "pain", "at_least": "3", "from_day": "1099"}, "branch_numbers"),
    ],
)
def test_a_condition_that_nobody_can_meet_is_refused_with_its_question(
    name: str, row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ProtocolRefused) as refused:
        branches.read(name, ROW | row, QUESTIONS)
    assert refusals(refused) == [(reason, name)]


def test_a_condition_is_read_by_score_by_answers_or_as_everybody() -> None:
    scored = ROW | {"question": "pain", "at_least": "4"}
    assert branches.read("swelling", scored, QUESTIONS) == Branch(question="pain", at_least=4)
    ticked = ROW | {"question": "overall", "among": {"overall": ("so_so", "unwell")}}
    found = branches.read("swelling", ticked | {"from_day": "7"}, QUESTIONS)
    assert found == Branch(question="overall", among=("so_so", "unwell"), from_day=7)
    assert branches.read("swelling", ROW, QUESTIONS) is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"among": {"overall": ("well",)}}, "branch_question"),
        ({"at_least": "4"}, "branch_question"),
        ({"from_day": "7"}, "branch_question"),
        ({"question": "pain", "at_least": "4", "among": {"overall": ("well",)}}, "branch_stray"),
        ({"question": "overall", "at_least": "4", "among": {"overall": ("unwell",)}}, "branch_stray"),
    ],
)
def test_what_belongs_to_no_chosen_question_is_refused_and_not_dropped(
    row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ProtocolRefused) as refused:
        branches.read("swelling", ROW | row, QUESTIONS)
    assert refusals(refused) == [(reason, "swelling")]


def test_what_is_left_of_the_standing_condition_goes_with_it() -> None:
    standing = Branch(question="overall", among=("unwell", "so_so"), from_day=29)
    left = ROW | {"among": {"overall": ("so_so", "unwell")}, "from_day": "29"}
    assert branches.read("swelling", left, QUESTIONS, standing) is None
    scored = left | {"question": "pain", "at_least": "4"}
    assert branches.read("swelling", scored, QUESTIONS, standing) == Branch(
        question="pain", at_least=4, from_day=29
    )
    with pytest.raises(ProtocolRefused):
        branches.read("swelling", left | {"among": {"overall": ("well",)}}, QUESTIONS, standing)


def test_a_condition_on_a_question_that_no_such_day_asks_is_refused() -> None:
    with pytest.raises(ProtocolRefused) as refused:
        wanted(satisfaction=Branch(question="pain", at_least=3))  # pain is asked in the first weeks only
    assert refusals(refused) == [("branch_not_asked", "satisfaction")]


@pytest.mark.parametrize(
    "branch",
    [
        Branch(question="overall", among=("unwell",), from_day=29),
        Branch(question="overall", among=("so_so", "unwell"), from_day=28),
        Branch(question="lumps", among=("yes",), from_day=29),
    ],
)
def test_the_danger_signs_are_never_asked_of_fewer_people_than_shipped(branch: Branch) -> None:
    with pytest.raises(ProtocolRefused) as refused:
        wanted(red_flags=branch)
    assert refusals(refused) == [("branch_signs", "red_flags")]
    stored = SHIPPED.model_copy(update={"only_if": {"red_flags": branch}})
    asked = branches.applied(QUESTIONS, [stored])
    assert asked["red_flags"] == QUESTIONS["red_flags"], "not even when an update has made them stricter"


def test_the_danger_signs_may_be_asked_of_more_people() -> None:
    assert wanted(red_flags=None).only_if == {"red_flags": None}
    later = Branch(question="overall", among=("so_so", "unwell"), from_day=60)
    assert branches.applied(QUESTIONS, [wanted(red_flags=later)])["red_flags"].only_if == later


def test_a_condition_as_shipped_follows_the_shipped() -> None:
    assert wanted(tenderness=QUESTIONS["tenderness"].only_if, swelling=None).only_if == {}


def test_an_own_condition_leaves_a_question_out_from_its_day_on() -> None:
    asked = branches.applied(QUESTIONS, [wanted(swelling=Branch(question="pain", at_least=3, from_day=3))])
    order = ["overall", "pain", "swelling", "other"]
    assert in_order(order, {"pain": 2}, asked, 3) == ["overall", "pain", "other"]
    assert in_order(order, {"pain": 3}, asked, 3) == order
    assert in_order(order, {"pain": 2}, asked, 1) == order
    assert in_order(order, {"pain": "a bit"}, asked, 3) == order, "what cannot be read makes nothing needless"


def test_what_waits_for_a_question_that_is_left_out_is_left_out_with_it() -> None:
    own = wanted(
        swelling=Branch(question="pain", at_least=3), bruising=Branch(question="swelling", at_least=3)
    )
    asked = branches.applied(QUESTIONS, [own])
    order = ["overall", "pain", "swelling", "bruising", "other"]
    assert in_order(order, {"pain": 0}, asked, 7) == ["overall", "pain", "other"]
    assert in_order(order, {}, asked, 7) == order


def test_of_two_protocols_asked_as_one_that_disagree_everybody_is_asked() -> None:
    own = wanted(swelling=Branch(question="pain", at_least=3))
    both = branches.applied(QUESTIONS, [own, catalogue().schedules["radiesse"]])
    assert both["swelling"].only_if is None


def test_what_fewer_are_asked_is_found_with_its_first_day_and_what_more_are_asked_is_not() -> None:
    (lost,) = branches.fewer(QUESTIONS, wanted(swelling=Branch(question="pain", at_least=3, from_day=7)))
    assert (lost.question, lost.day) == ("swelling", 7)
    assert branches.fewer(QUESTIONS, wanted(tenderness=None, red_flags=None)) == []
    assert branches.fewer(QUESTIONS, wanted(swelling=Branch(question="pain", at_least=0))) == []


any_branch = st.one_of(
    st.builds(
        Branch, question=st.just("pain"), at_least=st.integers(0, 10), from_day=st.sampled_from([0, 3, 60])
    ),
    st.builds(
        Branch,
        question=st.just("lumps"),
        among=st.sampled_from([("yes",), ("no",), ("yes", "no")]),
        from_day=st.sampled_from([0, 28, 60, 90]),
    ),
)


@given(any_branch, st.integers(0, 10), st.sampled_from(["yes", "no"]), st.integers(0, 120))
def test_a_question_that_somebody_loses_is_never_overlooked(
    branch: Branch, pain: int, lumps: str, day: int
) -> None:
    own = SHIPPED.model_copy(update={"only_if": {"tenderness": branch}})
    answers = {"pain": pain, "lumps": lumps}
    mine = branches.applied(QUESTIONS, [own])
    was = applies(QUESTIONS["tenderness"], answers, QUESTIONS, day)
    if was and not applies(mine["tenderness"], answers, mine, day):
        assert branches.fewer(QUESTIONS, own)


# shaded days


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (("3", ""), "window_half"),
        (("", "3"), "window_half"),
        (("one", "3"), "window_numbers"),
        (("0", "366"), "window_numbers"),
        (("-1", "3"), "window_numbers"),
        (("5", "3"), "window_crossed"),
        (("3", "3"), "window_crossed"),
    ],
)
def test_days_that_cannot_be_shaded_are_refused_with_their_measure(
    days: tuple[str, str], reason: str
) -> None:
    with pytest.raises(ProtocolRefused) as refused:
        shading.read({"swelling": days})
    assert refusals(refused) == [(reason, "swelling")]


def test_own_days_take_the_place_of_the_shipped_ones_of_that_measure_alone() -> None:
    contacts = [contact.model_dump(mode="json") for contact in SHIPPED.check_ins]
    read = shading.read({"swelling": ("1", "10"), "bruising": ("", ""), "tenderness": ("0", "2")})
    own = parse(SHIPPED, SHIPPED.version + 1, contacts, SHIPPED.hour, Own(windows=read))
    assert own.windows == {"swelling": Window(first_day=1, last_day=10), "bruising": None}
    days = shading.shaded("harmonyca", own)
    assert days == {"pain": (0, 2), "swelling": (1, 10), "tenderness": (0, 2)}


def test_no_own_days_of_pain_are_shown_to_patients() -> None:
    own = SHIPPED.model_copy(update={"windows": {"pain": Window(first_day=0, last_day=9)}})
    assert shading.shaded("harmonyca", own)["pain"] == (0, 9)
    assert "pain" not in shading.shaded("harmonyca", own, for_patients=True)
    no_days = catalogue().schedules["sculptra"].model_copy(update={"windows": own.windows})
    assert "pain" not in shading.shaded("sculptra", no_days, for_patients=True)


# closing words

CALL_EN = "Urgent: call {emergency_phone}. Emergency: call {emergency_number}."
CALL_ES = "Urgente: llame al {emergency_phone}. Emergencia: llame al {emergency_number}."


def test_closing_words_are_kept_in_both_languages_and_none_are_the_shipped_ones() -> None:
    words = closing.read(f"Lovely to hear. {CALL_EN}", f"Qué bien. {CALL_ES}")
    assert words == Wording(en=f"Lovely to hear. {CALL_EN}", es=f"Qué bien. {CALL_ES}")
    assert closing.read("", "") is None
    assert closing.read(closing.shipped().en, closing.shipped().es) is None


@pytest.mark.parametrize(
    ("en", "es", "fault"),
    [
        (CALL_EN, "", ("words_missing", "es", "")),
        ("", CALL_ES, ("words_missing", "en", "")),
        (f"Don't worry. {CALL_EN}", CALL_ES, ("words_never", "en", "Don't worry")),
        (CALL_EN, f"No se preocupe. {CALL_ES}", ("words_never", "es", "No se preocupe")),
        ("Bye. Emergency: {emergency_number}.", CALL_ES, ("words_urgent", "en", "{emergency_phone}")),
        (CALL_EN, "Urgente: {emergency_phone}.", ("words_urgent", "es", "{emergency_number}")),
        (f"Hi {{nobody}}. {CALL_EN}", CALL_ES, ("words_unknown", "en", "{nobody}")),
        (f"See {{url}} {CALL_EN}", f"Vea {{url}} {CALL_ES}", ("words_unknown", "en", "{url}")),
        (f"{'Thanks. ' * 36}{CALL_EN}", CALL_ES, ("words_long", "en", "338")),
        (f"Great ✓ {CALL_EN}", CALL_ES, ("words_sign", "en", "✓")),
    ],
)
def test_closing_words_that_may_not_be_said_are_refused_by_language_with_what_is_wrong(
    en: str, es: str, fault: tuple[str, str, str]
) -> None:
    with pytest.raises(ProtocolRefused) as refused:
        closing.read(en, es)
    assert fault in refused.value.faults


@pytest.mark.parametrize(
    ("en", "es", "language"),
    [
        (f"Reply STOP to end. {CALL_EN}", CALL_ES, "en"),
        (CALL_EN, f"Su HArmonyCA va por buen camino. {CALL_ES}", "es"),
        (f"Thanks, {{first_name}}. {CALL_EN}", CALL_ES, "en"),
    ],
)
def test_closing_words_keep_the_rules_of_all_texts(en: str, es: str, language: str) -> None:
    with pytest.raises(ProtocolRefused) as refused:
        closing.read(en, es)
    assert ("words_other", language) in refusals(refused)


def test_a_brace_that_is_no_placeholder_is_refused_and_nothing_breaks() -> None:
    with pytest.raises(ProtocolRefused) as refused:
        closing.read(f"Thanks {{ {CALL_EN}", CALL_ES)
    assert ("words_braces", "en") in refusals(refused)
