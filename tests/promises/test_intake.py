"""The candidacy intake as a patient lives it: real dialogue, real record, nothing decided."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.db.engine import reading
from bot.dialogue.agent import Dialogue
from bot.escalation.models import Alert
from bot.intake import service
from bot.intake.items import ITEMS
from bot.intake.models import Intake, IntakeStatus
from bot.intake.reading import Answer
from bot.intake.summary import sections
from bot.messaging.models import Conversation, Message
from bot.records.models import StaffTask, TaskKind
from tests.support.desk import STRANGER, Desk
from tests.support.patient import age

pytestmark = pytest.mark.model

ANSWERS = {
    "goals": "a sharper jaw and both cheeks alike",
    "goals_longer": "firmer skin",
    "age": "44",
    "pregnancy": "no",
    "allergy": "penicillin, a rash",
    "blood": "eliquis for AF",
    "immune": "no",
    "scarring": "no",
    "prior_filler": "silicone abroad",
    "energy": "no",
    "illness": "no",
    "timing": "wedding in June",
    "other": "no",
}


@pytest.fixture
def talk(desk: Desk, dialogue: Dialogue) -> Desk:
    """A desk whose dialogue is the real one."""
    desk.dialogue = dialogue  # type: ignore[assignment]
    return desk


def texts(talk: Desk, words: str, sender: str = STRANGER) -> list[str]:
    """What comes back to a text: the ids of the content."""
    before = len(talk.texts_to(sender))
    talk.text(sender, words)
    talk.settle()
    with reading() as session:
        ours = session.scalars(
            select(Message).where(
                Message.conversation_id == _thread(talk, sender), Message.content_id.is_not(None)
            )
        ).all()
        return [str(m.content_id) for m in sorted(ours, key=lambda m: m.id)][before:]


def begun(talk: Desk, *said: str) -> None:
    """Start the questions, and answer the first of them."""
    for words in ("start the questions", *said):
        texts(talk, words)


def _thread(talk: Desk, sender: str) -> str:
    return talk.rows(Conversation, address=sender)[0].id


def answers(talk: Desk, sender: str = STRANGER) -> dict[str, Answer]:
    with reading() as session:
        intake = service.latest(session, _thread(talk, sender))
        assert intake is not None
        return service.answers_of(intake)


def status(talk: Desk) -> IntakeStatus:
    return talk.rows(Intake)[0].status


def test_goals_come_first_then_history_and_every_answer_is_stored_with_its_words(talk: Desk) -> None:
    asked = texts(talk, "can I fill in the questions")
    assert asked[-1] == "intake.ask_goals"
    for item, following in zip(ITEMS, [*(i.content for i in ITEMS[1:]), "intake.done"], strict=True):
        said = texts(talk, ANSWERS[item.id])
        assert said[-1] == following, (item.id, said)
    kept = answers(talk)
    assert {name: answer.words for name, answer in kept.items()} == ANSWERS
    assert set(kept["blood"].codes) == {"anticoagulant", "heart"}
    assert status(talk) is IntakeStatus.DONE
    assert any(task.note.startswith("intake") for task in talk.rows(StaffTask, kind=TaskKind.REVIEW))


@pytest.mark.parametrize("wish", ["jaw line sharper, left side hangs", "one eye looks droopy, always did"])
def test_how_somebody_has_always_looked_pages_nobody_and_is_kept(talk: Desk, wish: str) -> None:
    texts(talk, "start the questions")
    said = texts(talk, wish)
    assert talk.rows(Alert) == []
    assert not [piece for piece in said if piece.startswith("safety.t0")], said
    if said[-1] != "intake.ask_goals_longer":  # the red-flag questions came first
        assert texts(talk, "0")[-1] == "intake.ask_goals_longer"
    assert answers(talk)["goals"].words == wish


def test_the_intake_is_offered_with_the_answer_to_am_i_suitable(talk: Desk) -> None:
    said = texts(talk, "am I a good candidate for this?")
    assert said[-1] == "intake.offer"
    assert texts(talk, "1")[-1] == "intake.ask_goals"


def test_the_offer_comes_last_so_that_its_number_begins_also_after_two_questions(talk: Desk) -> None:
    said = texts(talk, "am i a good candidate and how much is it")
    assert said[-3:] == ["candidacy.suitability", "clinic.price", "intake.offer"]
    assert texts(talk, "1")[-1] == "intake.ask_goals"


def test_nobody_is_offered_the_questions_twice(talk: Desk) -> None:
    texts(talk, "can i fill in the questions")
    in_the_middle = texts(talk, "am i a good candidate for this?")
    assert in_the_middle == ["candidacy.suitability", "intake.ask_goals"]
    for answer in ANSWERS.values():
        texts(talk, answer)
    assert status(talk) is IntakeStatus.DONE
    assert texts(talk, "am i a good candidate for this?") == ["candidacy.suitability"]
    assert texts(talk, "nope thats all") == ["smalltalk.thanks"]


def test_nonsense_is_asked_once_more_with_an_example_and_then_kept(talk: Desk) -> None:
    texts(talk, "start the questions")
    texts(talk, "cheeks")
    texts(talk, "no")
    assert texts(talk, "old") == ["intake.reask_age"]
    assert texts(talk, "very old")[-1] == "intake.ask_pregnancy"
    assert answers(talk)["age"].words == "very old"


def test_a_bare_yes_is_asked_which_and_when(talk: Desk) -> None:
    begun(talk, "cheeks", "no", "40")
    assert texts(talk, "yes") == ["intake.ask_detail"]
    assert texts(talk, "breastfeeding since May")[-1] == "intake.ask_allergy"
    assert answers(talk)["pregnancy"].codes == ("breastfeeding",)


def test_a_question_in_the_middle_is_answered_and_the_intake_goes_on(talk: Desk) -> None:
    texts(talk, "start the questions")
    said = texts(talk, "how much does it cost?")
    assert said[0] == "clinic.price"
    assert said[-1] == "intake.ask_goals"


def test_under_18_ends_it_at_once_and_nothing_is_booked(talk: Desk) -> None:
    texts(talk, "start the questions")
    texts(talk, "cheeks")
    texts(talk, "no")
    assert texts(talk, "17")[-1] == "intake.stop_minor"
    assert status(talk) is IntakeStatus.STOPPED
    assert any("under 18" in task.note for task in talk.rows(StaffTask))
    assert texts(talk, "start the questions") == ["intake.stop_minor"]


def end_under_age(talk: Desk) -> None:
    """Somebody says to be 17, which ends the questions."""
    begun(talk, "cheeks", "no", "17")


@pytest.mark.parametrize(
    "slip", ["sorry, I meant 47, actually I am 47", "my age is 41", "41", "perdón, 41", "i mean 41 not 14"]
)
def test_an_age_that_was_a_slip_is_corrected_and_the_questions_go_on(talk: Desk, slip: str) -> None:
    end_under_age(talk)
    assert texts(talk, slip) == ["intake.changed", "intake.resume", "intake.ask_pregnancy"]
    assert status(talk) is IntakeStatus.OPEN


@pytest.mark.parametrize(
    "words", ["17", "I am 16", "at 18:30?", "can I wait 20 minutes", "41 weeks pregnant"]
)
def test_who_is_under_age_stays_under_age(talk: Desk, words: str) -> None:
    end_under_age(talk)
    texts(talk, words)
    assert status(talk) is IntakeStatus.STOPPED


@pytest.mark.parametrize("words", ["im 16 but my mum signs", "tengo 16 pero mi mamá firma", "I'm only 17"])
def test_an_age_told_at_another_question_ends_the_questions_too(talk: Desk, words: str) -> None:
    texts(talk, "start the questions")
    texts(talk, "my jaw")
    assert texts(talk, words)[-1] == "intake.stop_minor"
    assert status(talk) is IntakeStatus.STOPPED


@pytest.mark.parametrize("words", ["im 16 weeks out from my wedding", "tengo 12 cicatrices", "in 14 days"])
def test_another_figure_is_no_age(talk: Desk, words: str) -> None:
    texts(talk, "start the questions")
    texts(talk, words)
    assert status(talk) is IntakeStatus.OPEN


@pytest.mark.parametrize("words", ["not pregnant but we are trying", "no pero lo estamos intentando"])
def test_trying_for_a_child_is_no_no(talk: Desk, words: str) -> None:
    texts(talk, "start the questions")
    for answer in ("cheeks", "no", "34", words):
        texts(talk, answer)
    assert (answers(talk)["pregnancy"].said, answers(talk)["pregnancy"].codes) == ("yes", ("trying",))


@pytest.mark.parametrize("words", ["no just the jaw, scrap the lips", "mejor solo la mandíbula"])
def test_second_thoughts_on_the_goals_reach_the_goals(talk: Desk, words: str) -> None:
    texts(talk, "start the questions")
    texts(talk, "the lips and the jaw")
    assert texts(talk, words) == ["intake.changed", "intake.ask_goals_longer"]
    assert answers(talk)["goals"].words == f"the lips and the jaw; {words}"
    assert "goals_longer" not in answers(talk)


@pytest.mark.parametrize("words", ["ahora no puedo, luego sigo", "busy right now, will finish later"])
def test_the_rest_is_put_off_in_several_words_and_alarms_nobody(talk: Desk, words: str) -> None:
    texts(talk, "start the questions")
    texts(talk, "my jaw")
    assert texts(talk, words) == ["dialogue.cancelled"]
    assert status(talk) is IntakeStatus.OPEN
    assert "goals_longer" not in answers(talk)
    assert talk.alerts() == []


@pytest.mark.parametrize("words", ["sí, venga", "ok go ahead", "vale, adelante"])
def test_an_offer_is_taken_up_in_words(talk: Desk, words: str) -> None:
    assert texts(talk, "quiero saber si soy buena candidata")[-1] == "intake.offer"
    assert texts(talk, words)[-1] == "intake.ask_goals"


def test_days_later_it_goes_on_where_it_stopped(talk: Desk) -> None:
    texts(talk, "start the questions")
    texts(talk, "cheeks")
    talk.advance(hours=24 * 3)
    age(talk.dialogue, _thread(talk, STRANGER), hours=24 * 3)  # type: ignore[arg-type]
    assert texts(talk, "go on with the questions") == ["intake.resume", "intake.ask_goals_longer"]


def test_an_answer_is_corrected_after_the_end_and_the_first_one_stays_on_record(talk: Desk) -> None:
    texts(talk, "start the questions")
    for item in ITEMS:
        texts(talk, ANSWERS[item.id])
    assert texts(talk, "actually I did have laser in May") == ["intake.changed"]
    assert answers(talk)["energy"].codes == ("laser",)
    with reading() as session:
        intake = service.latest(session, _thread(talk, STRANGER))
        assert intake is not None
        assert [row.said for row in intake.answers if row.item == "energy"] == ["no", "yes"]


def test_the_answers_are_read_back_on_request_and_the_question_asked_again(talk: Desk) -> None:
    texts(talk, "start the questions")
    texts(talk, "a sharper jaw")
    assert texts(talk, "BACK") == ["intake.read_back", "intake.ask_goals_longer"]
    assert any("a sharper jaw" in text for text in talk.texts_to(STRANGER))


def test_what_is_said_in_answer_to_another_question_reaches_its_own(talk: Desk) -> None:
    for words in ("can I fill in the questions", "a sharper jaw", "no", "eliquis for afib", "44", "no", "no"):
        texts(talk, words)
    assert answers(talk)["blood"].codes == ("anticoagulant", "heart")
    texts(talk, "no")  # immune
    texts(talk, "and aspirin every day")
    assert {"anticoagulant", "antiplatelet"} <= set(answers(talk)["blood"].codes)


def test_the_questions_can_be_put_off_and_go_on_where_they_stopped(talk: Desk) -> None:
    for words in ("can I fill in the questions", "a sharper jaw", "no"):
        texts(talk, words)
    assert texts(talk, "can i do this later") == ["dialogue.cancelled"]
    with reading() as session:
        assert session.scalars(select(Intake)).one().status is IntakeStatus.OPEN
    assert texts(talk, "can I fill in the questions") == ["intake.resume", "intake.ask_age"]


def test_a_correction_after_the_end_is_read_as_an_answer_and_not_asked_about(talk: Desk) -> None:
    for words in ("can I fill in the questions", *ANSWERS.values()):
        texts(talk, words)
    assert texts(talk, "actually I also take aspirin") == ["intake.changed"]
    assert {"anticoagulant", "antiplatelet"} <= set(answers(talk)["blood"].codes)


def test_an_abandoned_intake_is_followed_up_once(talk: Desk) -> None:
    texts(talk, "start the questions")
    for _ in range(16):
        talk.advance(hours=3)
    sent = [text for text in talk.texts_to(STRANGER) if "still open" in text]
    assert len(sent) == 1


def test_stop_ends_the_follow_up(talk: Desk) -> None:
    texts(talk, "start the questions")
    talk.text(STRANGER, "STOP")
    for _ in range(16):
        talk.advance(hours=3)
    assert not [text for text in talk.texts_to(STRANGER) if "still open" in text]


@pytest.mark.parametrize(
    "words", ["I take warfarin and prednisone", "cold sores sometimes", "6 wks preg", "lupus and keloids"]
)
def test_telling_ones_history_pages_nobody_and_brings_no_red_flag_questions(talk: Desk, words: str) -> None:
    begun(talk, "cheeks", "no", "40", "no", "no")
    assert [content.split("_")[0] for content in texts(talk, words)] == ["intake.ask"]
    assert talk.alerts() == []


def test_a_blood_thinner_that_was_stopped_is_a_matter_for_now_in_the_intake_too(talk: Desk) -> None:
    begun(talk, "cheeks", "no", "40", "no", "no")
    texts(talk, "I stopped my eliquis yesterday to be ready for you")
    assert [alert.tier for alert in talk.alerts()] == ["T1"]


def test_a_red_flag_ends_the_intake_and_is_answered_as_one(talk: Desk) -> None:
    texts(talk, "start the questions")
    said = texts(talk, "I cannot see out of my left eye since the filler today")
    assert said[0].startswith("safety.t0")
    assert not any(content.startswith("intake.") for content in said)


@pytest.mark.parametrize("words", ["later, kids are screaming", "al rato te contesto"])
def test_what_is_put_off_with_a_reason_is_no_answer_and_goes_on_when_the_patient_is_back(
    talk: Desk, words: str
) -> None:
    texts(talk, "start the questions")
    texts(talk, "a sharper jaw")
    assert texts(talk, words) == ["dialogue.cancelled"]
    assert status(talk) is IntakeStatus.OPEN
    assert set(answers(talk)) == {"goals"}
    assert texts(talk, "hi im back") == ["intake.resume", "intake.ask_goals_longer"]


@pytest.mark.parametrize("words", ["hi im back", "where were we", "dónde íbamos", "hola"])
def test_who_is_back_in_the_middle_hears_the_question_again(talk: Desk, words: str) -> None:
    texts(talk, "start the questions")
    texts(talk, "a sharper jaw")
    assert texts(talk, words) == ["intake.resume", "intake.ask_goals_longer"]
    assert set(answers(talk)) == {"goals"}


@pytest.mark.parametrize(
    ("words", "topic"),
    [("how much does it cost", "clinic.price"), ("does it hurt a lot", "procedure.pain"),
     ("cuánto cuesta", "clinic.price")],
)  # fmt: skip
def test_a_question_without_its_mark_is_answered_and_stored_as_nothing(
    talk: Desk, words: str, topic: str
) -> None:
    begun(talk, "a sharper jaw", "firmer skin", "44")
    assert texts(talk, words) == [topic, "intake.ask_pregnancy"]
    assert set(answers(talk)) == {"goals", "goals_longer", "age"}


@pytest.mark.parametrize(
    "words", ["what i want is a sharper jaw", "how i looked ten years ago", "como me veía antes"]
)
def test_a_wish_that_opens_like_a_question_is_an_answer(talk: Desk, words: str) -> None:
    texts(talk, "start the questions")
    assert texts(talk, words) == ["intake.ask_goals_longer"]
    assert answers(talk)["goals"].words == words


def test_second_thoughts_in_the_middle_change_the_answer_before(talk: Desk) -> None:
    begun(talk, "a sharper jaw", "no", "44", "no", "no", "no tomo nada")
    assert texts(talk, "espera, sí tomo aspirina") == ["intake.changed", "intake.ask_immune"]
    assert answers(talk)["blood"].codes == ("antiplatelet",)


def test_a_medicine_taken_back_before_medicines_are_asked_for_does_not_answer_for_the_others(
    talk: Desk,
) -> None:
    begun(talk, "a sharper jaw", "no", "44", "i take aspirin every day")
    said = texts(talk, "wait i dont take the aspirin anymore")
    assert said[0] == "intake.changed"
    while said[-1] not in ("intake.ask_blood", "intake.done"):
        said = texts(talk, "no")
    assert said[-1] == "intake.ask_blood"
    texts(talk, "no")
    left = answers(talk)["blood"]
    assert (left.said, left.codes) == ("told", ())
    assert "i take aspirin every day" in left.words
    assert "dont take the aspirin anymore" in left.words


@pytest.mark.parametrize(
    ("begin", "words", "language"),
    [("start the questions", "en español por favor", "es"), ("start the questions", "spanish please", "es"),
     ("empezar las preguntas", "english please", "en"), ("empezar las preguntas", "in english pls", "en"),
     ("empezar las preguntas", "can we do this in english", "en"),
     ("empezar las preguntas", "en inglés por favor", "en")],
)  # fmt: skip
def test_who_asks_for_the_other_language_hears_the_question_in_it(
    talk: Desk, begin: str, words: str, language: str
) -> None:
    texts(talk, begin)
    texts(talk, "papada" if language == "en" else "a sharper jaw")
    assert texts(talk, words) == ["intake.ask_goals_longer"]
    asked = {"en": "And in the longer run", "es": "Y a más largo plazo"}
    assert talk.texts_to(STRANGER)[-1].startswith(asked[language])
    assert set(answers(talk)) == {"goals"}
    assert status(talk) is IntakeStatus.OPEN


def test_the_other_language_at_the_first_question_brings_the_whole_opening_in_it(talk: Desk) -> None:
    texts(talk, "empezar las preguntas")
    assert texts(talk, "english please") == ["intake.intro", "intake.ask_goals"]
    assert answers(talk) == {}


@pytest.mark.parametrize("words", ["my husband is going to kill me haha", "mi marido me va a matar jaja"])
def test_a_joke_is_stored_as_no_answer_however_often_it_is_made(talk: Desk, words: str) -> None:
    texts(talk, "start the questions")
    texts(talk, "a sharper jaw")
    for _ in range(2):
        assert texts(talk, words) == ["intake.reask"]
    assert set(answers(talk)) == {"goals"}
    texts(talk, "firmer skin")
    assert answers(talk)["goals_longer"].words == "firmer skin"


@pytest.mark.parametrize(
    ("words", "asked"),
    [("bueno tomo eliquis", "intake.ask_pregnancy"), ("oh and im on eliquis", "intake.ask_pregnancy")],
)
def test_a_medicine_that_comes_to_mind_at_another_question_reaches_its_own(
    talk: Desk, words: str, asked: str
) -> None:
    begun(talk, "a sharper jaw", "no", "44")
    assert texts(talk, words) == ["intake.changed", asked]
    assert answers(talk)["blood"].codes == ("anticoagulant",)
    assert "pregnancy" not in answers(talk)


def test_a_medicine_taken_back_after_the_end_leaves_both_sayings_for_the_clinician(talk: Desk) -> None:
    texts(talk, "start the questions")
    for item in ITEMS:
        texts(talk, ANSWERS[item.id])
    texts(talk, "actually im not on eliquis any more")
    page = " ".join(line for _heading, lines in sections(answers(talk), "en") for line in lines)
    assert "eliquis for AF; actually im not on eliquis any more" in page
