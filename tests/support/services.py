"""The services that the dialogue's actions call, watched instead of run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

import bot.followup.answers
import bot.messaging.optout
import bot.records.symptoms
import bot.records.tasks
from bot.triage.types import Tier


@dataclass
class Services:
    """What the dialogue asked of the services, and what they answer."""

    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    report_tier: Tier = Tier.T4
    check_in: str = "well"

    def named(self, name: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        return [(args, kwargs) for called, args, kwargs in self.calls if called == name]


def watch_services(monkeypatch: pytest.MonkeyPatch) -> Services:
    """Put watched services in the place of the real ones."""
    watched = Services()

    def watch(module: Any, name: str, answer: Any) -> None:
        def called(*args: Any, **kwargs: Any) -> Any:
            watched.calls.append((name, args, kwargs))
            return answer() if callable(answer) else answer

        monkeypatch.setattr(module, name, called)

    watch(bot.records.symptoms, "log_report", lambda: watched.report_tier)
    watch(bot.records.symptoms, "log_mention", None)
    watch(bot.followup.answers, "record", None)
    watch(bot.followup.answers, "remark", None)
    watch(bot.followup.answers, "finish", lambda: watched.check_in)
    watch(bot.records.tasks, "hand_over", "dialogue.handover")
    watch(bot.messaging.optout, "opt_out_by_message", "optout.stopped")
    return watched
