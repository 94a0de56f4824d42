"""The clinic's words: nobody reads what was not approved, and what was in force can be told later."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import clock
from bot.clinic.models import Clinic, Patient, Role, Staff
from bot.db.engine import reading, transaction
from bot.dialogue.turn import NOT_APPROVED
from bot.dialogue.turns import describe
from bot.governance import service
from bot.governance.models import ContentVersion, Decision, ShippedText
from bot.governance.sentences import Change, digest, split
from bot.governance.standing import history, own_pieces, standing_at, standing_of
from bot.governance.told import told
from bot.messaging.models import Conversation, Message
from bot.protocols.catalogue import Catalogue, Place, catalogue
from bot.records.models import StaffTask, TaskKind
from tests.support.desk import PAT, Desk, Say

TOPIC = "aftercare.exercise"


def director(session: object) -> Staff:
    return session.scalars(select(Staff).where(Staff.role == Role.MEDICAL_DIRECTOR)).first()  # type: ignore[attr-defined]


def nurse(session: object) -> Staff:
    return session.scalars(select(Staff).where(Staff.role == Role.NURSE)).first()  # type: ignore[attr-defined]


def clinic_id(desk: Desk) -> str:
    return desk.rows(Clinic)[0].id


def first_sentence(piece_id: str) -> Change:
    was = split(catalogue().piece(piece_id).variants[0].sms.en)[0]
    return Change(Place(1, "sms", "en"), was, " ".join(["In our words:", *re.findall(r"{\w+}", was)]) + ".")


def approve(piece_id: str = TOPIC, number: int | None = None) -> None:
    with transaction() as session:
        service.approve(session, director(session), piece_id, digest(catalogue().piece(piece_id)), number)


def propose(change: Change, piece_id: str = TOPIC) -> int:
    with transaction() as session:
        return service.propose(session, nurse(session), piece_id, [change], "as we do it").number


def metadata(desk: Desk) -> dict[str, object]:
    desk.text(PAT, "can i run?")
    with reading() as session:
        message = session.scalars(select(Message).order_by(Message.id.desc())).first()
        assert message is not None
        return describe(session, message.conversation, message)


def updated(monkeypatch: pytest.MonkeyPatch, en: str, piece_id: str = TOPIC) -> None:
    """The files hold another text of this piece from now on."""
    content = catalogue()
    piece = content.piece(piece_id)
    data = piece.model_dump(mode="json")
    data["version"] += 1
    data["variants"][0]["sms"]["en"] = en
    pieces = {**content.pieces, piece_id: type(piece).model_validate(data)}
    fresh = Catalogue(
        content.sources,
        content.settings,
        content.products,
        content.questions,
        content.schedules,
        pieces,
        content.origin,
    )
    monkeypatch.setattr("bot.protocols.catalogue._in_force", fresh)


def test_a_text_is_not_approved_until_the_medical_director_says_so(desk: Desk) -> None:
    with transaction() as session:
        with pytest.raises(service.NotAllowed, match="medical director"):
            service.approve(session, nurse(session), TOPIC, digest(catalogue().piece(TOPIC)))
        assert standing_of(session, clinic_id(desk), TOPIC).name == "draft"
    approve()
    with reading() as session:
        here = standing_of(session, clinic_id(desk), TOPIC)
        assert here.name == "approved"
        assert here.version is not None
        assert here.version.approver is not None
        assert here.version.approver.role is Role.MEDICAL_DIRECTOR
        assert here.version.decided_at is not None


def test_what_was_changed_while_it_was_read_is_not_approved(desk: Desk) -> None:
    with transaction() as session, pytest.raises(service.Refused, match="read it again"):
        service.approve(session, director(session), TOPIC, "0" * 64)
    assert desk.rows(ContentVersion) == []


def test_a_proposal_changes_nothing_before_it_is_approved(desk: Desk) -> None:
    change = first_sentence(TOPIC)
    number = propose(change)
    assert metadata(desk)["own_words"] == {}
    approve(number=number)
    own = metadata(desk)["own_words"]
    assert own[TOPIC]["variants"][0]["sms"]["en"].startswith("In our words: ")  # type: ignore[index]
    with reading() as session:
        (only,) = history(session, clinic_id(desk), TOPIC)
        assert (only.number, only.status, only.author.role) == (number, Decision.APPROVED, Role.NURSE)


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("In {exercise_h} it is perfectly safe.", "never|say"),
        ("After {exercise_h} reply STOP to cancel it.", "opts out"),
        ("{exercise_h}" + "x" * 400, "characters|segments"),
        ("In {exercise_h} call {nobody}.", "nobody"),
    ],
)
def test_words_that_break_a_rule_are_refused_and_nothing_is_kept(desk: Desk, to: str, why: str) -> None:
    change = Change(first_sentence(TOPIC).place, first_sentence(TOPIC).was, to)
    with transaction() as session, pytest.raises(service.Refused, match=why):
        service.propose(session, nurse(session), TOPIC, [change])
    assert desk.rows(ContentVersion) == []


def test_a_clinics_sentence_outlives_an_update_of_the_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = first_sentence(TOPIC)
    approve(number=propose(change))
    updated(monkeypatch, f"{change.was} Something new here.")
    with reading() as session:
        here = standing_of(session, clinic_id(desk), TOPIC)
        assert here.name == "outdated"
        assert here.piece.variants[0].sms.en == f"{change.to} Something new here."
        assert list(own_pieces(session, clinic_id(desk))) == [TOPIC]
    updated(monkeypatch, "All is new.")
    with reading() as session:
        here = standing_of(session, clinic_id(desk), TOPIC)
        assert here.piece.variants[0].sms.en == "All is new."
        assert [lost.to for lost in here.lost] == [change.to]


def test_another_clinic_keeps_the_shipped_words(desk: Desk) -> None:
    approve(number=propose(first_sentence(TOPIC)))
    with reading() as session:
        elsewhere = standing_of(session, "another-clinic", TOPIC)
        assert (elsewhere.name, elsewhere.piece) == ("draft", catalogue().piece(TOPIC))


def test_a_clinic_that_wants_it_sends_approved_counselling_only(desk: Desk) -> None:
    assert metadata(desk)["withheld"] == []
    with transaction() as session:
        session.scalars(select(Clinic)).one().approved_words_only = True
    assert TOPIC in metadata(desk)["withheld"]  # type: ignore[operator]
    assert not [piece for piece in metadata(desk)["withheld"] if piece.startswith("safety.")]  # type: ignore[attr-defined]
    approve()
    assert TOPIC not in metadata(desk)["withheld"]  # type: ignore[operator]


def test_a_retired_topic_is_answered_by_staff(desk: Desk) -> None:
    approve()
    with transaction() as session:
        service.retire(session, director(session), TOPIC, "we are writing a new one")
    assert metadata(desk)["withheld"] == [TOPIC]
    with transaction() as session, pytest.raises(service.Refused, match="cannot do without"):
        service.retire(session, director(session), "safety.t0")


def test_a_withheld_answer_opens_a_task_for_staff(desk: Desk) -> None:
    assert desk.dialogue is not None
    desk.dialogue.answer = lambda _text: [Say("No answer yet.", NOT_APPROVED)]
    desk.text(PAT, "can i run?")
    desk.settle()
    assert desk.texts_to(PAT)[-1] == "No answer yet."
    assert [task.kind for task in desk.rows(StaffTask)] == [TaskKind.NOT_UNDERSTOOD]


def test_what_the_desk_says_by_itself_has_the_clinics_sentence_and_names_its_version(desk: Desk) -> None:
    help_text = catalogue().piece("optout.help").variants[0].sms.en
    change = Change(Place(1, "sms", "en"), help_text.split(". ")[0] + ".", "This is {clinic_name}, hello.")
    with transaction() as session:
        service.propose(session, nurse(session), "optout.help", [change])
    approve("optout.help", number=1)
    desk.text(PAT, "HELP")
    desk.settle()
    (answer,) = [message for message in desk.rows(Message) if message.content_id == "optout.help"]
    assert answer.body.startswith("This is Blue Heron Clinic (demo), hello.")
    assert answer.content_own_version == 1


def test_what_was_in_force_on_a_day_can_be_told_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    service.keep(catalogue())
    before = clock.now()
    clock.advance(timedelta(days=2))
    change = first_sentence(TOPIC)
    approve(number=propose(change))
    clock.advance(timedelta(days=2))
    updated(monkeypatch, "All is new.")
    with transaction() as session:
        session.scalars(select(Clinic)).one().care_settings = {"exercise_hours": 99}
    service.keep(catalogue())
    with reading() as session:
        here = clinic_id(desk)
        assert standing_at(session, here, TOPIC, before - timedelta(days=1)) is None
        first = standing_at(session, here, TOPIC, before + timedelta(hours=1))
        second = standing_at(session, here, TOPIC, before + timedelta(days=3))
        third = standing_at(session, here, TOPIC, clock.now())
        assert first is not None
        assert (first.name, first.own) == ("draft", False)
        assert second is not None
        assert second.piece.variants[0].sms.en.startswith("In our words: ")
        assert third is not None
        assert (third.name, third.piece.variants[0].sms.en) == ("outdated", "All is new.")


def test_a_patient_is_told_by_the_day_the_settings_and_the_words_of_that_day(desk: Desk) -> None:
    service.keep(catalogue())
    pat = next(patient for patient in desk.rows(Patient) if patient.phone == PAT)
    today = clock.now().date()
    clock.advance(timedelta(days=5))
    with transaction() as session:
        session.scalars(select(Clinic)).one().phone = "+15550100177"
    service.keep(catalogue())
    with reading() as session:
        patient = session.get_one(Patient, pat.id)
        then = told(session, patient, "clinic.contact", today)
        now = told(session, patient, "clinic.contact", clock.now().date())
        long_ago = told(session, patient, "clinic.contact", today - timedelta(days=100))
    assert then.rendered is not None
    assert now.rendered is not None
    assert "0101" in then.rendered.text
    assert "0177" in now.rendered.text
    assert now.situation.day == then.situation.day + 5  # type: ignore[operator]
    assert (long_ago.standing, long_ago.rendered, long_ago.situation.phase) == (None, None, "before")


def test_what_is_approved_where_grows_stale_in_sight(desk: Desk) -> None:
    status = "product.regulatory_status"
    was = split(catalogue().piece(status).variants[0].sms.en)[0]
    checked = Change(Place(1, "sms", "en"), was, "We checked the label of our product on 1 November.")
    until = clock.now().date() + timedelta(days=90)
    with transaction() as session:
        me = nurse(session)
        for wrong in (None, clock.now().date(), clock.now().date() + timedelta(days=800)):
            with pytest.raises(service.Refused, match="check"):
                service.propose(session, me, status, [checked], review_by=wrong)
        service.propose(session, me, status, [checked], review_by=until)
    approve(status, 1)
    with reading() as session:
        assert standing_of(session, clinic_id(desk), status).piece.variants[0].sms.en.startswith("We checked")
    clock.advance(timedelta(days=92))
    with reading() as session:
        late = standing_of(session, clinic_id(desk), status)
        assert (late.name, late.own, late.piece) == ("stale", False, catalogue().piece(status))


def test_keeping_twice_writes_once(desk: Desk) -> None:
    service.keep(catalogue())
    first = len(desk.rows(ShippedText))
    service.keep(catalogue())
    with transaction() as session:
        assert service.keep_texts(session) == 0
    assert len(desk.rows(ShippedText)) == first == len(catalogue().pieces)


def test_a_conversation_without_a_decision_has_the_shipped_words(desk: Desk) -> None:
    desk.text(PAT, "HELP")
    desk.settle()
    assert [m.content_own_version for m in desk.rows(Message) if m.content_id == "optout.help"] == [None]
    assert desk.rows(Conversation)
