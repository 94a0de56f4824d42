"""The chart note: what the record holds of one patient, as a paper that a clinician can paste.

Every line comes from a row. What nobody recorded is said to be not recorded, and nothing is concluded.
Decisions here read neither clock nor database: rows, words and `now` are given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

from bot.clinic.facts import readable_phone
from bot.clinic.models import Clinic, Consent, Patient, Treatment
from bot.counselling.models import Acknowledgement
from bot.escalation.models import Alert, AlertStatus, EventKind
from bot.escalation.signs import standing
from bot.followup.asking import SIGNS as RED_FLAGS
from bot.followup.models import CheckIn
from bot.handover.models import StaffReply
from bot.messaging.models import Channel, Kind, Message, Status
from bot.messaging.threads import local_day
from bot.photos.models import Photo, PhotoArrival
from bot.protocols.schema import ANSWERS, QuestionId
from bot.records.document import Document, Row, Section, one_line, paper_for
from bot.records.models import SymptomReport
from bot.triage.answers import RED_FLAG_LIST

#: Groups of content that answer a patient's questions; a content id is `group.topic`. Small talk is none.
_TOPICS = frozenset({"product", "candidacy", "prep", "procedure", "recovery", "aftercare", "clinic"})
#: Groups and single texts that may tell when to call. Whether one did is read in its words as they were sent.
_PRECAUTIONS = frozenset({"safety", "recovery", "aftercare", "checkin", "symptom", "enrol", "product.risks"})
_TO_CALL = re.compile(r"\bcall(?:s|ing)?\b|\bll[aá]m", re.IGNORECASE)
_SCALES = frozenset({"pain", "swelling", "bruising", "tenderness", "satisfaction"})
_QUESTIONS: tuple[str, ...] = get_args(QuestionId)
#: Questions whose answer is one of a few, named in the reader's words.
_NAMED = frozenset({"overall", "lumps", "gais", "photo"})
_SIGNS = "checkin.red_flags"

Lines = Iterator[str | Row]


@dataclass(frozen=True, slots=True)
class Chart:
    """The rows of one patient, each list oldest first. `sent` are texts to the patient, of every status;
    `check_ins` are those that went out; `with_media` are the patient's messages that came with files."""

    clinic: Clinic
    patient: Patient
    treatments: tuple[Treatment, ...] = ()
    sent: tuple[Message, ...] = ()
    with_media: tuple[Message, ...] = ()
    arrivals: Mapping[str, Sequence[PhotoArrival]] = field(default_factory=dict)  #: by message
    reports: tuple[SymptomReport, ...] = ()
    alerts: tuple[Alert, ...] = ()
    check_ins: tuple[CheckIn, ...] = ()
    consents: tuple[Consent, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    by_staff: tuple[StaffReply, ...] = ()
    chosen: Mapping[str, Sequence[int]] = field(default_factory=dict)  #: danger signs by number, by message


@dataclass(frozen=True, slots=True)
class Words:
    """The reader's words: `t` takes a key of the console's strings; the others give the label of a flag,
    product, area, content id or view, or the id itself when there is none."""

    language: str
    t: Callable[..., str]
    flag: Callable[[str], str]
    product: Callable[[str], str]
    area: Callable[[str], str]
    topic: Callable[[str], str]
    view: Callable[[str], str]


def chart_note(chart: Chart, words: Words, now: datetime) -> Document:
    """The note in the reader's language, with all times in the clinic's zone. `now` is aware."""
    return _Note(chart, words, now).document()


def file_name(chart: Chart, now: datetime, ending: str) -> str:
    """A name for the file that does not name the patient: "chart-note-PS-2026-11-27.pdf"."""
    plain = unicodedata.normalize("NFKD", chart.patient.initials)
    initials = "".join(sign for sign in plain if sign.isascii() and sign.isalpha())
    day = now.astimezone(ZoneInfo(chart.clinic.time_zone)).date().isoformat()
    return "-".join(part for part in ("chart-note", initials, day) if part) + f".{ending}"


def is_counselling(message: Message) -> bool:
    """Whether a text answers a topic; greetings and the like are none."""
    return message.kind is Kind.REPLY and _group(message) in _TOPICS


def tells_when_to_call(message: Message) -> bool:
    """Whether a text is a return precaution: safety, recovery, aftercare or check-in words that say to
    call, in the words that were sent."""
    about = message.kind is Kind.SAFETY or not {_group(message), message.content_id}.isdisjoint(_PRECAUTIONS)
    return about and _TO_CALL.search(message.body) is not None


def _group(message: Message) -> str:
    return (message.content_id or "").partition(".")[0]


def _unchecked(message: Message) -> bool:
    """Whether nobody has made sure who wrote this: a number left in the chat was the patient's."""
    return message.conversation.patient_id is None


def _quoted(text: str) -> str:
    return f"“{one_line(text)}”"


class _Note:
    """Makes one note."""

    def __init__(self, chart: Chart, words: Words, now: datetime) -> None:
        self._chart, self._words, self._t, self._now = chart, words, words.t, now
        self._zone = ZoneInfo(chart.clinic.time_zone)

    def document(self) -> Document:
        sections: Mapping[str, Callable[[], Lines]] = {
            "clinic": self._clinic,
            "patient": self._patient,
            "treatments": self._treatments,
            "counselling": self._counselling,
            "precautions": self._precautions,
            "talks": self._talks,
            "symptoms": self._symptoms,
            "alerts": self._alerts,
            "check_ins": self._check_ins,
            "consents": self._consents,
            "photos": self._photos,
        }
        return Document(
            title=self._t("chart.title"),
            subtitle="\n".join(
                (
                    self._t("chart.made", moment=self._moment(self._now)),
                    self._t("chart.times", zone=self._chart.clinic.time_zone),
                    self._t("chart.check"),
                )
            ),
            sections=tuple(
                Section(self._t(f"chart.{key}"), tuple(lines()) or (self._t("chart.nothing"),))
                for key, lines in sections.items()
            ),
            made_at=self._now,
            language=self._words.language,
            paper=paper_for(self._chart.clinic.country),
            foot=self._chart.patient.name,
        )

    # --- what each section says ---------------------------------------------------------------------------

    def _clinic(self) -> Lines:
        clinic = self._chart.clinic
        yield self._row("name", clinic.name)
        yield self._row("phone", readable_phone(clinic.phone))
        yield self._row("time_zone", clinic.time_zone)

    def _patient(self) -> Lines:
        patient = self._chart.patient
        yield self._row("name", patient.name)
        known = patient.language in ("en", "es")
        yield self._row(
            "language", self._t(f"patient.lang_{patient.language}") if known else patient.language
        )
        yield self._row("record", patient.id)

    def _treatments(self) -> Lines:
        for number, treatment in enumerate(self._chart.treatments):
            if number:
                yield ""
            injector = treatment.injector.name if treatment.injector else ""
            yield self._row("product", self._words.product(treatment.product))
            yield self._row("treated", self._moment(treatment.treated_at))
            yield self._row("areas", ", ".join(map(self._words.area, treatment.areas)))
            if treatment.location:
                yield self._row("location", treatment.location)
            yield self._row("lot", treatment.lot)
            yield self._row("expiry", self._date(treatment.expiry))
            yield self._row("technique", treatment.technique_note)
            yield self._row("injector", injector)
            yield self._row("endpoints", treatment.goals_endpoints)
            yield self._row("longer", treatment.goals_longer)

    def _counselling(self) -> Lines:
        for message in filter(is_counselling, self._chart.sent):
            yield Row(self._moment(message.created_at), self._said(message))
        for one in self._chart.acknowledgements:
            if one.acknowledged_at is None:
                yield Row(self._moment(one.created_at), self._t("chart.ack_asked", n=len(one.message_ids)))
            else:
                words = self._t("chart.ack_given", n=len(one.message_ids), name=one.staff.name)
                yield Row(self._moment(one.acknowledged_at), words)

    def _talks(self) -> Lines:
        """What members of staff wrote to the patient in their own name."""
        for reply in self._chart.by_staff:
            message = reply.message
            about = (reply.staff.name, self._channel(message.channel), self._delivery(message))
            yield Row(self._moment(message.created_at), f"{' · '.join(about)}: {_quoted(message.body)}")

    def _precautions(self) -> Lines:
        for message in filter(tells_when_to_call, self._chart.sent):
            yield Row(self._moment(message.created_at), f"{self._said(message)}\n{_quoted(message.body)}")

    def _symptoms(self) -> Lines:
        answered = {
            (check_in.id, question.rpartition(".")[2], _value(answer))
            for check_in in self._chart.check_ins
            for question, answer in check_in.answers.items()
            if not isinstance(_value(answer), list)
        }
        for report in self._chart.reports:
            # the answer itself stands under its check-in; one that was corrected later does not
            if (report.check_in_id, report.what, report.severity) in answered:
                continue
            yield Row(self._moment(report.created_at), self._reported(report))

    def _reported(self, report: SymptomReport) -> str:
        what = self._t(f"question.{report.what}") if report.what in _SCALES else _quoted(report.what)
        parts = [
            what,
            _quoted(report.where) if report.where else "",
            self._t("entry.since", since=_quoted(report.since)) if report.since else "",
            f"{report.severity}/10" if report.severity is not None else "",
            self._t(f"trend.{report.trend}") if report.trend else "",
            self._t("treatment.day", n=report.day) if report.day is not None else "",
            f"{report.tier.value} {self._t(f'tier.{report.tier.value}')}",
            self._t(f"chart.source_{report.source}"),
        ]
        return " · ".join(part for part in parts if part)

    def _alerts(self) -> Lines:
        for number, alert in enumerate(self._chart.alerts):
            if number:
                yield ""
            tier = f"{alert.tier.value} {self._t(f'tier.{alert.tier.value}')}"
            yield Row(self._t("alert.code", code=alert.code), f"{self._words.flag(alert.flag)} · {tier}")
            yield self._row("raised", self._moment(alert.created_at))
            first = alert.message
            if _unchecked(first):
                yield from self._wrote(first)
            else:
                yield self._row("wrote", self._in_words(first) if first.body.strip() else "")
            split = [event for event in alert.events if event.kind in (EventKind.SPLIT, EventKind.SPLIT_FROM)]
            left = standing(alert.events).keys() - {first.id} if split else None
            for event in alert.events:
                wrote = event.kind in (EventKind.PATIENT_WROTE, EventKind.JOINED)
                if wrote and event.message and (left is None or event.message_id in left):
                    yield from self._wrote(event.message)
            for event in split:
                name = event.staff.name if event.staff else self._t("status.somebody")
                said = self._t(f"event.{event.kind}", name=name, code=event.detail)
                yield Row(self._moment(event.created_at), said)
            if alert.acknowledged_at:
                yield self._row("taken", self._by(alert.acknowledged_by, alert.acknowledged_at))
            yield from self._ended(alert)

    def _wrote(self, message: Message) -> Lines:
        if message.body.strip():
            key = "chart.wrote_unchecked" if _unchecked(message) else "chart.wrote_again"
            yield Row(self._t(key, moment=self._moment(message.created_at)), self._in_words(message))

    def _in_words(self, message: Message) -> str:
        """What the patient wrote, and the signs that they chose by number."""
        chosen = self._signs(self._chart.chosen.get(message.id, ()))
        said = f"{self._t('danger_sign.chosen')} {chosen}" if chosen else ""
        return " · ".join(filter(None, (_quoted(message.body), said)))

    def _signs(self, numbers: Iterable[int]) -> str:
        return "; ".join(self._t(f"danger_sign.{number}") for number in numbers)

    def _ended(self, alert: Alert) -> Lines:
        if alert.status is not AlertStatus.CLOSED:
            yield self._row("outcome", self._t("chart.still_open"))
            return
        yield self._row("outcome", self._t(f"outcome.{alert.outcome}") if alert.outcome else "")
        yield self._row("closed", self._by(alert.closed_by, alert.closed_at) if alert.closed_at else "")
        yield self._row("done", alert.close_note)

    def _check_ins(self) -> Lines:
        for number, check_in in enumerate(self._chart.check_ins):
            if number:
                yield ""
            treatment = check_in.enrolment.treatment
            after = f"{self._words.product(treatment.product)}, {self._moment(treatment.treated_at)}"
            yield Row(self._t("entry.check_in_day", day=check_in.day), self._state(check_in))
            yield self._row("after", after)
            for question in sorted(check_in.answers, key=_place):  # PostgreSQL keeps keys in its own order
                yield from self._answer(check_in, question, check_in.answers[question])

    def _state(self, check_in: CheckIn) -> str:
        moment = check_in.answered_at or check_in.reminded_at or check_in.sent_at
        state = self._t(f"check_in.{check_in.status}")
        return f"{state} · {self._moment(moment)}" if moment else state

    def _answer(self, check_in: CheckIn, question: str, answer: Any) -> Lines:
        name = question.rpartition(".")[2]
        value = _value(answer)
        words = str(answer.get("words") or "") if isinstance(answer, dict) else ""
        if isinstance(value, list):
            shown = ", ".join(map(str, value)) or "0"
            known = [number for number in value if number in RED_FLAG_LIST]
            shown += f" · {self._signs(known)}" if known and name == RED_FLAGS else ""
        elif name in _NAMED and value in ANSWERS:
            shown = self._t(f"answer.{value}")
        elif value is None:
            shown, words = self._t("entry.no_value"), ""
        else:
            shown = f"{value}/10" if name in _SCALES and isinstance(value, int) else one_line(str(value))
        remarks = answer.get("remarks", []) if isinstance(answer, dict) else []
        said = [words] if words and one_line(words) != one_line(str(value)) else []
        for quoted in dict.fromkeys([*said, *(remark["words"] for remark in remarks)]):
            shown += f" · {_quoted(quoted)}"
        yield Row(self._t(f"question.{name}") if name in _QUESTIONS else name, shown)
        asked = self._asked(check_in) if isinstance(value, list) and value else None
        if asked is not None:
            yield self._row("asked", _quoted(asked.body))

    def _asked(self, check_in: CheckIn) -> Message | None:
        """The list of signs as this check-in sent it: without it, numbers say nothing."""
        found = (m for m in self._chart.sent if m.check_in_id == check_in.id and m.content_id == _SIGNS)
        return next(found, None)

    def _consents(self) -> Lines:
        for consent in self._chart.consents:
            parts = (
                self._t(f"chart.purpose_{consent.purpose}"),
                self._t("chart.granted" if consent.granted else "chart.refused"),
                self._t("chart.wording", version=consent.wording_version),
                self._channel(consent.channel),
            )
            yield Row(self._moment(consent.created_at), " · ".join(parts))

    def _photos(self) -> Lines:
        for message in self._chart.with_media:
            types = sorted({one_line(str(item.get("content_type") or "")) for item in message.media} - {""})
            files = self._t("chart.files", n=len(message.media))
            parts = (
                self._day(message.created_at),
                self._channel(message.channel),
                f"{files} ({', '.join(types)})" if types else files,
                _quoted(message.body) if message.body.strip() else "",
            )
            kept = [arrival for arrival in self._chart.arrivals.get(message.id, ()) if arrival.photo]
            lines = [" · ".join(part for part in parts if part)]
            lines += [self._photo(arrival.photo) for arrival in kept if arrival.photo]
            yield Row(self._moment(message.created_at), "\n".join(lines))

    def _photo(self, photo: Photo) -> str:
        """A photo's view, when the camera took it, on which day, and the checksum of its file."""
        taken = self._t("chart.photo_taken", moment=self._moment(photo.taken_at)) if photo.taken_at else ""
        parts = (
            self._words.view(photo.view) if photo.view else self._t("photo.no_view"),
            taken or self._t("chart.photo_untimed"),
            self._day(photo.taken_at) if photo.taken_at else "",
            f"SHA-256 {photo.sha256[:16]}",
        )
        return " · ".join(part for part in parts if part)

    # --- words and times ----------------------------------------------------------------------------------

    def _said(self, message: Message) -> str:
        """Title, id and version, channel and what became of a text."""
        if message.content_id is None:
            about = self._t("chart.no_content_id")
        else:
            title = self._words.topic(message.content_id)
            version = message.content_version if message.content_version is not None else "?"
            about = f"{title} ({message.content_id}, {self._t('chart.version', n=version)}"
            own = message.content_own_version
            about += f", {self._t('chart.own_version', n=own)})" if own is not None else ")"
        return " · ".join((about, self._channel(message.channel), self._delivery(message)))

    def _delivery(self, message: Message) -> str:
        if message.channel is Channel.WEB and message.status is Status.DELIVERED:
            return self._t("chart.delivery_web")
        text = self._t(f"chart.delivery_{message.status}")
        moments = [event.created_at for event in message.events if event.status is Status.DELIVERED]
        if message.status is Status.DELIVERED and moments:
            return f"{text} {self._moment(moments[0])}"
        return text

    def _channel(self, channel: str) -> str:
        return self._t(f"chart.channel_{channel}") if channel in ("sms", "web", "staff") else channel

    def _by(self, person: Any, moment: datetime) -> str:
        return f"{person.name if person else self._t('status.somebody')} · {self._moment(moment)}"

    def _row(self, label: str, value: str) -> Row:
        return Row(self._t(f"chart.row_{label}"), value.strip() or self._t("chart.not_recorded"))

    def _day(self, moment: datetime) -> str:
        """The day since the treatment before `moment`, in the patient's zone; empty without one."""
        before = [t.treated_at for t in self._chart.treatments if t.treated_at <= moment]
        if not before:
            return ""
        day = local_day(max(before), moment, self._chart.patient.time_zone)
        return self._t("treatment.day", n=day)

    def _date(self, day: date) -> str:
        return f"{day.day} {self._t('time.months').split()[day.month - 1]} {day.year}"

    def _moment(self, moment: datetime) -> str:
        """ "24 Nov 2026, 14:05 EST": the zone's short name tells the two hours of a clock change apart."""
        local = moment.astimezone(self._zone)
        return f"{self._date(local.date())}, {local:%H:%M} {local.tzname()}"


def _value(answer: Any) -> Any:
    """What was understood of a check-in answer, stored bare or beside the patient's words."""
    return answer.get("value") if isinstance(answer, dict) else answer


def _place(question: str) -> int:
    """Where a question stands among those of a check-in; one that is not known any more, at the end."""
    name = question.rpartition(".")[2]
    return _QUESTIONS.index(name) if name in _QUESTIONS else len(_QUESTIONS)
