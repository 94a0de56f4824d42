"""The one place for settings: environment variables (prefix `AFTERGLOW_`) or a `.env` file.

`DATABASE_URL` is read without the prefix, as hosting platforms set it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """What an installation can choose. Every field has a default that works on a laptop, offline."""

    model_config = SettingsConfigDict(
        env_prefix="AFTERGLOW_", env_file=".env", extra="ignore", populate_by_name=True
    )

    #: Folder for databases, keys and spooled messages; nothing in it belongs in git.
    var_dir: Path = ROOT / "var"
    #: SQLAlchemy URL of the record. SQLite in `var_dir` unless set.
    database_url: str | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "AFTERGLOW_DATABASE_URL")
    )
    host: str = "127.0.0.1"
    port: int = 8000
    #: Where the world reaches us, e.g. https://desk.clinic.example . Links and Twilio's signature use it;
    #: it is never derived from a request, because proxies change what a request says.
    public_url: str = "http://127.0.0.1:8000"
    #: Demo: seeds a fictional clinic, serves the phone simulator, lets the clock be moved.
    demo: bool = False
    #: Names this process among several on one PostgreSQL; work that it was doing when it died is taken up by
    #: the next process of the same name.
    process_name: str = "afterglow-1"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    #: Transactions that write to PostgreSQL at once; unset: 1 if its server is on this machine, otherwise 4.
    database_writers: int | None = Field(default=None, ge=1)
    #: Signs web-widget tokens; made and kept in `var_dir/secret` when unset.
    secret_key: SecretStr | None = None

    #: `simulator` keeps everything on this machine; `twilio` sends for real.
    carrier: Literal["simulator", "twilio"] = "simulator"
    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    #: A second token is accepted while keys are rotated.
    twilio_auth_token_secondary: SecretStr | None = None
    twilio_messaging_service_sid: str | None = None
    #: Other base URL for Twilio's API (a proxy, or a test double).
    twilio_api_base: str | None = None
    #: Messages a second handed to the carrier (US long codes: 1; short codes: 100).
    carrier_rate_per_s: float = 20.0

    #: Mail server for pages by e-mail; none unless host and sender are set.
    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_security: Literal["starttls", "ssl", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    #: The sender, e.g. "Afterglow <desk@clinic.example>".
    smtp_from: str | None = None

    #: Seconds between the auditor's looks for work left undone; 0 switches it off in this process.
    auditor_interval_s: float = 60
    #: Called with GET after each good look, so that somebody else notices when the calls stop.
    heartbeat_url: SecretStr | None = None

    #: Minutes in which an alert of that tier must be acknowledged before the next person is paged
    #: (clinical.md tiers: T0 5 min, T1 15 min, T2 4 h).
    ack_minutes_t0: float = 5
    ack_minutes_t1: float = 15
    ack_minutes_t2: float = 240
    #: Minutes between reminders once acknowledged, until closed.
    remind_minutes_t0: float = 30
    remind_minutes_t1: float = 60
    remind_minutes_t2: float = 240

    #: Minutes from an alert to its close that the queue counts down to (clinical.md tiers: seen or sent to
    #: emergency care within the hour; T2 the same day).
    close_minutes_t0: float = 60
    close_minutes_t1: float = 60
    close_minutes_t2: float = 1440

    #: Minutes a patient may wait for whoever holds the conversation before others get a task, and minutes
    #: without anything from the holder before the bot answers again.
    takeover_reply_minutes: float = Field(default=10, gt=0)
    takeover_idle_minutes: float = Field(default=30, gt=0)

    #: Hours without an answer before the one reminder, and then before the staff task.
    checkin_reminder_hours: float = 4
    checkin_task_hours: float = 20
    #: Minutes over which check-ins of one hour are spread, so that a thousand do not go out in one second.
    checkin_spread_minutes: int = 20
    #: Patients are texted only between these local hours unless it is an answer or an alert.
    quiet_end_hour: int = 9
    quiet_start_hour: int = 20

    #: Folder with triage rules of the clinic's own; the shipped ones unless set. A file with an error is
    #: refused, and the last good rules stay in force.
    triage_rules_dir: Path | None = None
    #: Folder with texts of the clinic's own, laid out like `bot/protocols/content`; the shipped unless set.
    #: A file with a fault is refused, and the last good texts stay in force.
    content_dir: Path | None = None

    #: Seconds a dialogue turn may take before the scripted fallback answers.
    turn_timeout_s: float = 10
    #: A console sign-in ends after so many hours, and earlier when no page was asked for in so many minutes
    #: (a page that refreshes itself does not count).
    session_hours: float = 12
    session_idle_minutes: float = 120

    #: OpenID Connect: staff may sign in with the clinic's own provider. All three are needed.
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    #: What the button says, e.g. "Sign in with Example ID".
    oidc_button: str = "Single sign-on"

    @property
    def database(self) -> str:
        """The record's SQLAlchemy URL; `postgresql://` is read as psycopg 3."""
        url = self.database_url or f"sqlite:///{self.var_dir / 'afterglow.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url.removeprefix(prefix)
        return url

    @property
    def workflow_database(self) -> str:
        """Where durable workflows live: beside the SQLite record, or in the same PostgreSQL."""
        if self.database.startswith("sqlite"):
            return f"sqlite:///{self.var_dir / 'workflows.db'}"
        return self.database

    @property
    def tracker_database(self) -> str:
        """Where Rasa's trackers live. A cache: the record is our own tables."""
        if self.database.startswith("sqlite"):
            return f"sqlite:///{self.var_dir / 'trackers.db'}"
        return self.database


@lru_cache
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()


def use_settings(settings: Settings) -> None:
    """Replace this process's settings (tests and `simulate`, which run on a database of their own)."""
    global get_settings

    @lru_cache
    def replaced() -> Settings:
        return settings

    get_settings = replaced
