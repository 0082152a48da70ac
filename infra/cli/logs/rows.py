"""A log line as a row of a table: its time, what happened in words, and whom it concerns."""

from datetime import UTC, datetime
from typing import Any

from infra.stage.logs.reading import LogLine

COLUMNS = ("time", "event", "what happened", "client", "user", "ip", "ms")
# The log codes of docs/use/http.md, as short as a column is.
WORDS = {
    "sepft": "login",
    "sertft": "refresh",
    "seccft": "token of a client",
    "seotpft": "login by an app's code",
    "seoobft": "login by a message's code",
    "sercft": "login by a recovery code",
    "srrt": "refresh token revoked",
    "mfar": "second factor owed",
    "gd_start_auth": "code asked for",
    "gd_start_enroll": "factor added",
    "gd_unenroll": "factor removed",
    "gd_otp_rate_limit_exceed": "too many codes",
    "gd_recovery_rate_limit_exceed": "too many recovery codes",
    "gd_recovery_failed": "wrong recovery code",
    "fp": "wrong password",
    "fu": "no such user",
    "limit_wc": "account blocked",
    "limit_mu": "address throttled",
    "ss": "signed up",
    "fs": "sign-up failed",
    "scpr": "reset asked for",
    "fcpr": "reset not asked for",
    "scp": "password reset",
    "fcp": "reset failed",
    "sv": "email verified",
    "fv": "verification failed",
    "svr": "verification asked for",
    "fvr": "verification not asked for",
    "ublkdu": "unblocked by a link",
    "pwd_leak": "breached password",
    "fn": "email not sent",
    "gd_send_sms_failure": "text message not sent",
    "ferrt": "refresh token used again",
    "fepft": "login failed",
    "fertft": "refresh failed",
    "feccft": "token of a client failed",
    "feotpft": "login by an app's code failed",
    "feoobft": "login by a message's code failed",
    "fercft": "login by a recovery code failed",
    "f": "request refused",
    "sapi": "changed by the Management API",
    "fapi": "refused by the Management API",
    "api_limit": "too many requests of a client",
}


def row_of(line: LogLine) -> tuple[str, ...]:
    """Return the cells of a line."""
    members = line.members
    at = datetime.fromtimestamp(line.at_ms / 1000, UTC).strftime("%m-%d %H:%M:%S")
    names = ("client_id", "user", "source_ip", "ms")
    return at, str(members.get("event", "")), what_happened(members), *(str(members.get(name, "")) for name in names)


def what_happened(members: dict[str, Any]) -> str:
    """Return a line's outcome in words. A line of the audit log has who did what in place of a code."""
    if "who" in members:
        return f"{members['what']} by {members['who']}: {members.get('result', 'begins')}"
    words = WORDS.get(members.get("event", ""), members.get("path", ""))
    why = members.get("reason") or members.get("action") or members.get("error") or ""
    return f"{words}: {why}" if words and why else words or why
