from __future__ import annotations

import threading

from bot import urgency


def waits(at_most_s: float) -> bool:
    """Whether other work still waits after a moment."""
    other = threading.Thread(target=urgency.give_way, args=(at_most_s,), daemon=True)
    other.start()
    other.join(0.2)
    return other.is_alive()


def test_other_work_waits_until_the_last_urgent_thing_is_done() -> None:
    with urgency.urgently():
        with urgency.urgently():
            assert urgency.is_urgent()
            assert waits(5)
        assert waits(5), "one of two is still under way"
    assert not urgency.is_urgent()
    assert not waits(5)


def test_nobody_gives_way_for_ever() -> None:
    with urgency.urgently():
        assert not waits(0.01)


def test_an_urgent_thing_that_fails_holds_nobody_up() -> None:
    try:
        with urgency.urgently():
            raise RuntimeError("the carrier is away")
    except RuntimeError:
        pass
    assert not waits(5)


def test_urgency_is_a_thread_s_own() -> None:
    seen: list[bool] = []
    with urgency.urgently():
        other = threading.Thread(target=lambda: seen.append(urgency.is_urgent()))
        other.start()
        other.join()
    assert seen == [False]
