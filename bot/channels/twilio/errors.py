"""Twilio's error codes: which are worth another try, and what they mean for staff.

The same numbers come in an API answer and in a status callback's `ErrorCode`. Twilio's own texts are not
passed on: they quote phone numbers.
"""

from __future__ import annotations

from bot.channels.base import CarrierError

OPTED_OUT = "21610"

#: This recipient, or this text, will be refused again.
_PERMANENT = {
    "21211": "the number is not valid",
    "21602": "the text is empty",
    "21604": "the recipient is missing",
    OPTED_OUT: "the recipient has opted out",
    "21612": "the number cannot be reached from this sender",
    "21614": "the number is not a mobile phone",
    "21617": "the text is too long",
    "21635": "the number is a landline",
    "30004": "the recipient blocks texts",
    "30005": "the number is not in use",
    "30006": "the number is a landline, or its carrier cannot be reached",
    "30007": "the phone company filtered the text",
}

#: Passing trouble, or a fault of the clinic's account that can be put right while the message waits.
_TEMPORARY = {
    "20003": "the account's credentials are refused; check AFTERGLOW_TWILIO_ACCOUNT_SID and _AUTH_TOKEN",
    "20429": "too many requests at once",
    "21212": "the clinic's number is not valid as a sender",
    "21210": "the clinic's number cannot make calls from this account",
    "21215": "the account may not call this country; allow it in Twilio's voice permissions",
    "21219": "a trial account may call verified numbers only",
    "21408": "the account may not text this country; allow it in Twilio's messaging permissions",
    "21603": "there is no sender",
    "21606": "the clinic's number cannot send texts from this account",
    "21608": "a trial account may text verified numbers only",
    "21611": "the sender's queue is full",
    "21659": "the clinic's number does not belong to this account",
    "21660": "the clinic's number belongs to another account",
    "30001": "Twilio's queue is full",
    "30002": "the account is suspended",
    "30003": "the phone is off or out of reach",
    "30008": "the phone company gave no reason",
}

_MEANING = _PERMANENT | _TEMPORARY


def is_permanent(code: str, http_status: int | None = None) -> bool:
    """Whether trying again is pointless.

    A code that is not listed: an API answer 400 is (the same request is refused again); all else is not.
    """
    if code in _MEANING:
        return code in _PERMANENT
    return http_status == 400


def meaning(code: str) -> str:
    """What `code` means, in a few words for staff; names no person and no number."""
    return _MEANING.get(code, "no further reason")


def refusal(http_status: int, code: object, what: str = "text") -> CarrierError:
    """The error to raise for an API answer `http_status` with Twilio's `code` (None: it gave none)."""
    number = str(code or http_status)
    text = f"Twilio refused the {what}: {meaning(number)} (error {number}, HTTP {http_status})"
    return CarrierError(text, code=number, permanent=is_permanent(number, http_status))
