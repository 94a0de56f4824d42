"""Triage of a stored message, and all that follows at once: record, safety words, alert, pages, task."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, triage
from bot.dialogue.reading import PROBE_PIECES, QUESTIONS, is_question, readable
from bot.escalation.raising import SILENCE, open_alert, raise_alert
from bot.escalation.signs import ALERT_STAYS_OPEN
from bot.handover.holds import is_held
from bot.intake.models import Intake
from bot.intake.reading import corrections
from bot.messaging import still_open
from bot.messaging.models import Channel, Conversation, Kind, Message
from bot.messaging.optout import is_opted_out
from bot.messaging.threads import latest_treatment, lead_name, say, situation_of
from bot.protocols.names import product_named
from bot.protocols.phrases import as_language
from bot.records.models import AssessmentRecord, TaskKind
from bot.records.tasks import open_task
from bot.triage import mind, which
from bot.triage.answers import CHOSEN_FROM_LIST, RED_FLAG_LIST
from bot.triage.calls import is_about_the_call
from bot.triage.language import detect
from bot.triage.settled import nobody_answers
from bot.triage.types import (
    ACUTE,
    PROBE,
    PROBE_MIND,
    PROBE_WHICH,
    PROBES,
    RED,
    Assessment,
    Context,
    Finding,
    Tier,
)

#: A correction of the intake answers it, although no question of it is open.
CORRECTION = "intake.correction"
#: Silence for this long after a probe is a sign of its own in the first days (`clinical.md` 1, suffix "?").
PROBE_PATIENCE = timedelta(minutes=15)
PROBE_DAYS = 3

#: The place of a second safety text; the dialogue's replies have 1 and up.
AFTER_SAFETY = 80
#: A question stays open this long: what comes later is a new thought, not an answer.
QUESTION_OPEN = timedelta(hours=36)


def read(session: Session, message: Message, *, is_keyword: bool = False) -> Assessment:
    """Assess `message` in its context and write down everything that follows, in the caller's transaction.

    A STOP, START or HELP (`is_keyword`) gets its own answer, so it is not told that the alert stays open too.
    """
    conversation = message.conversation
    conversation.language = message.language = detect(message.body, as_language(conversation.language))
    named = product_named(message.body)
    if named is not None:
        conversation.interest = named
    context = context_of(session, message)
    assessment = triage.assess(message.body, context)
    follow(session, message, assessment, context, is_keyword=is_keyword)
    return assessment


def unreadable(session: Session, message: Message) -> None:
    """Triage cannot read the message, so a person must, the same day: an alert in its own right."""
    finding = Finding(flag="NEG", tier=Tier.T2, rule="triage.failed", words=message.body[:80], source="prop")
    follow(
        session,
        message,
        Assessment(tier=Tier.T2, findings=(finding,), reasons=("triage failed",), engine="none"),
        Context(),
    )


def follow(
    session: Session, message: Message, assessment: Assessment, context: Context, *, is_keyword: bool = False
) -> None:
    """Store the assessment and act on it."""
    session.add(
        AssessmentRecord(
            clinic_id=message.clinic_id,
            message_id=message.id,
            tier=assessment.tier,
            probe=assessment.probe,
            psych=assessment.psych,
            hold=assessment.hold,
            findings=[asdict(finding) for finding in assessment.findings],
            reasons=list(assessment.reasons),
            context=asdict(context),
            engine=assessment.engine,
        )
    )
    message.assessed = True
    if context.question in PROBES and _answers_probe(message, assessment, context):
        message.conversation.open_question = message.conversation.open_question_at = None
    # asked before the alert is raised: the words depend on whether somebody is at it already
    retracted = context.open_alert_tier is not None and _adds_nothing(assessment)
    piece = (
        still_open.answer_to_retraction(session, message.conversation, message.body)
        if retracted
        else safety_piece(assessment, message, context.question)
    )
    silenced = (retracted and is_keyword) or _silenced(session, message, assessment)
    if piece is not None and not silenced:
        _answer(session, message, piece, assessment)
        if not retracted:
            _answer_the_other_too(session, message, assessment)
    if context.question == PROBE and message.conversation.open_question is None and not silenced:
        _ask_of_the_mind_too(session, message, assessment)
    if assessment.tier.at_least_as_urgent_as(Tier.T2):
        raise_alert(session, message, assessment)
        if retracted and piece == still_open.RANG:
            still_open.ask_to_close(session, message)
    elif assessment.tier is Tier.T3:
        open_task(
            session,
            TaskKind.REVIEW,
            message.id,
            message.conversation,
            note=message.body[:200],
            message_id=message.id,
        )


def probe_unanswered(session: Session, conversation: Conversation) -> None:
    """Nobody answered a question of triage: its subject rises by one tier on days 0-3, always where it was
    about hurting oneself; a number that may have been a sign counts as one. The question is closed."""
    only_mind = conversation.open_question == PROBE_MIND
    conversation.open_question = conversation.open_question_at = None
    asked = _asked_last(session, conversation)
    if asked is None:
        return
    day = situation_of(conversation, latest_treatment(session, conversation.patient_id)).day
    silence = after_silence(asked, _distress(session, conversation), day, only_mind=only_mind)
    if silence is None:
        return
    message = asked.message
    if silence.tier.at_least_as_urgent_as(Tier.T2):
        raise_alert(session, message, silence)
    else:
        key = f"probe:{message.id}"
        open_task(session, TaskKind.REVIEW, key, conversation, note=message.body[:200], message_id=message.id)


def after_silence(
    asked: AssessmentRecord, distress: AssessmentRecord | None, day: int | None, *, only_mind: bool
) -> Assessment | None:
    """What silence amounts to after the question that `asked` brought, `day` days after a treatment; None
    when it only closes the question. `distress`: words on which hurting oneself was not answered yet.
    `only_mind`: that alone was left to answer."""
    found: list[Finding] = []
    first = asked.findings[0] if asked.findings else {"flag": "NEG", "rule": ""}
    number = which.asked_of(first["rule"])
    early = day is not None and day <= PROBE_DAYS
    if distress is not None:
        found.append(Finding("PSY", distress.tier.raised(), SILENCE, "", "prop"))
    if number is not None:
        flag, tier, source = RED_FLAG_LIST[number]
        found.append(Finding(flag, tier, SILENCE, "", source))
    elif not (only_mind or (distress is asked and first["flag"] == "PSY")) and early:
        found.append(Finding(first["flag"], asked.tier.raised(), SILENCE, "", "prop"))
    if not found:
        return None
    found.sort(key=lambda finding: finding.tier.urgency)
    return Assessment(
        tier=found[0].tier,
        findings=tuple(found),
        psych=distress is not None,
        reasons=("the probe was not answered",),
    )


def _asked_last(session: Session, conversation: Conversation) -> AssessmentRecord | None:
    """The message on which triage asked its latest question."""
    return session.scalars(
        select(AssessmentRecord)
        .join(Message, Message.id == AssessmentRecord.message_id)
        .where(Message.conversation_id == conversation.id, AssessmentRecord.probe.is_(True))
        .order_by(Message.id.desc())
        .limit(1)
    ).first()


def _distress(session: Session, conversation: Conversation) -> AssessmentRecord | None:
    """The latest words of distress here about which the question on hurting oneself is not answered yet."""
    lately = select(AssessmentRecord).join(Message, Message.id == AssessmentRecord.message_id)
    lately = lately.where(
        Message.conversation_id == conversation.id, Message.created_at > clock.now() - QUESTION_OPEN
    )
    for record in session.scalars(lately.order_by(Message.id.desc())):
        if record.context.get("question") == PROBE_MIND and (
            record.tier.at_least_as_urgent_as(Tier.T1) or mind.read(record.message.body) is not None
        ):
            return None
        if record.psych and record.tier.at_least_as_urgent_as(Tier.T1):
            return None  # a person phones about it within the hour
        if record.probe and record.psych and any(one["flag"] == "PSY" for one in record.findings):
            return record
    return None


def _ask_of_the_mind_too(session: Session, message: Message, assessment: Assessment) -> None:
    """The six signs are answered, and with the body there was distress: now that is asked about."""
    if assessment.tier.at_least_as_urgent_as(Tier.T1) or _distress(session, message.conversation) is None:
        return
    say(
        session,
        message.conversation,
        "safety.probe_mind",
        Kind.SAFETY,
        tier=assessment.tier.value,
        flag="PSY",
        in_reply_to_id=message.id,
        position=AFTER_SAFETY,
        question=PROBE_MIND,
    )
    message.conversation.open_question, message.conversation.open_question_at = PROBE_MIND, clock.now()


def _answers_probe(message: Message, assessment: Assessment, context: Context) -> bool:
    """Whether the open question of triage is answered. The one on hurting oneself waits for a clear word."""
    if is_about_the_call(message.body, context) and _adds_nothing(assessment):
        return False
    question = context.question
    if question == PROBE_MIND:
        urgent = assessment.tier.at_least_as_urgent_as(Tier.T1) and not _adds_nothing(assessment)
        return urgent or mind.read(message.body) is not None
    if question == PROBE_WHICH:
        told = (CHOSEN_FROM_LIST, which.SCORE)
        return any(finding.rule.startswith(told) for finding in assessment.findings)
    return not _asks_something_else(message, assessment)


def _asks_something_else(message: Message, assessment: Assessment) -> bool:
    """Whether the patient asks another thing ("can I massage it?"): the probe still waits for its answer."""
    nothing_found = assessment.tier is Tier.T4 and not assessment.probe
    return nothing_found and (is_question(message.body) or nobody_answers(message.body))


def _adds_nothing(assessment: Assessment) -> bool:
    """Whether the message is about nothing but the open alert: thanks, never mind, ok. "Never mind, but
    my lip is white" tells of a sign."""
    first, *others = assessment.findings or (None,)
    return (
        first is not None
        and first.rule == ALERT_STAYS_OPEN
        and not any(other.tier.at_least_as_urgent_as(Tier.T1) for other in others)
    )


def _silenced(session: Session, message: Message, assessment: Assessment) -> bool:
    """After STOP only an emergency is answered; the rest is for staff, who were asked to phone. Nor does the
    desk put in a word while a person is talking, except where somebody must act within the hour."""
    within_the_hour = assessment.tier.at_least_as_urgent_as(Tier.T1) and not _adds_nothing(assessment)
    if not within_the_hour and is_held(session, message.conversation):
        return True
    urgent = assessment.tier.at_least_as_urgent_as(Tier.T2) or assessment.probe
    news = urgent and not _adds_nothing(assessment)
    return message.channel is Channel.SMS and not news and is_opted_out(message.conversation)


def context_of(session: Session, message: Message) -> Context:
    """What triage may know about the sender and the moment."""
    conversation = message.conversation
    treatment = latest_treatment(session, message.patient_id)
    situation = situation_of(conversation, treatment)
    alert = open_alert(session, conversation)
    asked = conversation.open_question_at
    still_open = asked is not None and clock.now() - asked <= QUESTION_OPEN
    question = conversation.open_question if still_open else None
    if question is None and treatment is None and corrections(message.body, plainly=True):
        told = select(Intake.id).where(Intake.conversation_id == conversation.id).limit(1)
        question = CORRECTION if session.scalars(told).first() is not None else None
    interrupted, number = _in_doubt(session, conversation, question)
    return Context(
        day=situation.day,
        product=situation.product,
        areas=tuple(treatment.areas) if treatment else (),
        language=situation.language,
        phase=situation.phase or ("before" if (question or "").startswith("intake.") else None),
        question=question,
        interrupted=interrupted,
        number=number,
        open_alert_tier=alert.tier if alert else None,
        open_alert_flag=alert.flag if alert else None,
        has_media=bool(message.media),
    )


def _in_doubt(
    session: Session, conversation: Conversation, question: str | None
) -> tuple[str | None, int | None]:
    """The 0-10 question that still waited for its number when the six signs were asked; and the number of
    which it is asked what it means."""
    asked = _asked_last(session, conversation) if question in (PROBE, PROBE_WHICH) else None
    if asked is None:
        return None, None
    if question == PROBE_WHICH:
        rules = (which.asked_of(finding["rule"]) for finding in asked.findings)
        number = next((number for number in rules if number is not None), None)
        return asked.context.get("interrupted"), number
    before = asked.context.get("question")
    waited = QUESTIONS.get(before or "") == "scale" and not readable(before, asked.message.body)
    return (before if waited else None), None


def safety_piece(assessment: Assessment, message: Message, question: str | None = None) -> str | None:
    """The content that answers this assessment at once; None when the dialogue may answer alone.

    `question`: the one that is open. While it is about hurting oneself, what is unclear is about that.
    """
    crisis = assessment.of_the_mind
    match assessment.tier:
        case Tier.T0:
            return "safety.t0_crisis" if crisis else "safety.t0"
        case Tier.T1:
            return "safety.t1_crisis" if crisis else "safety.t1"
        case _ if assessment.probe and any(which.asked_of(f.rule) for f in assessment.findings):
            return "safety.probe_which"
        case _ if [f.rule for f in assessment.findings if f.probe] == [which.SCORE]:
            return "safety.probe_again"  # the six stand above: they wait for an answer, and are not read anew
        case _ if assessment.probe:
            of_the_mind = (crisis or question == PROBE_MIND) and not _asks_about_body(assessment)
            return "safety.probe_mind" if of_the_mind else "safety.probe"
        case Tier.T2:
            return "safety.t2_psych" if assessment.psych else "safety.t2"
        case Tier.T3:
            return "safety.t3_hold" if assessment.hold else "safety.t3"
    return "safety.media" if message.media else None


def other_piece(assessment: Assessment) -> tuple[str, Finding] | None:
    """The content on the body beside that on the mind, or the other way round, and what it answers, where one
    message tells of both and somebody must act within the hour; None where it tells of one alone."""
    if not (assessment.psych and assessment.tier in RED):
        return None
    leads = assessment.of_the_mind
    other = next(
        (
            finding
            for finding in assessment.findings
            if finding.tier.at_least_as_urgent_as(Tier.T2)
            and (finding.flag in ACUTE if leads else finding.flag == "PSY")
        ),
        None,
    )
    if other is None:
        return None
    of_the_mind = {Tier.T0: "safety.t0_crisis", Tier.T1: "safety.t1_crisis", Tier.T2: "safety.t2_psych"}
    return f"safety.{other.tier.value.lower()}" if leads else of_the_mind[other.tier], other


def _answer_the_other_too(session: Session, message: Message, assessment: Assessment) -> None:
    """Whoever told of body and mind in one message is answered on both."""
    second = other_piece(assessment)
    if second is None:
        return
    piece, finding = second
    say(
        session,
        message.conversation,
        piece,
        Kind.SAFETY,
        extra={"safeguarding_lead": lead_name(session, message.conversation)},
        tier=finding.tier.value,
        flag=finding.flag,
        in_reply_to_id=message.id,
        position=AFTER_SAFETY,
    )


def _asks_about_body(assessment: Assessment) -> bool:
    of_the_body = (f for f in assessment.findings if f.flag not in ("PSY", "NEG", "HYP"))
    return any(finding.probe for finding in of_the_body)


def _answer(session: Session, message: Message, piece: str, assessment: Assessment) -> None:
    conversation = message.conversation
    says_when = piece in (still_open.RETRACTION, still_open.STANDS)
    alert = open_alert(session, conversation) if says_when else None
    told = still_open.told_at(session, alert, conversation) if alert is not None else ""
    say(
        session,
        conversation,
        piece,
        Kind.SAFETY,
        extra={"safeguarding_lead": lead_name(session, conversation), "told_at": told},
        tier=assessment.tier.value,
        flag=assessment.lead_flag,
        in_reply_to_id=message.id,
        position=0,
        question=PROBE_PIECES.get(piece),
    )
    if piece in PROBE_PIECES:
        conversation.open_question, conversation.open_question_at = PROBE_PIECES[piece], clock.now()
