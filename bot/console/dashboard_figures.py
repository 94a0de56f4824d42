"""The clinic's figures as tables and charts, in the reader's language."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot.console.bars import Bars, bars
from bot.console.strings import Translate
from bot.console.times import Times
from bot.console.wording import content_title, flag_label
from bot.escalation.models import Alert
from bot.judgement.models import Verdict
from bot.protocols.catalogue import catalogue
from bot.statistics import queries
from bot.statistics.period import Period
from bot.triage.types import Tier

#: The tiers that raise an alert.
ALERTING = (Tier.T0, Tier.T1, Tier.T2)
TOPICS_DRAWN = 15


@dataclass(frozen=True, slots=True)
class Ask:
    """Whose figures, of which time, for whom to read."""

    session: Session
    clinic_id: str
    period: Period
    t: Translate
    language: str
    times: Times


@dataclass(frozen=True, slots=True)
class Figure:
    """A table with its chart. `data` is the table with plain numbers, for CSV, with its own column names."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    data_columns: Sequence[str]
    data: Sequence[Sequence[str | int | float | None]]
    chart: Bars | None


def _figure(
    ask: Ask,
    name: str,
    columns: Sequence[str],
    data: Sequence[Sequence[str | int | float | None]],
    chart: Bars | None,
    shown: Sequence[Sequence[str]] | None = None,
    data_columns: Sequence[str] | None = None,
) -> Figure:
    titles, plain = (
        [ask.t(f"figures.col_{column}") for column in names] for names in (columns, data_columns or columns)
    )
    missing = ask.t("figures.none")
    rows = shown or [[missing if cell is None else str(cell) for cell in row] for row in data]
    return Figure(name, titles, rows, plain, data, chart)


def by_tier(ask: Ask) -> Figure:
    """How many alerts of each tier."""
    counts = queries.alerts_by_flag(ask.session, ask.clinic_id, ask.period)
    totals = {tier: sum(n for (_flag, its), n in counts.items() if its is tier) for tier in ALERTING}
    data = [(tier.value, ask.t(f"tier.{tier.value}"), totals[tier]) for tier in ALERTING]
    chart = bars([(f"{code} {name}", count, str(count)) for code, name, count in data])
    return _figure(ask, "tiers", ("tier", "meaning", "alerts"), data, chart)


def by_flag(ask: Ask) -> Figure:
    """How many alerts of each flag, and of which tiers."""
    counts = queries.alerts_by_flag(ask.session, ask.clinic_id, ask.period)
    flags = {flag for flag, _tier in counts}
    each = {flag: [counts.get((flag, tier), 0) for tier in ALERTING] for flag in flags}
    ordered = sorted(flags, key=lambda flag: (-sum(each[flag]), flag))
    data: list[tuple[str | int, ...]] = [
        (flag, flag_label(flag, ask.language), *each[flag], sum(each[flag])) for flag in ordered
    ]
    chart = bars([(str(row[1]), sum(each[str(row[0])]), str(row[-1])) for row in data])
    return _figure(ask, "flags", ("flag", "meaning", "T0", "T1", "T2", "alerts"), data, chart)


def by_week(ask: Ask) -> Figure:
    """How many alerts began in each week."""
    counts = queries.alerts_by_week(ask.session, ask.clinic_id, ask.period)
    data: list[tuple[str | int, ...]] = []
    drawn = []
    for day, _start in ask.period.weeks():
        each = [counts.get((day, tier), 0) for tier in ALERTING]
        data.append((day.isoformat(), *each, sum(each)))
        drawn.append((ask.times.day(day), float(sum(each)), str(sum(each))))
    shown = [[label, *map(str, row[1:])] for (label, _value, _words), row in zip(drawn, data, strict=True)]
    return _figure(ask, "weeks", ("week", "T0", "T1", "T2", "alerts"), data, bars(drawn), shown)


def _durations(ask: Ask, name: str, found: Sequence[queries.Times]) -> Figure:
    by = {times.tier: times for times in found}
    data, shown, drawn = [], [], []
    for tier in ALERTING:
        times = by.get(tier, queries.Times(tier, 0, None, None))
        minutes = [None if s is None else round(s / 60, 1) for s in (times.middle, times.ninth)]
        words = [_minutes(ask, value) for value in minutes]
        data.append((tier.value, times.count, *minutes))
        shown.append([f"{tier.value} {ask.t(f'tier.{tier.value}')}", str(times.count), *words])
        drawn.append((f"{tier.value} {ask.t('figures.median')}", minutes[0], words[0]))
        drawn.append((f"{tier.value} {ask.t('figures.p90')}", minutes[1], words[1]))
    columns, plain = ("tier", "alerts", "median", "p90"), ("tier", "alerts", "median_min", "p90_min")
    return _figure(ask, name, columns, data, bars(drawn), shown, plain)


def _minutes(ask: Ask, minutes: float | None) -> str:
    """A length as one reads it: in hours from two on."""
    if minutes is None:
        return ask.t("figures.none")
    if minutes < 120:
        return ask.t("figures.minutes", n=f"{minutes:g}")
    return ask.t("figures.hours", n=f"{minutes / 60:.1f}")


def to_acknowledge(ask: Ask) -> Figure:
    """How long until somebody took an alert."""
    found = queries.time_to(ask.session, ask.clinic_id, ask.period, Alert.acknowledged_at)
    return _durations(ask, "acknowledge", found)


def to_close(ask: Ask) -> Figure:
    """How long until an alert was closed."""
    return _durations(ask, "close", queries.time_to(ask.session, ask.clinic_id, ask.period, Alert.closed_at))


def _answers(
    ask: Ask, name: str, first: str, found: Sequence[tuple[str, str | int, queries.Answers]]
) -> Figure:
    data, shown, drawn = [], [], []
    for label, key, answers in found:
        share = None if answers.rate is None else round(100 * answers.rate, 1)
        words = ask.t("figures.none") if share is None else f"{share:g} %"
        counts = (answers.due, answers.asked, answers.answered)
        data.append((key, *counts, share))
        shown.append([label, *map(str, counts), words])
        drawn.append((label, share, words))
    chart = bars(drawn, top=100)
    return _figure(ask, name, (first, "due", "asked", "answered", "rate"), data, chart, shown)


def response(ask: Ask) -> Figure:
    """How many check-ins were answered, week by week."""
    by = queries.check_ins_by_week(ask.session, ask.clinic_id, ask.period)
    nothing = queries.Answers(0, 0, 0)
    weeks = [day for day, _start in ask.period.weeks()]
    found = [(ask.times.day(day), day.isoformat(), by.get(day, nothing)) for day in weeks]
    return _answers(ask, "response", "week", found)


def adherence(ask: Ask) -> Figure:
    """How many check-ins were answered, by the day of the protocol."""
    by = queries.check_ins_by_day(ask.session, ask.clinic_id, ask.period)
    return _answers(
        ask, "adherence", "day", [(ask.t("figures.day", n=day), day, one) for day, one in by.items()]
    )


def judged(ask: Ask) -> Figure:
    """How staff judged alerts when they closed them: over-triage is the share of false alarms."""
    counts = queries.judgements(ask.session, ask.clinic_id, ask.period)
    data, shown, drawn = [], [], []
    for tier in ALERTING:
        each = [counts.get((tier, verdict), 0) for verdict in (Verdict.CORRECT, Verdict.FALSE_ALARM)]
        each += [sum(counts.get((tier, verdict), 0) for verdict in (Verdict.MORE_URGENT, Verdict.MISSED))]
        share = round(100 * each[1] / sum(each), 1) if sum(each) else None
        words = ask.t("figures.none") if share is None else f"{share:g} %"
        data.append((tier.value, *each, share))
        label = f"{tier.value} {ask.t(f'tier.{tier.value}')}"
        shown.append([label, *map(str, each), words])
        drawn.append((label, share, words))
    columns = ("tier", "correct", "false_alarm", "under", "over_rate")
    return _figure(ask, "judged", columns, data, bars(drawn, top=100), shown)


def topics(ask: Ask) -> Figure:
    """Which topics patients asked about."""
    known = [piece.id for piece in catalogue().topics()]
    data = [
        (topic, content_title(topic, ask.language), count)
        for topic, count in queries.topics(ask.session, ask.clinic_id, ask.period, known)
    ]
    chart = bars([(title, count, str(count)) for _id, title, count in data[:TOPICS_DRAWN]])
    return _figure(ask, "topics", ("topic", "meaning", "questions"), data, chart)


#: In the order of the page.
FIGURES: Mapping[str, Callable[[Ask], Figure]] = {
    "tiers": by_tier,
    "flags": by_flag,
    "weeks": by_week,
    "acknowledge": to_acknowledge,
    "close": to_close,
    "response": response,
    "adherence": adherence,
    "judged": judged,
    "topics": topics,
}


def as_csv(figure: Figure) -> str:
    """The figure's table with plain numbers; times are in minutes, shares in per cent."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(figure.data_columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in figure.data)
    return out.getvalue()
