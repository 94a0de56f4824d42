"""One's own account: password, second factors, and where one is signed in."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot import settings as app_settings
from bot.access import factors, lockout, passkeys, staffing
from bot.access.door import door
from bot.access.models import Passkey
from bot.access.password_rules import SHORTEST
from bot.access.permissions import Permission
from bot.audit import trail
from bot.clinic.models import Staff, StaffSession
from bot.clinic.passwords import verify_password
from bot.console import pages, sessions
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.db.engine import reading, transaction

router = APIRouter(route_class=ConsoleRoute)

DID = ("password", "totp", "totp_off", "passkey", "passkey_off", "revoked", "elsewhere", "needed")
MINE = Permission.OWN_ACCOUNT


@router.get("/account")
@door("", MINE)
def account_page(request: Request, who: SignedIn, did: str = "") -> Response:
    """Everything about one's own sign-in."""
    return _page(request, who, did=did if did in DID else "")


@router.post("/account/password")
@door("account.password", MINE)
def change_password(request: Request, who: SignedIn, form: Posted) -> Response:
    """Choose a new password. All other sessions end."""
    now_given, fresh, again = (_secret(form, name) for name in ("current", "password", "again"))
    with transaction() as session:
        staff = session.get_one(Staff, who.staff_id)
        problem = _own_password_problem(session, staff, now_given)
        if problem is None:
            if fresh != again:
                problem = "differs"
            elif fresh == now_given:
                problem = "same"
            else:
                problem = staffing.set_password(staff, fresh)
        if problem is None:
            sessions.close_all(session, staff.id, but=who.session_id)
    if problem is not None:
        return _page(request, who, problem=f"password.{problem}", status=422)
    return _back("password")


@router.get("/account/totp")
@door("", MINE)
def totp_page(request: Request, who: SignedIn) -> Response:
    """The key for an authenticator app, as a QR code and in text."""
    return _totp_page(request, who)


@router.post("/account/totp")
@door("account.totp_on", MINE)
def confirm_totp(request: Request, who: SignedIn, form: Posted) -> Response:
    """Switch the app on once its first code is right; recovery codes come with it."""
    with transaction() as session:
        staff = session.get_one(Staff, who.staff_id)
        key = factors.totp_of(session, staff.id)
        if key is None or key.confirmed_at is not None:
            return RedirectResponse("/console/account", 303)
        right = factors.use_totp(session, key, pages.text(form, "code", 20), sessions.real_now())
        if right:
            codes = factors.new_recovery_codes(session, staff)
            _strengthened(session, who, "totp")
    if not right:
        return _totp_page(request, who, problem="sign_in.code_wrong")
    return pages.render(request, "recovery_codes.html", who, codes=codes)


@router.post("/account/totp/remove")
@door("account.totp_off", MINE)
def remove_totp(request: Request, who: SignedIn, form: Posted) -> Response:
    """Switch the app off; the password is asked for again."""
    with transaction() as session:
        staff = session.get_one(Staff, who.staff_id)
        problem = _own_password_problem(session, staff, _secret(form, "current"))
        if problem is None:
            factors.drop_totp(session, staff.id)
            factors.drop_codes_without_factor(session, staff.id)
    if problem is not None:
        return _page(request, who, problem=f"password.{problem}", status=422)
    return _back("totp_off")


@router.post("/account/recovery-codes")
@door("account.recovery_codes", MINE)
def fresh_codes(request: Request, who: SignedIn, form: Posted) -> Response:
    """Ten new recovery codes, shown this once; the password is asked for again."""
    with transaction() as session:
        staff = session.get_one(Staff, who.staff_id)
        problem = _own_password_problem(session, staff, _secret(form, "current"))
        codes = factors.new_recovery_codes(session, staff) if problem is None else []
    if problem is not None:
        return _page(request, who, problem=f"password.{problem}", status=422)
    return pages.render(request, "recovery_codes.html", who, codes=codes)


@router.post("/account/passkeys/options")
@door("", MINE)
def passkey_options(who: SignedIn, _form: Posted) -> Response:
    """What the browser needs to make a passkey, as JSON."""
    with transaction() as session:
        options, challenge = passkeys.to_register(session, session.get_one(Staff, who.staff_id))
        session.get_one(StaffSession, who.session_id).challenge = challenge
    return Response(options, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post("/account/passkeys")
@door("account.passkey_on", MINE)
def add_passkey(who: SignedIn, form: Posted) -> Response:
    """Keep the passkey that the browser made. JSON: where to go on, or what went wrong."""
    with transaction() as session:
        mine = session.get_one(StaffSession, who.session_id, with_for_update=True)
        challenge, mine.challenge = mine.challenge, None  # each is good for one answer
        given = form.get("credential")
        try:
            if challenge is None or not isinstance(given, str):
                raise passkeys.PasskeyRefused("no challenge was asked for")
            staff = session.get_one(Staff, who.staff_id)
            passkeys.register(session, staff, given[:50_000], challenge, pages.text(form, "name", 60))
        except passkeys.PasskeyRefused as problem:
            _noted("refused", str(problem))
            return JSONResponse({"problem": "refused"}, 422)
        _strengthened(session, who, "passkey")
    return JSONResponse({"to": "/console/account?did=passkey"})


@router.post("/account/passkeys/{passkey_id}/remove")
@door("account.passkey_off", MINE)
def remove_passkey(request: Request, who: SignedIn, form: Posted, passkey_id: str) -> Response:
    """Forget one of one's own passkeys; the password is asked for again."""
    with transaction() as session:
        staff = session.get_one(Staff, who.staff_id)
        passkey = session.get(Passkey, passkey_id)
        if passkey is None or passkey.staff_id != who.staff_id:
            raise NotThere
        problem = _own_password_problem(session, staff, _secret(form, "current"))
        if problem is None:
            session.delete(passkey)
            session.flush()
            factors.drop_codes_without_factor(session, staff.id)
    if problem is not None:
        return _page(request, who, problem=f"password.{problem}", status=422)
    return _back("passkey_off")


@router.post("/account/sessions/{session_id}/end")
@door("account.end_session", MINE)
def end_session(who: SignedIn, _form: Posted, session_id: str) -> Response:
    """End one of one's own sessions."""
    with transaction() as session:
        row = session.get(StaffSession, session_id)
        if row is None or row.staff_id != who.staff_id:
            raise NotThere
        session.delete(row)
    return _back("revoked")


@router.post("/account/sign-out-everywhere")
@door("account.end_other_sessions", MINE)
def end_others(who: SignedIn, _form: Posted) -> Response:
    """End all of one's own sessions but this one."""
    with transaction() as session:
        sessions.close_all(session, who.staff_id, but=who.session_id)
    return _back("elsewhere")


def _page(request: Request, who: Visitor, *, did: str = "", problem: str = "", status: int = 200) -> Response:
    with reading() as session:
        staff = session.get_one(Staff, who.staff_id)
        return pages.render(
            request,
            "account.html",
            who,
            status=status,
            did=did,
            problem=problem,
            staff=staff,
            shortest=SHORTEST,
            kinds=factors.kinds_of(session, staff.id),
            codes_left=factors.codes_left(session, staff.id),
            passkeys=passkeys.of_staff(session, staff.id),
            sessions=sessions.of_staff(session, staff.id),
            idle_minutes=round(app_settings.get_settings().session_idle_minutes),
        )


def _totp_page(request: Request, who: Visitor, problem: str = "") -> Response:
    # the key waits to be confirmed: making it is no change of anything that counts
    with trail.unnoticed(), transaction() as session:
        staff = session.get_one(Staff, who.staff_id)
        key = factors.start_totp(session, staff)
        if key.confirmed_at is not None:
            return RedirectResponse("/console/account", 303)
        address = factors.address_for_app(key, staff.email)
        spaced = " ".join(key.secret[at : at + 4] for at in range(0, len(key.secret), 4))
    title = translator(who.language)("account.totp_qr")
    values: dict[str, Any] = {"qr": factors.qr_svg(address, title), "secret": spaced, "address": address}
    return pages.render(request, "totp.html", who, status=422 if problem else 200, problem=problem, **values)


def _own_password_problem(session: Session, staff: Staff, given: str) -> str | None:
    """Why the password given to prove oneself does not: wrong, or too many wrong ones lately."""
    key, now = lockout.key_of(f"own password {staff.id}"), sessions.real_now()
    if lockout.left(session, key, now):
        return "wait"
    if not verify_password(staff.password_hash, given):
        lockout.failed(session, key, now)
        _noted("refused", "own password")
        return "wrong"
    lockout.forget(session, key)
    return None


def _strengthened(session: Session, who: Visitor, method: str) -> None:
    """This session is one with a second factor from now on."""
    session.get_one(StaffSession, who.session_id).method = method


def _noted(outcome: str, why: str) -> None:
    act = trail.current()
    if act is not None:
        act.outcome, act.detail = outcome, act.detail | {"why": why[:120]}


def _secret(form: FormData, name: str) -> str:
    """A password as it was typed: spaces at its ends are part of it."""
    value = form.get(name)
    return value[:1000] if isinstance(value, str) else ""


def _back(did: str) -> Response:
    return RedirectResponse(f"/console/account?did={did}", 303)
