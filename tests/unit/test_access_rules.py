"""Passwords, one-time codes and lock-out as rules, without a record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from bot.access import lockout
from bot.access.cli import _opening_hours
from bot.access.factors import STEP_S, address_for_app, matching_step, qr_svg
from bot.access.lockout import FREE, WAITS_MIN, wait_after
from bot.access.models import TotpKey
from bot.access.password_rules import problem_with
from bot.access.staffing import e164
from bot.console.sessions import device_of
from bot.settings import Settings

NOW = datetime(2026, 11, 27, 12, 0, 10, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP = int(NOW.timestamp()) // STEP_S


@pytest.mark.parametrize(
    "password",
    [
        "stapler ocean velvet nine",
        "Zw8#kk2pLq!v",
        "garza azul mesa lenta",
        "correct-battery-horse",
        "ñandú veloz 47 sur",
    ],
)
def test_words_that_do_not_belong_together_are_taken(password: str) -> None:
    assert problem_with(password, email="rae@clinic.example", name="Rae Sample") is None


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "short"),
        ("elevenchars", "short"),
        ("x" * 201, "long"),
        ("rae@clinic.example", "email"),
        ("my rae@CLINIC.example 1", "email"),
        ("example-nurse-77", "email"),
        ("Sample is my name", "name"),
        ("password1234", "common"),
        ("P@ssw0rd2026!", "common"),
        ("qwertyqwerty", "common"),
        ("Contraseña123", "common"),
        ("ClinicWinter2026", "common"),
        ("123456789012", "common"),
        ("abcdefghijkl", "common"),
        ("aaaaaaaaaaaa", "common"),
        ("abababababab", "common"),
    ],
)
def test_what_is_guessed_first_is_refused_and_says_why(password: str, problem: str) -> None:
    email = "example-nurse@clinic.example" if password == "example-nurse-77" else "rae@clinic.example"
    if password.startswith(("rae", "my rae")):
        assert problem_with(password, email=email, name="") == problem
    else:
        assert problem_with(password, email=email, name="Rae Sample") == problem


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_may_be_one_step_off(steps: int, taken: bool) -> None:
    code = pyotp.TOTP(SECRET).generate_otp(STEP + steps)
    assert (matching_step(SECRET, code, NOW, None) == STEP + steps) is taken


def test_a_used_code_and_those_before_it_are_worthless() -> None:
    totp = pyotp.TOTP(SECRET)
    assert matching_step(SECRET, totp.generate_otp(STEP), NOW, STEP) is None
    assert matching_step(SECRET, totp.generate_otp(STEP - 1), NOW, STEP) is None
    assert matching_step(SECRET, totp.generate_otp(STEP + 1), NOW, STEP) == STEP + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "０１２３４５"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(SECRET, code, NOW, None) is None


def test_a_code_may_be_typed_with_a_space() -> None:
    code = pyotp.TOTP(SECRET).generate_otp(STEP)
    assert matching_step(SECRET, f" {code[:3]} {code[3:]} ", NOW, None) == STEP


def test_apps_read_the_same_key_that_codes_are_checked_with() -> None:
    address = address_for_app(TotpKey(secret=SECRET), "rae@clinic.example")
    read = pyotp.parse_uri(address)
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.interval, read.digits, read.issuer) == (SECRET, STEP_S, 6, "Afterglow")


def test_the_qr_code_is_one_svg_element_with_a_title() -> None:
    svg = qr_svg("otpauth://totp/x", "Code <for> the app")
    assert svg.startswith("<svg")
    assert "<title>Code &lt;for&gt; the app</title>" in svg
    assert "style=" not in svg, "the console's policy allows no inline styles"


def test_the_wait_grows_and_is_never_longer_than_a_quarter_of_an_hour() -> None:
    assert [wait_after(count) for count in range(FREE)] == [timedelta()] * FREE
    waits = [wait_after(FREE + more) for more in range(10)]
    assert waits[: len(WAITS_MIN)] == [timedelta(minutes=minutes) for minutes in WAITS_MIN]
    assert waits == sorted(waits)
    assert max(waits) == timedelta(minutes=15)


def test_only_the_mark_of_this_account_makes_a_browser_known(settings: Settings) -> None:
    mine, other = lockout.device_mark("a@x.example"), lockout.device_mark("b@x.example")
    assert lockout.key_of("a@x.example", mine) != lockout.key_of("a@x.example")
    assert lockout.key_of("a@x.example", other) == lockout.key_of("a@x.example")
    assert lockout.key_of("a@x.example") != lockout.key_of("b@x.example")


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("+34 915 55 01 00", "US", "+34915550100"),
        ("(555) 010-0123", "US", "+15550100123"),
        ("12", "US", None),
        ("call me", "US", None),
    ],
)
def test_a_phone_number_is_kept_with_its_country_code(typed: str, country: str, number: str | None) -> None:
    assert e164(typed, country) == number


def test_opening_hours_are_read_by_weekday_and_refused_with_an_example() -> None:
    problems: list[str] = []
    read = _opening_hours(["mon-fri 09:00-13:00", "Mon 15:00-18:00", "sat 10:00-12:00"], problems)
    assert problems == []
    assert read["mon"] == [["09:00", "13:00"], ["15:00", "18:00"]]
    assert sorted(read) == ["fri", "mon", "sat", "thu", "tue", "wed"]
    for wrong in ("weekdays 9-5", "mon 18:00-09:00", "xyz 09:00-10:00", "fri-mon 09:00-10:00", ""):
        found: list[str] = []
        assert _opening_hours([wrong], found) == {}
        assert "mon-fri 09:00-18:00" in found[0]


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
            "Chrome, Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18 Safari/604.1",
            "Safari, iPhone",
        ),
        ("curl/8", ""),
    ],
)
def test_a_browser_is_named_as_people_know_it(agent: str, device: str) -> None:
    assert device_of(agent) == device
