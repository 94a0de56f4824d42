"""Rasa's message processor and agent, but a fault ends the turn instead of losing what was said.

Rasa logs an exception of an action or of the response generator, drops its events and goes on: the patient
hears nothing and nobody knows. Here it is raised before the tracker is saved, so that the turn can be run
again as if it had not been.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.core.actions.action import Action, ActionExecutionRejection, RemoteAction
from rasa.core.agent import Agent
from rasa.core.processor import MessageProcessor


class StuckError(RuntimeError):
    """The rules never came to rest on this message."""


class _Watched:
    """An action that remembers what it raised."""

    def __init__(self, action: Action) -> None:
        self._action = action
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._action, name)

    async def run(self, *args: Any) -> Any:
        try:
            return await self._action.run(*args)
        except ActionExecutionRejection:
            raise  # how a form says that the message is no answer
        except Exception as error:
            self.error = error
            return []


class StrictProcessor(MessageProcessor):  # type: ignore[misc]
    """Raises what an action raised."""

    async def _run_action(self, action: Action, *args: Any, **kwargs: Any) -> bool:
        watched = _Watched(action)
        proceed = bool(await super()._run_action(watched, *args, **kwargs))
        if watched.error is not None:
            raise watched.error
        return proceed


class StrictAgent(Agent):  # type: ignore[misc]
    """An agent with a `StrictProcessor`."""

    def load_model(self, model_path: str | Path, fingerprint: str | None = None) -> None:
        """Load the model at `model_path`."""
        RemoteAction._validate_action_result = _is_action_result
        self.processor = StrictProcessor(
            model_path=model_path,
            tracker_store=self.tracker_store,
            lock_store=self.lock_store,
            action_endpoint=self.action_endpoint,
            generator=self.nlg,
            on_circuit_break=_give_up,
        )
        self.domain = self.processor.domain
        self._set_fingerprint(fingerprint)
        self.tracker_store.domain = self.domain


def _give_up(*_args: Any) -> None:
    raise StuckError("too many actions for one message; see the rules")


def _is_action_result(_action: RemoteAction, result: Any) -> bool:
    """Whether an action gave events and responses.

    Stands in for Rasa's check, which compiles and checks the same JSON schema on every call (45 ms of a turn
    of 60) to guard against a foreign server; here the result comes from rasa_sdk in this process.
    """
    if not all(isinstance(entry, dict) for part in ("events", "responses") for entry in result[part]):
        raise TypeError("an action must give lists of events and responses")
    return True
