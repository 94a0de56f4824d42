"""What a tester found by typing as patients type: each group failed once and is kept."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.triage import Assessment, Context, Tier
from bot.triage.engine import assess as assess_by


def assess(text: str, context: Context | None = None) -> Assessment:
    """The rules by themselves: what they promise holds without the trained reader."""
    return assess_by(text, context, by="rules")


def on_day(text: str, day: int | None = 1, **context: object) -> Assessment:
    return assess(text, Context(day=day, **context))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("i took a load of pills", 5),
        ("ive taken a bunch of tablets", None),
        ("me tome un monton de pastillas", 5),
        ("pienso en matarme", 5),
        ("estoy pensando en suicidarme", None),
        ("i keep thinking about killing myself", 5),
        ("husband here, she says she sees nothing in one eye", 1),
        ("my wife sees nothing with her left eye", 1),
        ("dice que no ve nada con un ojo", 1),
        ("its hard to catch my breath", 1),
        ("cant catch my breath", None),
        ("cant catch my breath", 1),
        ("cant catch my breath", 40),
        ("i struggle to catch my breath", 10),
        ("no puedo abrir el ojo", 1),
        ("beo borozo", 1),
        ("veo vorroso", 1),
        ("beo vorroso de un hojo", 1),
        ("my face is numb on one side", 1),
        ("my face is numb on one side and i cant smile", 1),
        ("my face is numb on one side, and i cant smile", 1),
    ],
)
def test_an_emergency_in_other_words_is_an_emergency(text: str, day: int | None) -> None:
    assert on_day(text, day).tier is Tier.T0, on_day(text, day).reasons


@pytest.mark.parametrize("text", ["ojala no me despertara mañana", "ojalá no me despertara mañana"])
def test_not_wanting_to_wake_reaches_the_safeguarding_lead(text: str) -> None:
    for day in (None, 1, 40):
        assert on_day(text, day).tier.at_least_as_urgent_as(Tier.T1)
        assert on_day(text, day).psych


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("its gone black in the middle", 3),
        ("the middle has turned black", 5),
        ("feverish and shaking", 1),
        ("feverish and shaking", 6),
        ("fever 39 and chills", 0),
        ("fever 39 and chills", 4),
        ("i feel hot and shivery, 38.5, cheek is red", 0),
        ("fiebre de 39 y escalofríos", 0),
    ],
)
def test_dying_skin_and_fever_reach_a_clinician_within_the_hour(text: str, day: int) -> None:
    assert on_day(text, day).tier.at_least_as_urgent_as(Tier.T1), on_day(text, day).reasons


@pytest.mark.parametrize(
    "text",
    [
        "bulto rojo y caliente",
        "red hot lump",
        "swelling was gone but is back today and bigger",
        "la hinchazón se había ido pero volvió hoy",
        "the lump went away and now it came back",
    ],
)
def test_a_hot_lump_or_a_sign_that_returns_is_seen_the_same_day(text: str) -> None:
    assert on_day(text, 10).tier.at_least_as_urgent_as(Tier.T2), on_day(text, 10).reasons


ENGLISH = [
    "my face is numb on one side", "i cant smile", "my lip is white", "my cheek is cold", "i cant see",
    "my vision is blurry", "my throat is tight", "i have hives on my chest", "my speech is slurred",
    "my arm is weak", "my eye hurts", "my eyelid is drooping", "the skin is black", "i want to die",
    "i have a fever of 39", "there is pus", "my lip is huge", "it is still bleeding", "my nose is grey",
    "i feel dizzy", "i am confused", "i cant breathe", "there are blisters on my lip", "my chin is numb",
    "the pain is unbearable", "i have a bruise", "my cheek is swollen", "i have a bad headache",
]  # fmt: skip
SPANISH = [
    "veo borroso", "no puedo respirar", "mi labio está blanco", "me duele el ojo", "tengo ronchas",
    "la piel está negra", "me quiero morir", "tengo la cara chueca", "mi mejilla está fría",
    "no siento el brazo", "tengo fiebre de 39", "sale pus", "hablo enredado", "tengo un moretón",
    "la garganta está apretada", "no puedo sonreír", "me duele muchísimo", "tengo el labio hinchado",
]  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(
    pair=st.one_of(
        st.tuples(st.sampled_from(ENGLISH), st.just(" and "), st.sampled_from(ENGLISH)),
        st.tuples(st.sampled_from(SPANISH), st.just(" y "), st.sampled_from(SPANISH)),
    ),
    day=st.sampled_from([0, 1, 5, 10, 20]),
)
def test_an_added_sign_never_lowers(pair: tuple[str, str, str], day: int) -> None:
    first, joint, second = pair
    urgency = min(on_day(first, day).tier.urgency, on_day(second, day).tier.urgency)
    assert on_day(first + joint + second, day).tier.urgency <= urgency


def test_no_pair_of_signs_is_less_urgent_than_the_worse_of_both() -> None:
    lowered = []
    for signs, joint in ((ENGLISH, " and "), (SPANISH, " y ")):
        alone = {sign: on_day(sign).tier.urgency for sign in signs}
        for first, second in product(signs, repeat=2):
            if on_day(first + joint + second).tier.urgency > min(alone[first], alone[second]):
                lowered.append((first, second))
    assert lowered == []


@pytest.mark.parametrize(
    "text",
    [
        "my boyfriend forces me to have more filler",
        "my husband is pressuring me into getting my lips done",
        "mi novio me obliga a ponerme más relleno",
    ],
)
def test_pressure_from_somebody_else_is_for_the_safeguarding_lead(text: str) -> None:
    assessment = on_day(text, None)
    assert (assessment.tier, assessment.psych, assessment.hold) == (Tier.T2, True, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("just number 5 a tiny bit", Tier.T1),
        ("just 4", Tier.T1),
        ("solo el numero 6 un poquito", Tier.T2),
        ("i think number 3", Tier.T0),
        ("sí", Tier.T1),
        ("si", Tier.T1),
        ("si, un poco", Tier.T1),
        ("creo que si", Tier.T1),
        ("y si estoy embarazada?", Tier.T4),
        ("quiero saber si puedo volar mañana", Tier.T4),
        ("3 days", Tier.T4),
    ],
)
def test_an_answer_to_the_probe_is_read_as_people_write_it(text: str, expected: Tier) -> None:
    assert on_day(text, 8, question="probe").tier is expected, on_day(text, 8, question="probe").reasons


@pytest.mark.parametrize("text", ["no se", "no sé", "not sure", "idk", "i dont know", "no estoy segura"])
@pytest.mark.parametrize("question", ["probe", "checkin.red_flags"])
def test_not_knowing_is_no_denial(text: str, question: str) -> None:
    """A patient who cannot tell is called the same day, and asked again."""
    assessment = on_day(text, 1, question=question)
    assert (assessment.tier, assessment.probe) == (Tier.T2, True)


@pytest.mark.parametrize("text", ["help", "HELP", "ayuda", "Ayuda", "info", " INFO "])
def test_the_carriers_keyword_alone_is_no_sign(text: str) -> None:
    assert (on_day(text).tier, on_day(text).probe) == (Tier.T4, False)


@pytest.mark.parametrize("text", ["help me", "HELP!!!", "ayuda por favor", "please help", "help!"])
def test_a_cry_for_help_of_a_treated_patient_is_asked_about(text: str) -> None:
    assert (on_day(text).tier, on_day(text).probe) == (Tier.T4, True)
    assert not on_day(text, 40).probe


@pytest.mark.parametrize(
    "text",
    [
        "does it hurt", "can i fly tomorrow", "me puedo maquillar?", "are you a robot", "what is a lump?",
        "how long does it last", "i want to book a facial", "ok can i drink wine tonight?", "cuanto cuesta",
        "hi im feeling ok today, is it ok to go swimming", "cual es mejor", "is it better to ice it",
    ],
)  # fmt: skip
def test_a_new_ordinary_question_beside_an_open_alert_is_read_by_itself(text: str) -> None:
    for day in (1, 10):
        found = on_day(text, day, open_alert_tier=Tier.T1, open_alert_flag="VO")
        assert found.tier is Tier.T4, found.reasons


@pytest.mark.parametrize(
    "text",
    [
        "thanks", "thank you so much", "ok", "STOP", "stop texting me", "never mind", "false alarm", "no",
        "gracias", "ya no me duele", "no pain now", "lol", "😂", "help", "its fine now", "ok never mind",
        "its much better thanks", "me duele menos", "it still hurts", "sigue igual",
    ],
)  # fmt: skip
def test_taking_back_thanks_and_stop_keep_an_open_alert_as_urgent_as_it_is(text: str) -> None:
    assert on_day(text, 1, open_alert_tier=Tier.T1, open_alert_flag="VO").tier is Tier.T1


@pytest.mark.parametrize(
    "text",
    [
        "¿duele mucho el tratamiento?", "can i wear a tight turtleneck", "blurry on the photo you sent me",
        "blind date tonight", "estoy ciega de amor", "the wait is killing me",
        "i have fair pale skin, will i bruise", "can't see what you'd gain by it",
    ],
)  # fmt: skip
def test_turns_of_phrase_and_ordinary_questions_raise_nothing(text: str) -> None:
    for day in (None, 1, 5, 20):
        assert on_day(text, day).tier.urgency >= Tier.T3.urgency, (day, on_day(text, day).reasons)


@pytest.mark.parametrize(
    "text",
    [
        "quiero hablar con una persona", "talk to a person", "can someone call me about my booking",
        "i love my lips", "so in love with it, you lot are legends", "me encanta como quedó",
        "best clinic ever", "obsessed with my new cheeks", "its raining cats and dogs",
        "the wait is killing me",
        "blind date tonight", "estoy ciega de amor", "speak to a human", "un asesor por favor",
    ],
)  # fmt: skip
def test_praise_idioms_and_asking_for_a_person_are_not_probed(text: str) -> None:
    assert not on_day(text).probe, on_day(text).reasons


@pytest.mark.parametrize("text", ["love it but its gone white", "quiero hablar con una persona, veo borroso"])
def test_praise_or_asking_for_a_person_hides_no_sign(text: str) -> None:
    assert on_day(text).tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize(
    "text", ["what if it goes white and my eye hurts", "my cat and i cant breathe", "y si me mato"]
)
def test_a_supposition_or_a_pet_covers_no_statement_of_ones_own(text: str) -> None:
    assert on_day(text).tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize(
    "text", ["i see nothing wrong with the left side", "sera que puedo volar", "hice la cita", "boy or girl"]
)
def test_new_patterns_do_not_catch_their_neighbours(text: str) -> None:
    for day in (None, 1, 10):
        assert on_day(text, day).tier is Tier.T4, on_day(text, day).reasons


def test_a_picture_with_harmless_words_is_looked_at_by_a_person_in_the_first_days() -> None:
    for text in ("here you go", "what do you think?", "love it!", "así quedó"):
        found = on_day(text, 1, has_media=True)
        assert (found.tier, found.probe) == (Tier.T2, True)
    assert on_day("its gone white", 1, has_media=True).tier is Tier.T1
    assert on_day("here you go", 20, has_media=True).tier is Tier.T4


@pytest.mark.parametrize(
    "text",
    ["eliquis for AF since march", "on warfarin since the clot in 2020", "tomo sintrom desde hace anos"],
)
def test_a_thinner_that_is_taken_has_not_been_stopped(text: str) -> None:
    for question in (None, "intake.blood"):
        assert not on_day(text, None, question=question).tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize(
    "text", ["no eliquis since friday", "i came off warfarin", "off my eliquis since monday"]
)
def test_a_thinner_that_was_stopped_is_paged_before_a_treatment_too(text: str) -> None:
    assert on_day(text, None, question="intake.blood").tier.at_least_as_urgent_as(Tier.T1)
