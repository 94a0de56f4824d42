"""What differs between versions of a protocol, and joining two changes of one version."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.followup import differences, protocols
from bot.followup.differences import Part, changes, merge, overridden
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Branch, Schedule, Threshold, Window, Wording

BASE = catalogue().schedules["harmonyca"]
WORDS = Wording(en="Good. {emergency_phone}", es="Bien. {emergency_phone}")


def edited(of: Schedule = BASE, **other: Any) -> Schedule:
    """A protocol with other days, hour or parts."""
    return protocols.checked(of.model_dump(mode="json") | {"version": of.version + 1} | other)


def days(of: Schedule = BASE, **other: Any) -> list[dict[str, Any]]:
    """The check-ins of a protocol by day ("d3"), others changed, added, or left out with None."""
    known: dict[str, Any] = {f"d{c.day}": c.model_dump(mode="json") for c in of.check_ins} | other
    return sorted((one for one in known.values() if one), key=lambda one: int(one["day"]))


def contact(day: int, *ask: str, hour: int | None = None) -> dict[str, Any]:
    return {"day": day, "ask": ["overall", *ask, "other"], "hour": hour}


DAY_3 = BASE.on(3)
assert DAY_3 is not None
MOVED = DAY_3.model_dump(mode="json")


def differing(old: Schedule, new: Schedule) -> list[Part]:
    return [one.part for one in changes(old, new)]


def test_a_protocol_does_not_differ_from_itself_in_another_order_of_questions() -> None:
    twisted = edited(check_ins=days(d28=contact(28, "red_flags", "tenderness", "lumps")))
    assert twisted.on(28) != BASE.on(28)
    assert changes(BASE, twisted) == []


def test_what_is_written_out_as_shipped_is_no_difference() -> None:
    question = catalogue().questions["pain"]
    same = edited(thresholds={"pain": [one.model_dump() for one in question.thresholds]})
    assert same.thresholds
    assert changes(BASE, same) == []


def test_every_kind_of_change_is_named() -> None:
    new = edited(
        hour=11,
        check_ins=days(
            d1=contact(1, "pain", "bruising", "red_flags", hour=9), d3=None, d4=MOVED | {"day": 4},
            d365=None, d200=contact(200, "lumps"),
        ),
        thresholds={"pain": [Threshold(tier="T2", at_least=5).model_dump()]},
        only_if={"tenderness": None},
        windows={"swelling": {"first_day": 1, "last_day": 9}, "bruising": None},
        all_well=WORDS.model_dump(),
    )  # fmt: skip
    assert differing(BASE, new) == [
        Part("hour"),
        Part("moved", 3),
        Part("day", 200),
        Part("day", 365),
        Part("day_hour", 1),
        Part("asks", 1, "swelling"),
        Part("asks", 1, "bruising"),
        Part("threshold", about="pain"),
        Part("branch", about="tenderness"),
        Part("window", about="swelling"),
        Part("window", about="bruising"),
        Part("words"),
    ]


def test_what_one_did_not_touch_keeps_what_the_other_put_there() -> None:
    theirs = edited(check_ins=days(d1=contact(1, "pain", "swelling", "bruising", "red_flags")), hour=12)
    mine = edited(
        check_ins=days(d1=contact(1, "pain", "swelling", "red_flags", hour=8), d3=None),
        windows={"swelling": {"first_day": 1, "last_day": 9}},
        only_if={"swelling": Branch(question="pain", at_least=4).model_dump()},
    )
    both = merge(BASE, mine, theirs)
    assert (both.version, both.hour, both.on(3)) == (theirs.version, 12, None)
    day_1 = both.on(1)
    assert day_1 is not None
    assert day_1.hour == 8
    assert day_1.ask == ("overall", "pain", "swelling", "bruising", "red_flags", "other")
    assert both.windows == {"swelling": Window(first_day=1, last_day=9)}
    assert both.only_if == {"swelling": Branch(question="pain", at_least=4)}
    assert overridden(BASE, theirs, both) == []
    assert protocols.checked(both.model_dump(mode="json")) == both


def test_what_both_changed_is_named_part_by_part() -> None:
    theirs = edited(hour=12, check_ins=days(d3=None), windows={"pain": {"first_day": 0, "last_day": 5}})
    mine = edited(
        hour=9, check_ins=days(d3=contact(3, "pain", hour=7)), windows={"pain": None, "swelling": None}
    )
    both = merge(BASE, mine, theirs)
    found = {one.part: (one.before, one.after) for one in overridden(BASE, theirs, both)}
    assert set(found) == {Part("hour"), Part("day", 3), Part("window", about="pain")}
    assert found[Part("hour")] == (12, 9)
    assert found[Part("day", 3)][0] is None
    assert found[Part("window", about="pain")] == ((0, 5), None)
    kept = [one for one in overridden(BASE, theirs, both) if one.part.kind != "window"]
    chosen = differences.with_parts_of(theirs, both, kept)
    assert (chosen.hour, chosen.on(3)) == (12, None)
    assert chosen.windows == {"pain": None, "swelling": None}
    assert [one.part for one in overridden(BASE, theirs, chosen)] == [Part("window", about="pain")]


def test_a_day_that_both_moved_is_asked_once_and_named() -> None:
    theirs = edited(check_ins=days(d3=None, d4=MOVED | {"day": 4}))
    mine = edited(check_ins=days(d3=None, d5=MOVED | {"day": 5}))
    both = merge(BASE, mine, theirs)
    assert (both.on(3), both.on(4)) == (None, None)
    assert both.on(5) is not None
    assert [one.part for one in overridden(BASE, theirs, both)] == [Part("day", 4)]


def test_without_the_version_it_was_opened_on_every_difference_is_named() -> None:
    mine = edited(hour=9, windows={"swelling": None})
    assert {one.part for one in overridden(None, BASE, mine)} == {
        Part("hour"),
        Part("window", about="swelling"),
    }


hours = st.integers(0, 23)
some_days = st.dictionaries(
    st.integers(0, 9),
    st.tuples(st.sets(st.sampled_from(["pain", "swelling", "lumps"])), st.none() | hours),
    min_size=1,
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    asked = sorted(draw(some_days).items())
    window = draw(st.sampled_from([None, Window(first_day=0, last_day=3), Window(first_day=1, last_day=9)]))
    return edited(
        hour=draw(hours),
        check_ins=[contact(day, *sorted(ask), hour=hour) for day, (ask, hour) in asked],
        windows={"swelling": window and window.model_dump()},
        all_well=draw(st.sampled_from([None, WORDS.model_dump()])),
    )


@given(schedules(), schedules())
def test_a_change_that_meets_no_other_is_kept_whole(base: Schedule, changed: Schedule) -> None:
    assert changes(changed, merge(base, changed, base)) == []
    assert changes(changed, merge(base, base, changed)) == []
    assert overridden(base, changed, merge(base, base, changed)) == []
    assert changes(changed, merge(base, changed, changed)) == []
    assert (changes(base, changed) == []) == (changes(changed, base) == [])


@given(schedules(), schedules(), schedules())
def test_nothing_of_another_is_overwritten_without_being_named(
    base: Schedule, mine: Schedule, theirs: Schedule
) -> None:
    both = merge(base, mine, theirs)
    named = overridden(base, theirs, both)
    chosen = differences.with_parts_of(theirs, both, named)
    assert overridden(base, theirs, chosen) == []
