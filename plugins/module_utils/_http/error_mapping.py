# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which error an HTTP status and the service's text stand for; the same for OData and ARM."""

from __future__ import annotations

import typing as t

from .._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    Locked,
    NotFound,
    Refused,
    ResponseLost,
    SignInRefused,
    Unavailable,
)
from .._core.formatting import format_value, one_line
from .._core.times import show_seconds
from .response import Response

MEND = "Mend what the service names, then run the task again."
RIGHT = "Ask for the right that it names."
_OF_ANOTHER_TENANT = ("InvalidAuthenticationTokenTenant", "InvalidAuthenticationTokenAudience")
"""What Azure Resource Manager answers (401) to a token of another tenant or cloud."""
_TENANT = (
    "The token is of another tenant or cloud than the subscription: check tenant, subscription_id and "
    "cloud_environment, or the account that az or access_token is for."
)


def error_from(
    response: Response,
    said: str,
    *,
    context: str,
    locked: bool = False,
    sign_in: str = "",
    details: dict[str, t.Any] | None = None,
) -> CheckpointError:
    """The error for a response that is not a success. `said` is the service's text, `sign_in` who signed in and how.

    `details` is the service's complete error where it has a structure.
    """
    said = one_line(said).rstrip(".")
    said = f": {said}" if said else ""
    kind, message, remedy = _meaning(response, said, context, locked, sign_in, named=details is not None)
    problem = response.error(kind, message, remedy, details=details)
    problem.context = context
    if isinstance(problem, Locked):
        problem.retry_after = response.retry_after
    return problem


def inner_words(inner: object, depth: int = 0) -> str:
    """What an inner error says, with those inside it: often the reason, where the outer one is generic.

    Its members are those of OData (`message`, `internalexception`) and of Azure Compute (`errordetail`); a stack trace
    is not for users.
    """
    if depth > 5:
        return ""
    if isinstance(inner, str):
        return inner
    if not isinstance(inner, dict):
        return ""
    words = []
    for name, value in inner.items():
        if name.lower() in ("message", "errordetail"):
            words.append(format_value(value.get("value") if isinstance(value, dict) else value).strip())
        elif name.lower() in ("innererror", "internalexception", "innerexception"):
            words.append(inner_words(value, depth + 1))
    return one_line("; ".join(dict.fromkeys(filter(None, words))), 600)


def leaves_open(status: int) -> bool:
    """Whether this status of a write's answer does not say if the write took effect.

    A redirect is what some proxies and old services answer once they have done it.
    """
    return status == 408 or server_failed(status) or 300 <= status < 400


def server_failed(status: int) -> bool:
    """Whether a server, or what stands before it, has failed at a request, so that the next one may be served.

    501 and 505 are about the request itself: no other one is served.
    """
    return 500 <= status < 600 and status not in (501, 505)


def error_after_write(problem: CheckpointError) -> CheckpointError:
    """A write whose answer leaves its effect open: a lock changed nothing; of any other only reading can tell."""
    if isinstance(problem, Locked):
        return problem
    lost = ResponseLost(problem.message)
    vars(lost).update(vars(problem), remedy="")
    return lost


def error_of_reading(problem: CheckpointError) -> CheckpointError:
    """A lock that is answered to a reading is none of the write behind which it is read: the reading failed."""
    if not isinstance(problem, Locked):
        return problem
    unread = Unavailable(problem.message)
    vars(unread).update(vars(problem))
    return unread


def _meaning(
    response: Response, said: str, context: str, locked: bool, sign_in: str, *, named: bool
) -> tuple[type[CheckpointError], str, str]:
    status = response.status
    if locked:
        return Locked, f"{context}: locked by another job{said}.", "Try again when that job has ended."
    if status == 401:
        offered = list(_offered(response))
        how = f" for {sign_in}" if sign_in else ""
        return (
            SignInRefused,
            f"sign-in refused (401){how}{said}. The server offers {', '.join(offered) or 'nothing'}.",
            _way_in(sign_in, offered, said),
        )
    if status == 403:
        return (
            Forbidden,
            f"{context}: forbidden (403){said}.",
            RIGHT if named else f"{RIGHT.rstrip('.')}, or to manage checkpoints of this VM.",
        )
    if status == 404:
        return (
            NotFound,
            f"{context}: not found (404){said}.",
            "Check that it still exists and that this user may see it.",
        )
    if status in (405, 501):
        return (
            Refused,
            f"{context}: the service does not know this kind of request ({status}){said}.",
            "Check the URL and the API version.",
        )
    if status in (408, 429) or status >= 500:
        wait = f"; it asks to wait {show_seconds(response.retry_after)}" if response.retry_after else ""
        return Unavailable, f"{context}: the service failed ({status}){said}.", f"Try again later{wait}."
    if status >= 400:
        remedy = "Have the lock removed for the time of the task." if "scopelocked" in said.lower() else MEND
        return Refused, f"{context}: refused ({status}){said}.", remedy
    if status >= 300:
        return (
            BadResponse,
            f"{context}: answered with a redirect ({status}), which is not followed.",
            "Use the final URL.",
        )
    return BadResponse, f"{context}: an unexpected answer ({status}).", ""


def _way_in(sign_in: str, offered: t.Sequence[str], said: str) -> str:
    """What to do after a 401: where the server does not support the scheme that was tried, no password helps."""
    if any(code in said for code in _OF_ANOTHER_TENANT):
        return _TENANT
    tried = sign_in.rpartition(" with ")[2].lower()
    schemes = [scheme.lower() for scheme in offered]
    if tried == "basic" and schemes and tried not in schemes:
        return (
            "The server does not take basic: enable it there, or set spf_auth to auto, which takes the strongest way "
            "that it offers."
        )
    if sign_in.startswith("the token given as spf_") and schemes and "bearer" not in schemes:
        return (
            f"Check {sign_in}. The server does not offer bearer, so that it may take no token at all: then give "
            "spf_username and spf_password."
        )
    if tried == "basic":
        return "It was tried once. Check spf_username and spf_password, and that the account is in SPF's group SPF_VMM."
    if tried.startswith("the certificate"):
        return (
            f"Check that {sign_in} is valid, and mapped to an account of SPF or uploaded to the subscription. If the "
            "server wants a user too, name that way by spf_auth."
        )
    if tried in ("ntlm", "kerberos"):
        return (
            "It was tried once. Check spf_username with its password, keytab or ticket, and that the account is in "
            "SPF's group SPF_VMM. Where the server demands channel bindings (EPA), spf_channel_bindings must be auto, "
            "and nothing may end TLS in between."
        )
    return f"Check {sign_in or 'the credentials'}: it may be wrong, for another service, or have expired."


def _offered(response: Response) -> t.Iterator[str]:
    """The schemes of WWW-Authenticate; IIS sends one header for each."""
    for header in response.headers.get_list("www-authenticate"):
        yield one_line(one_line(str(header)).partition(" ")[0].rstrip(","), 40)
