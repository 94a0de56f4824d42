"""The intake's pure parts: what an answer means, what is held and why, what a clinician reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intake import holds, summary, terms
from bot.intake.items import BY_ID, ITEMS
from bot.intake.reading import (
    Answer,
    asks_to_read_back,
    corrections,
    joined,
    read,
    read_age,
    volunteered,
)
from bot.intake.service import may_remind
from bot.intake.talk import greets, puts_off, resumes
from bot.protocols.catalogue import catalogue
from bot.protocols.errors import ContentError
from bot.protocols.never_say import breaches


def said(item: str, text: str) -> Answer:
    answer = read(BY_ID[item], text)
    assert answer is not None, text
    return answer


@pytest.mark.parametrize(
    ("item", "text", "codes"),
    [
        ("blood", "eliquis for AF", {"anticoagulant", "heart"}),
        ("blood", "tomo sintrom y aceite de pescado", {"anticoagulant", "supplement"}),
        ("blood", "eliqius 5mg twice a day", {"anticoagulant"}),
        ("pregnancy", "6 wks preg", {"pregnant"}),
        ("pregnancy", "doy el pecho todavía", {"breastfeeding"}),
        ("prior_filler", "silicone abroad", {"permanent_filler"}),
        ("prior_filler", "lips in 2019, not sure which one", {"unknown_filler"}),
        ("immune", "hashimotos n on methotrexate", {"autoimmune", "immunosuppressant"}),
        ("energy", "morpheus8 in may", {"radiofrequency"}),
        ("allergy", "no food ones but penicillin gave me hives", {"antibiotic_allergy"}),
        ("illness", "me sale herpes labial a veces", {"cold_sore"}),
    ],
)
def test_free_text_is_filed_under_what_it_names(item: str, text: str, codes: set[str]) -> None:
    answer = said(item, text)
    assert (answer.said, set(answer.codes), answer.words) == ("yes", codes, text)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("allergy", "none that I know of"),
        ("allergy", "no allergies"),
        ("allergy", "No tengo alergia al látex"),
        ("scarring", "no me salen queloides"),
        ("pregnancy", "nope"),
        ("blood", "nunca"),
        ("immune", "N/A"),
    ],
)
def test_a_denial_is_a_no(item: str, text: str) -> None:
    assert said(item, text).said == "no"


@pytest.mark.parametrize("text", ["skip", "SALTAR", "I'd rather not say", "prefiero no decirlo"])
def test_every_question_may_be_skipped(text: str) -> None:
    assert {said(item.id, text).said for item in ITEMS} == {"skipped"}


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("42", 42),
        ("im 17 lol", 17),
        ("thirty four", 34),
        ("tengo cuarenta y dos", 42),
        ("diecisiete", 17),
        ("what?? im 41! i meant diabetes type 2", 41),
        ("my daughter is 16", 16),
    ],
)
def test_an_age_is_read_in_figures_and_words(text: str, age: int) -> None:
    assert read_age(text) == age


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old enough",
        "400",
        "0",
        "between 30 and 40",
        "12/05/1980",
        "??",
        "diabetes type 2",
        "type 2 diabetes, and asthma as a kid",
        "diabetes tipo 2",
        "im 9 weeks pregnant",
    ],
)
def test_what_is_no_age_is_not_guessed(text: str) -> None:
    assert read_age(text) is None


@pytest.mark.parametrize("text", ["", "k", "???", "asdfgh", "👍", "....."])
def test_nonsense_is_no_answer_to_a_history_question(text: str) -> None:
    assert read(BY_ID["immune"], text) is None


def test_a_bare_yes_does_not_say_to_what() -> None:
    assert said("energy", "yes").bare_yes
    assert not said("energy", "yes, laser").bare_yes


def test_what_is_told_of_another_question_is_kept_for_it() -> None:
    told = volunteered(BY_ID["allergy"], "none, but I'm on eliquis and had juvederm in 2020")
    assert {answer.item for answer in told} == {"blood", "prior_filler"}


@pytest.mark.parametrize("text", ["no period this month", "no me viene la regla"])
def test_what_only_begins_like_a_no_is_told_to_the_clinician(text: str) -> None:
    assert said("pregnancy", text).said == "told"


@pytest.mark.parametrize(
    "text",
    ["never mind", "nevermind", "no importa", "no puedo ahora mismo", "no quiero seguir", "da igual"],
)
def test_who_leaves_a_question_has_not_said_no_to_it(text: str) -> None:
    assert read(BY_ID["pregnancy"], text) is None


def test_who_asks_what_a_word_means_tells_of_no_such_thing() -> None:
    assert read(BY_ID["scarring"], "what is a keloid") is None
    assert volunteered(BY_ID["blood"], "qué es un queloide") == []


def test_every_question_that_is_asked_again_gives_an_example_of_its_own() -> None:
    for item in ITEMS:
        for language in ("en", "es"):
            example = getattr(item.example, language)
            answer = read(item, example)
            assert answer is not None, item.id
            assert answer.said in ("yes", "told"), item.id


@pytest.mark.parametrize(
    "text",
    ["no entiendo", "no entiendo la pregunta", "I don't understand", "what do you mean",
     "what does that mean?", "qué significa", "huh?", "sorry i didn't get that"],
)  # fmt: skip
@pytest.mark.parametrize("item", ["goals", "age", "pregnancy", "scarring"])
def test_who_does_not_understand_the_question_has_not_answered_it(item: str, text: str) -> None:
    assert read(BY_ID[item], text) is None


@pytest.mark.parametrize(
    "text", ["no sé", "no me acuerdo", "no recuerdo bien", "idk", "I don't remember", "not sure honestly"]
)
def test_who_does_not_know_has_not_said_no(text: str) -> None:
    assert said("pregnancy", text).said == "unsure"


@pytest.mark.parametrize(
    "text",
    [
        "can i do this later",
        "later",
        "not now",
        "I'll finish it tomorrow",
        "en otro momento",
        "sigo luego",
        "lo dejo para mañana",
        "mejor lo termino esta noche",
        "I'll leave the rest for tomorrow",
        "ahora no puedo, luego sigo",
        "busy right now, will finish later",
        "later, kids are screaming",
        "al rato te contesto",
        "in a bit, on the phone",
        "luego, que están los niños gritando",
    ],
)
def test_the_rest_can_be_put_off(text: str) -> None:
    assert puts_off(text)


@pytest.mark.parametrize(
    "text",
    [
        "laser, two years later",
        "mañana me hago un láser",
        "later, i take aspirin",
        "later, laser in may",
        "later, at 6",
        "mañana",
        "para mañana",
        "tonight",
        "no",
        "in may",
        "",
    ],
)
def test_an_answer_puts_nothing_off(text: str) -> None:
    assert not puts_off(text)


@pytest.mark.parametrize(
    "text",
    ["hi im back", "where were we", "ok i'm back, where were we?", "dónde íbamos", "ya volví", "sigamos",
     "hola, ya estoy de vuelta", "can you repeat the question", "lets continue"],
)  # fmt: skip
def test_who_is_back_or_asks_where_the_questions_stopped_answers_none(text: str) -> None:
    assert resumes(text)


@pytest.mark.parametrize(
    "text", ["my back", "back acne", "im back on eliquis", "hi, aspirin", "no", "sigo con dolor"]
)
def test_an_answer_that_sounds_like_it_is_an_answer(text: str) -> None:
    assert not resumes(text)
    assert not greets(text)


@pytest.mark.parametrize(
    ("text", "item", "meaning"),
    [("wait i dont take the aspirin anymore", "blood", "no"), ("espera, sí tomo aspirina", "blood", "yes"),
     ("oh wait, I had laser in May", "energy", "yes"), ("ya no tomo aspirina", "blood", "no")],
)  # fmt: skip
def test_second_thoughts_need_no_actually(text: str, item: str, meaning: str) -> None:
    assert [(answer.item, answer.said) for answer in corrections(text)] == [(item, meaning)]
    assert corrections(text, plainly=True) == []


@pytest.mark.parametrize(
    "text",
    ["wait what", "espera un momento", "wait, does aspirin matter?", "aspirin every day",
     "wait i think i have told you all this before but my mother took aspirin and so did her sister"],
)  # fmt: skip
def test_to_wait_is_no_correction_by_itself(text: str) -> None:
    assert corrections(text) == []


def test_a_no_to_one_of_two_medicines_leaves_the_other() -> None:
    before = joined(said("blood", "eliquis"), said("blood", "and aspirin"))
    (correction,) = corrections("actually I'm not on eliquis anymore")
    left = joined(before, correction)
    assert (left.said, left.codes) == ("yes", ("antiplatelet",))
    assert "not on eliquis" in left.words
    assert joined(said("blood", "eliquis"), correction).said == "no"


@pytest.mark.parametrize(
    ("asked", "text", "meant"),
    [
        ("blood", "no allergies", "allergy"),
        ("allergy", "no pregnancy", "pregnancy"),
        ("immune", "no tomo medicinas", "blood"),
        ("age", "no not pregnant", "pregnancy"),
    ],
)
def test_a_no_to_another_question_is_no_answer_to_the_one_asked(asked: str, text: str, meant: str) -> None:
    assert read(BY_ID[asked], text) is None
    assert [(answer.item, answer.said) for answer in volunteered(BY_ID[asked], text)] == [(meant, "no")]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("blood", "no bruising or bleeding"),
        ("allergy", "no allergies that I know of"),
        ("allergy", "no medicines"),
        ("energy", "no laser ever"),
    ],
)
def test_a_no_in_the_questions_own_words_is_its_answer(asked: str, text: str) -> None:
    assert said(asked, text).said == "no"
    assert volunteered(BY_ID[asked], text) == []


def test_a_medicine_named_later_replaces_none_that_was_named_before() -> None:
    both = joined(said("blood", "eliquis for AF"), said("blood", "and aspirin"))
    assert {"anticoagulant", "antiplatelet"} <= set(both.codes)
    assert both.words == "eliquis for AF; and aspirin"
    assert joined(said("blood", "no"), said("blood", "aspirin")) == said("blood", "aspirin")


@pytest.mark.parametrize(
    ("text", "item", "meaning"),
    [
        ("actually I did have laser in May", "energy", "yes"),
        ("Sorry, actually I'm not pregnant", "pregnancy", "no"),
        ("en realidad sí tomo aspirina", "blood", "yes"),
        ("I forgot, they put silicone in my chin", "prior_filler", "yes"),
        ("actually I'm 43", "age", "told"),
    ],
)
def test_a_correction_says_which_answer_it_changes(text: str, item: str, meaning: str) -> None:
    assert [(answer.item, answer.said) for answer in corrections(text)] == [(item, meaning)]


@pytest.mark.parametrize(
    "text", ["actually can I fly on Monday?", "I had laser in May", "thanks, actually great"]
)
def test_what_corrects_no_answer_is_left_to_the_dialogue(text: str) -> None:
    assert corrections(text) == []


def test_the_answers_can_be_asked_for_in_both_languages() -> None:
    assert all(
        map(
            asks_to_read_back,
            ["BACK", "read it back please", "what did I tell you so far", "REPASO", "¿qué te he dicho?"],
        )
    )
    assert not any(map(asks_to_read_back, ["my back hurts", "read my mind", "get back to me"]))


@given(st.text(max_size=300))
def test_any_text_at_all_is_read_without_an_error(text: str) -> None:
    for known in ITEMS:
        read(known, text)
    volunteered(None, text)
    corrections(text)


def test_a_hold_quotes_the_label_of_the_product_and_only_of_it() -> None:
    answers = {"pregnancy": said("pregnancy", "6 wks preg")}
    (hold,) = holds.holds(answers, "radiesse")
    assert [(product, sources) for product, _text, sources in hold.statements] == [("radiesse", ("Rad-ISI",))]
    products = {product for found in holds.holds(answers) for product, _text, _sources in found.statements}
    assert products == set(catalogue().products)


def test_a_clean_history_holds_nothing() -> None:
    answers = {item.id: said(item.id, "no") for item in ITEMS if item.kind == "history"}
    assert holds.holds({**answers, "age": said("age", "40")}) == []


def test_every_statement_behind_a_hold_has_a_source_and_says_neither_suitable_nor_unsuitable() -> None:
    for rule in holds.rules():
        for statement in rule.statements:
            assert statement.sources, rule.id
            for text in (statement.text.en, statement.text.es):
                assert not any(word in text.casefold() for word in ("suitable", "candidate", "apta", "apto"))


def test_every_term_of_a_history_question_is_held_or_known_to_be_harmless() -> None:
    held = {code for rule in holds.rules() for code in rule.codes}
    unheld = {term.code for term in terms.vocabulary().by_code.values()} - held
    assert unheld == {"hay_fever", "area.nose"}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{id: x, item: nowhere, codes: [lidocaine], statements: []}", "no question is called 'nowhere'"),
        ("{id: x, item: allergy, codes: [nothing], statements: []}", "'nothing' is no term of allergy"),
        ("{id: x, item: allergy, statements: []}", "either `codes` or `below`"),
        (
            "{id: x, item: allergy, codes: [latex], statements: [{text: {en: a, es: b}, sources: [Nobody]}]}",
            "unknown source 'Nobody'",
        ),
    ],
)
def test_a_rule_that_cannot_work_is_refused_by_name(tmp_path: Path, entry: str, reason: str) -> None:
    path = tmp_path / "holds.yml"
    path.write_text(f"- {entry}\n", encoding="utf-8")
    with pytest.raises(ContentError, match=r"holds\.yml: x: .*" + reason.replace("(", r"\(")):
        holds.load(path)


def test_a_word_under_two_terms_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "terms.yml"
    path.write_text(
        "- {code: a, item: blood, label: {en: A, es: A}, words: [x]}\n"
        "- {code: b, item: blood, label: {en: B, es: B}, words: [x]}\n",
        encoding="utf-8",
    )
    with pytest.raises(ContentError, match="'x' also stands under a"):
        terms.load(path)


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_long_read_back_comes_in_texts_of_one_message_each(language: str) -> None:
    answers = {item.id: Answer(item.id, "told", "words " * 60) for item in ITEMS}
    parts = summary.read_back(answers, "es" if language == "es" else "en")
    assert len(parts) > 1
    assert max(map(len, parts)) <= 320


def test_the_clinicians_page_cuts_no_words_and_quotes_what_is_held_once() -> None:
    worry = (
        "a friend had a bad result and I am afraid of looking different; "
        + "my partner pays and wants it. " * 4
    )
    answers = {"other": said("other", worry), "allergy": said("allergy", "bee stings, I carry an epipen")}
    page = dict(summary.sections(answers, "en"))
    assert f"Anything else: {worry.strip()}" in page["History, in the patient's words"]
    (held,) = page["Held for the clinician"]
    assert held.startswith('"bee stings, I carry an epipen" - ')
    assert held.count("epipen") == 1
    assert "Radiesse: Label: contraindicated after severe allergy" in held
    assert "Clarify what, how severe" in held


def test_the_page_keeps_the_patients_words_and_lists_what_to_ask_in_person() -> None:
    answers = {
        "goals": said("goals", "sharper jaw"),
        "blood": said("blood", "eliquis"),
        "age": said("age", "skip"),
    }
    page = dict(summary.sections(answers, "en", "harmonyca"))
    assert page["Goals"] == ["sharper jaw"]
    assert any("eliquis" in line and "[HC-IFU]" in line for line in page["Held for the clinician"])
    assert "Age" in page["To ask in person"]


def test_nothing_the_intake_says_is_on_the_never_say_list() -> None:
    for piece in catalogue().pieces.values():
        if piece.kind == "intake":
            for variant in piece.variants:
                assert not list(breaches(variant.sms.en, "intake")), piece.id
                assert not list(breaches(variant.sms.es, "intake")), piece.id


def test_a_reminder_goes_out_once_after_a_day_and_only_by_day() -> None:
    heard = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)

    def may(hours: float, **changed: object) -> bool:
        facts = {"heard_at": heard, "reminded_at": None, "time_zone": "UTC", "opted_out": False, **changed}
        return may_remind(now=heard + timedelta(hours=hours), **facts)  # type: ignore[arg-type]

    assert may(25)
    assert not may(23)
    assert not may(30)  # nine in the evening
    assert not may(25, reminded_at=heard)
    assert not may(25, opted_out=True)
    assert not may(24 * 8)
