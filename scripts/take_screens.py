"""Take the pictures of an emergency in docs/screens anew: the demo is served over a record of its own, a
patient texts, a nurse takes the alert and closes it, on a desk and on a phone, in English and in Spanish.

    python scripts/take_screens.py
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SCREENS = ROOT / "docs" / "screens"
NURSE, PASSWORD = "nurse@demo.example", "demo-afterglow"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@dataclass(frozen=True)
class Run:
    """One emergency: who writes what, and on which screen and in which language it is dealt with."""

    name: str
    screen: dict[str, int]
    language: str
    patient: str
    words: str
    note: str


PAT, ANA = "+15550100112", "+15550100111"
EYE, OJO = "my left eye has gone blurry since the treatment", "veo borroso con el ojo izquierdo"
SENT, ENVIADA = "Spoke to the patient, on the way to hospital", "He hablado con la paciente, va al hospital"
RUNS = (
    Run("desktop-en", DESK, "en", PAT, EYE, SENT),
    Run("phone-en", PHONE, "en", PAT, EYE, SENT),
    Run("desktop-es", DESK, "es", ANA, OJO, ENVIADA),
    Run("phone-es", PHONE, "es", ANA, OJO, ENVIADA),
)


def main() -> int:
    """Serve, play every run, write the pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("No chromium on the PATH; run scripts/ensure-chromium first.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        port = _free_port()
        server = _serve(Path(folder), port)
        try:
            _wait(f"http://127.0.0.1:{port}/readyz", server)
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for run in RUNS:
                _speak(Path(folder), run.language)
                page = browser.new_context(viewport=run.screen, locale=run.language).new_page()
                _play(page, f"http://127.0.0.1:{port}", run)
                print(f"t0-*-{run.name}.png")
            browser.close()
        finally:
            server.terminate()
            server.wait()
    return 0


def _play(page: Page, site: str, run: Run) -> None:
    """A text arrives; a nurse signs in, takes the alert and closes it."""
    page.request.post(f"{site}/demo/phones/{run.patient}/texts", data={"body": run.words})
    page.goto(f"{site}/console/sign-in")
    page.fill("#email", NURSE)
    page.fill("#password", PASSWORD)
    page.click("main button.primary")
    page.goto(f"{site}/console")
    page.wait_for_selector("a[href*='/console/alerts/']")
    _shoot(page, f"t0-1-queue-{run.name}")
    page.goto(site + str(page.locator("a[href*='/console/alerts/']").first.get_attribute("href")))
    _shoot(page, f"t0-2-alert-{run.name}")
    page.locator("form[action$='/acknowledge'] button").first.click()
    page.wait_for_selector(".holder.acknowledged")
    page.check("input[name=outcome][value=sent_to_emergency]")
    page.fill("#close_note", run.note)
    page.locator("form[action$='/close'] button.primary").click()
    page.wait_for_selector(".holder.closed")
    _shoot(page, f"t0-3-closed-{run.name}")


def _shoot(page: Page, name: str) -> None:
    page.wait_for_timeout(300)  # fonts and the live parts
    with Image.open(BytesIO(page.screenshot())) as taken:  # 128 colours: a third of the size, and looks alike
        taken.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
            SCREENS / f"{name}.png", optimize=True
        )


def _serve(folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("afterglow")), "serve", "--demo", "--port", str(port)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"AFTERGLOW_VAR_DIR": str(folder)})


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise SystemExit("the demo did not start")


def _speak(folder: Path, language: str) -> None:
    """The nurse reads the console in `language`."""
    with sqlite3.connect(folder / "afterglow.db") as record:
        record.execute("UPDATE staff SET language = ? WHERE email = ?", (language, NURSE))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main())
