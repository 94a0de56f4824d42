"""By which of their contact methods somebody is notified, without a database."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bot.notify.models import ContactKind
from bot.notify.plan import AT_ONCE, ways
from bot.triage.types import Tier


@dataclass(frozen=True)
class Method:
    id: str
    kind: ContactKind
    delay_s: int
    least_tier: Tier


PAGING = st.sampled_from([Tier.T0, Tier.T1, Tier.T2])
METHODS = st.lists(
    st.builds(Method, st.uuids().map(str), st.sampled_from(ContactKind), st.integers(0, 7200), PAGING),
    min_size=1,
    max_size=6,
    unique_by=lambda method: method.id,
)


@given(METHODS, PAGING, st.booleans())
def test_whoever_has_a_method_is_always_paged_and_at_once(
    methods: list[Method], tier: Tier, phone: bool
) -> None:
    found = ways(methods, phone, tier, "take")
    assert min(way.delay for way in found) == AT_ONCE
    own = [way.method_id for way in found if way.method_id]
    assert set(own) <= {method.id for method in methods}
    assert len(set(own)) == len(own)


@given(METHODS, st.booleans())
def test_an_emergency_rings_whoever_has_a_phone_whatever_their_methods_are(
    methods: list[Method], phone: bool
) -> None:
    found = ways(methods, phone, Tier.T0, "take")
    own = {method.id for method in methods if method.kind is ContactKind.VOICE}
    rung = [way for way in found if way.kind is ContactKind.VOICE]
    if own:
        assert {way.method_id for way in rung} == own, "their own calls, after their own delays"
    else:
        assert [(way.method_id, way.delay) for way in rung] == [(None, AT_ONCE)] * phone


@given(METHODS, PAGING, st.booleans(), st.sampled_from(["remind", "inform"]))
def test_reminders_and_news_never_ring_and_never_wait(
    methods: list[Method], tier: Tier, phone: bool, purpose: str
) -> None:
    found = ways(methods, phone, tier, purpose)  # type: ignore[arg-type]
    assert all(way.kind is not ContactKind.VOICE and way.delay == AT_ONCE for way in found)
    assert purpose == "remind" or len(found) <= 1


@given(METHODS, PAGING, st.booleans())
def test_an_urgent_step_goes_at_once_by_every_way_there_is_and_rings(
    methods: list[Method], tier: Tier, phone: bool
) -> None:
    found = ways(methods, phone, tier, "take", urgent=True)
    assert {way.method_id for way in found} >= {method.id for method in methods}
    assert all(way.delay == AT_ONCE for way in found)
    can_ring = phone or any(method.kind is ContactKind.VOICE for method in methods)
    assert [way.kind for way in found].count(ContactKind.VOICE) >= can_ring


@given(PAGING)
def test_an_urgent_step_rings_a_phone_that_has_no_methods_beside_it(tier: Tier) -> None:
    assert [way.kind for way in ways([], True, tier, "take", urgent=True)] == [
        ContactKind.SMS,
        ContactKind.VOICE,
    ]
    assert ways([], False, tier, "take", urgent=True) == ()


@given(PAGING)
def test_a_phone_alone_is_texted_and_rung_up_for_an_emergency_only(tier: Tier) -> None:
    kinds = [way.kind for way in ways([], True, tier, "take")]
    assert kinds == [ContactKind.SMS, ContactKind.VOICE][: 2 if tier is Tier.T0 else 1]
    assert [way.kind for way in ways([], True, tier, "inform")] == [ContactKind.SMS]
    assert ways([], False, tier, "take") == ()
