"""What each role may do, as one table. Pages ask for a permission, never for a role."""

from __future__ import annotations

import enum

from bot.clinic.models import Role


class Permission(enum.StrEnum):
    """Something that a role may or may not do in the console."""

    VIEW_PATIENTS = "view_patients"  #: patients, their threads, their papers on the screen
    ENROL = "enrol"  #: enrol a patient, correct the record, change the plan of check-ins
    EXPORT = "export"  #: take papers or figures out of the desk
    VIEW_ALERTS = "view_alerts"
    HANDLE_ALERTS = "handle_alerts"  #: acknowledge and note: whoever is paged can take an alert
    CLOSE_ALERTS = "close_alerts"  #: say how it ended: a clinical judgement
    WRITE_TO_PATIENTS = "write_to_patients"  #: take over a conversation and reply in it
    JUDGE = "judge"  #: say whether triage was right about a message
    VIEW_FIGURES = "view_figures"
    WORK_TASKS = "work_tasks"
    TRY_TRIAGE = "try_triage"
    VIEW_WORDS = "view_words"
    PROPOSE_WORDS = "propose_words"
    APPROVE_WORDS = "approve_words"
    CHANGE_PROTOCOLS = "change_protocols"  #: when check-ins go out, and what they ask
    DRAFT_RECALLS = "draft_recalls"  #: and take a draft back
    APPROVE_RECALLS = "approve_recalls"
    MANAGE_STAFF = "manage_staff"
    MANAGE_SETTINGS = "manage_settings"
    VIEW_AUDIT = "view_audit"  #: who saw or changed what, of everybody
    MANAGE_ON_CALL = "manage_on_call"  #: rotas, closed days, the steps of an escalation
    OWN_ACCOUNT = "own_account"  #: one's own password, second factor and sessions


_EVERYBODY = frozenset(
    {
        Permission.VIEW_PATIENTS,
        Permission.ENROL,
        Permission.VIEW_ALERTS,
        Permission.HANDLE_ALERTS,
        Permission.WRITE_TO_PATIENTS,
        Permission.VIEW_FIGURES,
        Permission.WORK_TASKS,
        Permission.TRY_TRIAGE,
        Permission.VIEW_WORDS,
        Permission.OWN_ACCOUNT,
    }
)
_CLINICIAN = _EVERYBODY | {
    Permission.CLOSE_ALERTS,
    Permission.JUDGE,
    Permission.PROPOSE_WORDS,
    Permission.EXPORT,
    Permission.DRAFT_RECALLS,
}

TABLE: dict[Role, frozenset[Permission]] = {
    Role.FRONT_DESK: _EVERYBODY,
    Role.NURSE: _CLINICIAN,
    Role.INJECTOR: _CLINICIAN,
    Role.MEDICAL_DIRECTOR: _CLINICIAN
    | {
        Permission.APPROVE_WORDS,
        Permission.CHANGE_PROTOCOLS,
        Permission.APPROVE_RECALLS,
        Permission.MANAGE_SETTINGS,
        Permission.VIEW_AUDIT,
        Permission.MANAGE_ON_CALL,
    },
    Role.ADMIN: _EVERYBODY
    | {
        Permission.PROPOSE_WORDS,
        Permission.EXPORT,
        Permission.DRAFT_RECALLS,
        Permission.APPROVE_RECALLS,
        Permission.MANAGE_STAFF,
        Permission.MANAGE_SETTINGS,
        Permission.VIEW_AUDIT,
        Permission.MANAGE_ON_CALL,
    },
}


def may(role: Role, permission: Permission) -> bool:
    """Whether somebody in `role` may do this."""
    return permission in TABLE[role]


def roles_with(permission: Permission) -> frozenset[Role]:
    """The roles that may do this."""
    return frozenset(role for role, allowed in TABLE.items() if permission in allowed)
