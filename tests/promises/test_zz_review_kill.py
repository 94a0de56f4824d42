from __future__ import annotations

import time

import pytest

from tests.promises.test_survives_a_kill import WHITE_LIP, Server, wait_for
from tests.support.desk import NURSE, PAT


@pytest.mark.parametrize("successor", ["afterglow-2"])
def test_a_process_that_never_comes_back_blocks_nobody(tmp_path, monkeypatch, successor):
    server = Server(tmp_path / "var")
    try:
        server.start("before-page")
        server.text(PAT, WHITE_LIP)
        wait_for(server.halted)
        server.kill()
        monkeypatch.setenv("AFTERGLOW_PROCESS_NAME", successor)
        server.start("never")
        time.sleep(3)
        import httpx

        for _ in range(3):
            print(
                httpx.post(
                    f"http://127.0.0.1:{server.port}/demo/clock", json={"step": "15-minutes"}
                ).status_code
            )
            time.sleep(2)
        time.sleep(4)
        print("pages stored", server.record("SELECT status, attempts FROM messages WHERE kind='page'"))
        print("nurse received", server.received(NURSE, "AFTERGLOW"))
        assert server.received(NURSE, "AFTERGLOW") >= 1
    finally:
        server.kill()
