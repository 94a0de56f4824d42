"""Plays a story: a database of its own in a temporary folder, the real dialogue, the simulated carrier."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as day_time
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from sqlalchemy import select

from bot import clock, events
from bot import settings as app_settings
from bot.app import load_dialogue
from bot.channels.simulator.calls import SimulatedCaller, use_caller
from bot.channels.simulator.carrier import SimulatedCarrier, use_carrier
from bot.clinic import demo
from bot.clinic.enrolment import enrol
from bot.clinic.models import Clinic, Staff
from bot.db.engine import reading
from bot.dialogue.turns import Dialogue
from bot.durable import sweep
from bot.durable.runtime import Runtime
from bot.escalation import service
from bot.escalation.models import Alert, Outcome
from bot.followup.models import CheckIn, CheckInStatus
from bot.messaging.models import Message, Status, Turn
from bot.notify.models import ContactKind
from bot.records.models import StaffTask
from bot.settings import Settings
from bot.simulation.story import Act, Story, load, names
from bot.start import open_record

STORIES = names()
PATIENT = "+15550100113"
_STAFF = {"nurse": "+15550100121", "doctor": "+15550100122"}
_SETTLE_S = 60.0
#: Lines of an alert's timeline that a story tells.
_TOLD = ("opened", "raised", "acknowledged", "closed", "page_failed", "nobody_on_call", "names_nobody")


class NeverSettled(RuntimeError):
    """Something stayed undone for a minute of real time."""


def play(
    name: str,
    language: str,
    out: Console,
    progress: Callable[[str], None],
    dialogue: Callable[[], Dialogue] = load_dialogue,
) -> bool:
    """Play the story and print it. True when it ended as its script says."""
    story = load(name, language)
    with tempfile.TemporaryDirectory(prefix="afterglow-simulate-") as folder:
        settings = Settings(var_dir=Path(folder), database_url=None, demo=True, carrier="simulator")
        app_settings.use_settings(settings)
        open_record(settings, lasting=False)
        demo.seed(patients=False)
        progress("Loading the dialogue")
        carrier = SimulatedCarrier(Path(folder) / "carrier.db", delivery_s=0.02)
        use_carrier(carrier)
        # nobody answers calls in a story: what is told goes by text
        caller = SimulatedCaller(Path(folder) / "carrier.db", ring_s=0.02)
        use_caller(caller)
        runtime = Runtime(settings, carrier, dialogue, {ContactKind.VOICE: caller})
        runtime.start()
        try:
            return Stage(story, language, carrier, runtime, out).run()
        finally:
            runtime.stop()
            use_caller(None)
            caller.close()
            use_carrier(None)
            carrier.close()


@dataclass
class Stage:
    """The fortnight as it is played."""

    story: Story
    language: str
    carrier: SimulatedCarrier
    runtime: Runtime
    out: Console

    def run(self) -> bool:
        """Enrol, play every act, let the fortnight end, and compare with the script."""
        self._seen: dict[str, int] = {}
        self._alert_lines = 0
        self._shown_day = -1
        with reading() as session:
            clinic = session.scalars(select(Clinic)).one()
            self._clinic_id, self._zone = clinic.id, ZoneInfo(clinic.time_zone)
            self._names = {person.phone: person.name for person in session.scalars(select(Staff))}
        self.out.print(f"\n[bold]{self.story.title}[/bold]")
        self._until(datetime.combine(self._today() + timedelta(days=1), day_time(17), self._zone))
        self._treated = self._today()
        self._enrol()
        for act in self.story.acts:
            self._play(act)
        self._until(datetime.combine(self._treated + timedelta(days=16), day_time(18), self._zone))
        return self._compare()

    def _today(self) -> date:
        return clock.now().astimezone(self._zone).date()

    def _enrol(self) -> None:
        enrol(
            self._clinic_id,
            {
                "first_name": self.story.first_name,
                "last_name": self.story.last_name,
                "phone": PATIENT,
                "language": self.language,
                "product": "harmonyca",
                "lot": "DEMO-0001",
                "expiry": (self._today() + timedelta(days=365)).isoformat(),
                "areas": ["lateral cheek"],
                "treated_at": (clock.now() - timedelta(hours=1)).isoformat(),
                "consent_aftercare_texts": True,
            },
        )
        self._settle()

    def _play(self, act: Act) -> None:
        self._until(self._moment(act))
        if act.closes is not None:
            self._close(act)
        if act.says is not None:
            sender = PATIENT if act.who == "patient" else _STAFF[act.who]
            text = act.says.replace("{code}", self._code())
            self.carrier.receive(sender, demo.TEXT_NUMBER, text)
        self._settle()

    def _moment(self, act: Act) -> datetime:
        moment = clock.now()
        if act.at == "check-in":
            with reading() as session:
                due = session.scalars(select(CheckIn.due_at).where(CheckIn.day == act.day)).one()
            moment = due + timedelta(minutes=20)
        elif act.at is not None:
            day = self._treated + timedelta(days=act.day)
            moment = datetime.combine(day, day_time.fromisoformat(act.at), self._zone)
        return moment + timedelta(minutes=act.wait_minutes)

    def _code(self) -> str:
        with reading() as session:
            return session.scalars(select(Alert.code).order_by(Alert.id.desc())).first() or "00"

    def _close(self, act: Act) -> None:
        with reading() as session:
            alert_id = session.scalars(select(Alert.id).order_by(Alert.id.desc())).first()
            staff_id = session.scalars(select(Staff.id).where(Staff.phone == _STAFF[act.who])).one()
        assert alert_id is not None, "the story closes an alert that was never raised"
        service.close(alert_id, staff_id, Outcome.SEEN_IN_CLINIC, act.closes or "")

    def _until(self, moment: datetime) -> None:
        """Let time pass up to `moment`, stopping wherever something becomes due."""
        while (now := clock.now()) < moment:
            due = sweep.next_moment(now)
            clock.advance(min(due or moment, moment) - now + timedelta(milliseconds=1))
            self._settle()

    def _settle(self) -> None:
        """Wait until everything that is due has been done and every text has arrived; then show it."""
        deadline = time.monotonic() + _SETTLE_S
        events.work.set()
        while not self._quiet():
            if time.monotonic() > deadline:
                raise NeverSettled("something stays undone: see the log above")
            time.sleep(0.02)
        self._show()

    def _quiet(self) -> bool:
        if sweep.due(clock.now()):
            return False
        with reading() as session:
            busy = session.scalars(
                select(Message.id).where(
                    Message.turn.is_(Turn.PENDING)
                    | Message.status.in_([Status.SENDING, Status.SENT])
                    | (Message.status.is_(Status.QUEUED) & (Message.send_after <= clock.now()))
                )
            ).first()
        return busy is None

    # --- showing -------------------------------------------------------------------------------------

    def _show(self) -> None:
        new = []
        for number in (PATIENT, *_STAFF.values()):
            texts = self.carrier.thread_of(number)
            new += [(text.at, number, text) for text in texts[self._seen.get(number, 0) :]]
            self._seen[number] = len(texts)
        for at, number, text in sorted(new, key=lambda entry: entry[0]):
            self._line(at, self._who(number, text.inbound), text.body)
        self._show_alert_events()

    def _who(self, number: str, inbound: bool) -> str:
        if number == PATIENT:
            name = self.story.first_name
            return f"[cyan]{name} >[/cyan]" if inbound else f"[green]< to {name}[/green]"
        name = self._names[number]
        return f"[magenta]{name} >[/magenta]" if inbound else f"[red]< page to {name}[/red]"

    def _line(self, at: datetime, who: str, text: str) -> None:
        local = at.astimezone(self._zone)
        day = (local.date() - self._treated).days
        if day != self._shown_day:
            self._shown_day = day
            self.out.print(f"\n[bold]Day {day}[/bold] · {local:%a}", highlight=False)
        self.out.print(f"  {local:%H:%M} {who} {text}", highlight=False)

    def _show_alert_events(self) -> None:
        with reading() as session:
            lines = [
                (event.created_at, alert, event.kind.value, event.staff.name if event.staff else "")
                for alert in session.scalars(select(Alert).order_by(Alert.id))
                for event in alert.events
            ]
        for at, alert, kind, name in lines[self._alert_lines :]:
            if kind in _TOLD:
                self._line(
                    at, f"[yellow]alert {alert.code} {alert.tier} {alert.flag}[/yellow]", f"{kind} {name}"
                )
        self._alert_lines = len(lines)

    def _compare(self) -> bool:
        with reading() as session:
            alerts = list(session.scalars(select(Alert).order_by(Alert.id)))
            check_ins = list(session.scalars(select(CheckIn.status)))
            found = {
                "alerts": tuple(alert.tier.value for alert in alerts),
                "acknowledged_by": next((a.acknowledged_by.name for a in alerts if a.acknowledged_by), None),
                "check_ins_answered": check_ins.count(CheckInStatus.ANSWERED),
                "check_ins_unanswered": check_ins.count(CheckInStatus.UNANSWERED),
                "open_tasks": tuple(
                    task.kind.value
                    for task in session.scalars(
                        select(StaffTask).where(StaffTask.done_at.is_(None)).order_by(StaffTask.id)
                    )
                ),
            }
            waits = [
                f"{(alert.acknowledged_at - alert.created_at).total_seconds() / 60:.0f} min"
                for alert in alerts
                if alert.acknowledged_at
            ]
        self.out.print("\n[bold]Outcome[/bold]")
        right = True
        for key, expected in self.story.outcome.model_dump().items():
            same = found[key] == expected
            right = right and same
            note = "" if same else f"   [red]the script says {expected}[/red]"
            self.out.print(f"  {key.replace('_', ' ')}: {found[key]}{note}", highlight=False)
        if waits:
            self.out.print(f"  time to acknowledge: {', '.join(waits)}", highlight=False)
        return right
