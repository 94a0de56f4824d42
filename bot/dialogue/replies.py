"""What one turn of the dialogue says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from rasa.core.channels.channel import OutputChannel


class DialogueError(Exception):
    """The turn failed or took too long: nothing of it was kept, and it may be tried again."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One text to the patient, and what is recorded with it.

    `question` is the id of the question it asks (`checkin.pain`, `symptom.where`, `dialogue.offer` ...), to
    be given back as metadata of the next message. `buttons` are for the web: `{"title", "payload"}`.
    `offered` are the topics behind the numbers of `dialogue.offer`.
    """

    text: str
    content_id: str
    content_version: int
    question: str | None = None
    buttons: list[dict[str, str]] = field(default_factory=list)
    offered: tuple[str, ...] = ()

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """The reply in a bot message: its event as Rasa stores it, or flat as it hands it to a channel."""
        metadata = message.get("metadata") or message
        data = message.get("data") or message
        return cls(
            text=message["text"],
            content_id=metadata["content_id"],
            content_version=metadata["content_version"],
            question=metadata.get("question"),
            buttons=list(data.get("buttons") or []),
            offered=tuple(metadata.get("offered") or ()),
        )


class ReplyChannel(OutputChannel):  # type: ignore[misc]
    """Collects what the bot says, whole: Rasa's own collecting channel splits texts at blank lines."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.replies: list[Reply] = []

    def name(self) -> str:
        """`sms` or `web`."""
        return self._name

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:  # noqa: ARG002
        """Take one bot message."""
        self.replies.append(Reply.of(message))
