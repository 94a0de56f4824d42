"""Custom actions run in this process: no second server to be down, unauthenticated or slow.

The actions package is found by its name, so that the dialogue never imports it.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor

#: Actions wait for the database; this many patients' actions may wait at a time.
WORKERS = 8


class InProcessActions(EndpointConfig):  # type: ignore[misc]
    """An action endpoint whose request is a function call.

    Actions run in a thread of their own, so that one that waits for the database holds up nobody else's
    turn, and the turn's time limit still counts.
    """

    def __init__(self, package: str = "actions") -> None:
        # The actions never read the domain; leaving it out saves serialising it on every call.
        super().__init__(url="in-process", enable_selective_domain=True)
        self._executor = ActionExecutor()
        self._executor.register_package(package)
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="action")

    async def request(self, *_args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Run the action that `kwargs["json"]` asks for. What the action raises is raised here."""
        call = kwargs["json"]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: asyncio.run(self._executor.run(call)))

    def close(self) -> None:
        """Let running actions finish and take no more."""
        self._threads.shutdown(wait=True)
