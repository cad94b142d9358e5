# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a status and the service's words to the error it means."""

from __future__ import annotations

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Locked,
    ResponseLost,
    Unavailable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.error_mapping import (
    error_after_write,
    error_from,
    error_of_reading,
    inner_words,
    leaves_open,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import answer


def meant(status: int, said: str = "", *, locked: bool = False, **headers: str) -> CheckpointError:
    return error_from(answer(status, b"", **headers), said, context="reading vm web01", locked=locked, sign_in="svc")


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (200, "bad_answer", "reading vm web01: an unexpected answer (200)."),
        (301, "bad_answer", "reading vm web01: answered with a redirect (301), which is not followed."),
        (307, "bad_answer", "reading vm web01: answered with a redirect (307), which is not followed."),
        (400, "refused", "reading vm web01: refused (400): It says no."),
        (401, "sign_in_refused", "sign-in refused (401) for svc: It says no. The server offers nothing."),
        (403, "forbidden", "reading vm web01: forbidden (403): It says no."),
        (404, "not_found", "reading vm web01: not found (404): It says no."),
        (405, "refused", "reading vm web01: the service does not know this kind of request (405): It says no."),
        (501, "refused", "reading vm web01: the service does not know this kind of request (501): It says no."),
        (408, "unavailable", "reading vm web01: the service failed (408): It says no."),
        (409, "refused", "reading vm web01: refused (409): It says no."),
        (429, "unavailable", "reading vm web01: the service failed (429): It says no."),
        (500, "unavailable", "reading vm web01: the service failed (500): It says no."),
        (503, "unavailable", "reading vm web01: the service failed (503): It says no."),
    ],
)
def test_a_status_has_one_meaning(status: int, code: str, message: str) -> None:
    error = meant(status, "It says no.")
    assert (error.code, error.message, error.status, error.subject) == (code, message, status, "service")


@pytest.mark.parametrize(
    ("status", "said", "remedy"),
    [
        (400, "x", "Mend what the service names"),
        (404, "x", "Check that it still exists"),
        (405, "x", "Check the URL and the API version"),
        (409, "x", "Mend what the service names"),
        (409, "ScopeLocked: the scope is locked", "Have the lock removed"),
        (422, "", "Mend what the service names"),
    ],
)
def test_it_says_what_to_do(status: int, said: str, remedy: str) -> None:
    assert meant(status, said).remedy.startswith(remedy)


def test_a_service_that_says_nothing_is_not_quoted() -> None:
    assert meant(404).message == "reading vm web01: not found (404)."


def test_locked_goes_before_every_status() -> None:
    for status in (400, 409, 500):
        error = meant(status, "VMM error 2602", locked=True)
        assert isinstance(error, Locked)
        assert error.message == "reading vm web01: locked by another job: VMM error 2602."
        assert error.retry == "safe"


def test_a_401_lists_what_the_server_offers() -> None:
    headers = httpx.Headers([("www-authenticate", "Negotiate"), ("www-authenticate", 'Basic realm="x", charset=y')])
    error = error_from(Response(401, headers, b"", "spf"), "", context="reading", sign_in="svc with basic")
    assert error.message == "sign-in refused (401) for svc with basic. The server offers Negotiate, Basic."
    assert "spf_password" in error.remedy


def test_without_a_name_for_it_the_sign_in_is_just_that() -> None:
    assert error_from(answer(401), "", context="reading").message == "sign-in refused (401). The server offers nothing."


def test_the_service_s_words_come_on_one_line_and_without_signatures() -> None:
    error = meant(400, "see\r\nhttps://h/op?sig=s3cret\tfor \x1b[31mmore")
    assert error.message == "reading vm web01: refused (400): see https://h/op?… for [31mmore."


def test_the_request_is_named() -> None:
    error = meant(400, x_ms_request_id="r-1", x_ms_correlation_request_id="c-1")
    assert (error.request_id, error.correlation_id) == ("r-1", "c-1")


def test_a_write_that_ended_in_a_5xx_is_lost_unless_it_was_locked_out() -> None:
    problem = meant(503, "It says no.", x_ms_request_id="r-1", x_ms_correlation_request_id="c-1")
    assert isinstance(problem, Unavailable)
    unknown = error_after_write(problem)
    assert isinstance(unknown, ResponseLost)
    assert unknown.message == problem.message
    assert (unknown.status, unknown.request_id, unknown.correlation_id) == (503, "r-1", "c-1")
    assert unknown.retry == "after_reading"
    locked = meant(500, locked=True)
    assert error_after_write(locked) is locked


def test_a_challenge_that_echoes_a_secret_shows_not_even_its_first_word() -> None:
    redactor = Redactor()
    redactor.add("correct horse battery")
    with redactor.active():
        challenged = answer(401, b"", **{"www-authenticate": "correct horse battery realm=x"})
        text = str(error_from(challenged, "", context="reading"))
    assert f"The server offers {MASK}." in text


@pytest.mark.parametrize(
    ("offers", "says"),
    [
        (["Negotiate", "NTLM"], "The server does not take basic: enable it there, or set spf_auth"),
        (["Negotiate", 'Basic realm="spf"'], "It was tried once. Check spf_username and spf_password"),
        ([], "It was tried once. Check spf_username and spf_password"),
    ],
)
def test_where_the_server_does_not_take_what_was_tried_no_password_will_help(offers: list[str], says: str) -> None:
    headers = httpx.Headers([("WWW-Authenticate", offer) for offer in offers])
    problem = error_from(Response(401, headers, b"", "spf"), "", context="x", sign_in="svc with basic")
    assert says in problem.remedy


@pytest.mark.parametrize(
    ("offers", "says"),
    [
        (["Basic"], "The server does not offer bearer, so that it may take no token at all: then give spf_username"),
        (["Bearer realm=x"], "Check the token given as spf_token"),
        ([], "Check the token given as spf_token"),
    ],
)
def test_where_the_server_offers_no_bearer_another_token_may_not_help(offers: list[str], says: str) -> None:
    headers = httpx.Headers([("WWW-Authenticate", offer) for offer in offers])
    response = Response(401, headers, b"", "spf")
    assert says in error_from(response, "", context="x", sign_in="the token given as spf_token").remedy


@pytest.mark.parametrize("code", ["InvalidAuthenticationTokenTenant", "InvalidAuthenticationTokenAudience"])
def test_a_token_of_another_tenant_or_cloud_is_told_with_its_options(code: str) -> None:
    headers = httpx.Headers({"WWW-Authenticate": "Bearer"})
    problem = error_from(
        Response(401, headers, b"", "arm"), f"{code}: The access token.", context="x", sign_in="client c"
    )
    assert "check tenant, subscription_id and cloud_environment" in problem.remedy


def _nested(levels: int) -> dict[str, object]:
    inner: dict[str, object] = {"message": f"level {levels}"}
    for level in reversed(range(levels)):
        inner = {"message": f"level {level}", "innererror": inner}
    return inner


def test_six_levels_of_inner_errors_are_said() -> None:
    assert inner_words(_nested(5)) == "; ".join(f"level {level}" for level in range(6))
    assert inner_words(_nested(6)) == inner_words(_nested(5))


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        (None, ""),
        ({}, ""),
        ("", ""),
        ("as a text", "as a text"),
        (["a list"], ""),
        ({"message": {"lang": "en", "value": " spaced "}, "stacktrace": "at X"}, "spaced"),
        ({"errordetail": "of Compute"}, "of Compute"),
        ({"Message": "a", "InnerException": {"message": "b", "internalexception": {"message": "c"}}}, "a; b; c"),
        ({"Message": "a", "InnerException": {"message": "a"}}, "a"),
        ({"innererror": "only a text"}, "only a text"),
        ({"message": ""}, ""),
    ],
)
def test_what_an_inner_error_says(inner: object, words: str) -> None:
    assert inner_words(inner) == words


def test_inner_words_end_somewhere() -> None:
    assert len(inner_words({"message": "x" * 2000})) == 600


def test_which_answers_to_a_write_leave_open_what_it_did() -> None:
    assert [status for status in range(200, 600) if leaves_open(status)] == [
        *range(300, 400),
        408,
        500,
        *(502, 503, 504),
        *range(506, 600),
    ]


def test_inner_words_are_trimmed_one_by_one() -> None:
    assert inner_words({"message": " a ", "innererror": {"message": {"value": " b "}}}) == "a; b"


def test_a_scheme_that_is_offered_is_one_short_word() -> None:
    headers = httpx.Headers([("www-authenticate", "Basic, Negotiate"), ("www-authenticate", "x" * 500)])
    message = error_from(Response(401, headers, b"", "spf"), "", context="reading").message
    assert message == f"sign-in refused (401). The server offers Basic, {'x' * 39}…."


@pytest.mark.parametrize(
    ("sign_in", "offers", "remedy"),
    [
        ("the token given as spf_token_file", ["BEARER"], "Check the token given as spf_token_file: it may be wrong"),
        ("svc with ntlm", ["Basic"], "It was tried once. Check spf_username"),
        ("svc with kerberos", [], "It was tried once. Check spf_username"),
        ("client c", ["Basic"], "Check client c: it may be wrong"),
        ("", [], "Check the credentials: it may be wrong"),
    ],
)
def test_the_remedy_for_a_refused_sign_in_fits_how_it_was_tried(sign_in: str, offers: list[str], remedy: str) -> None:
    headers = httpx.Headers([("WWW-Authenticate", offer) for offer in offers])
    problem = error_from(Response(401, headers, b"", "spf"), "", context="x", sign_in=sign_in)
    assert problem.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("details", "remedy"),
    [
        ({"code": "AuthorizationFailed"}, "Ask for the right that it names."),
        (None, "Ask for the right that it names, or to manage checkpoints of this VM."),
    ],
)
def test_the_right_that_is_missing_is_named_by_a_structured_error(details: dict[str, str] | None, remedy: str) -> None:
    problem = error_from(answer(403, b""), "no", context="deleting disk d", details=details)
    assert problem.remedy == remedy


def test_what_was_being_done_can_be_taken_off_an_error() -> None:
    problem = meant(503, "Busy.")
    assert (problem.context, problem.said) == ("reading vm web01", "the service failed (503): Busy")


def test_a_lock_that_a_reading_meets_is_none_of_the_write_before_it() -> None:
    locked = meant(409, "busy", locked=True, x_ms_request_id="r-1")
    unread = error_of_reading(locked)
    assert (type(unread), unread.message, unread.request_id) == (Unavailable, locked.message, "r-1")
    other = meant(403)
    assert error_of_reading(other) is other


TAKEN = "It was tried once. Check spf_username and spf_password, and that the account is in SPF's group SPF_VMM."
WINDOWS = (
    "It was tried once. Check spf_username with its password, keytab or ticket, and that the account is in SPF's group "
    "SPF_VMM. Where the server demands channel bindings (EPA), spf_channel_bindings must be auto, and nothing may end "
    "TLS in between."
)
NO_BEARER = (
    "The server does not offer bearer, so that it may take no token at all: then give spf_username and spf_password."
)
NO_BASIC = (
    "The server does not take basic: enable it there, or set spf_auth to auto, which takes the strongest way that it "
    "offers."
)
CERTIFICATE = (
    "Check that the certificate of spf_client_cert is valid, and mapped to an account of SPF or uploaded to the "
    "subscription. If the server wants a user too, name that way by spf_auth."
)
TENANT = (
    "The token is of another tenant or cloud than the subscription: check tenant, subscription_id and "
    "cloud_environment, or the account that az or access_token is for."
)
MAYBE = "it may be wrong, for another service, or have expired."


@pytest.mark.parametrize(
    ("sign_in", "offers", "said", "remedy"),
    [
        ("svc with basic", ["Basic"], "", TAKEN),
        ("svc with BASIC", [], "", TAKEN),
        ("svc with basic", ["NTLM", "bAsIc"], "", TAKEN),
        ("svc with basic", ["NTLM"], "", NO_BASIC),
        ("svc with basics", ["NTLM"], "", f"Check svc with basics: {MAYBE}"),
        ("svc with ntlm", ["NTLM"], "", WINDOWS),
        ("svc with kerberos", ["Negotiate"], "", WINDOWS),
        ("svc with negotiate", ["Negotiate"], "", f"Check svc with negotiate: {MAYBE}"),
        ("a with basic with ntlm", ["Negotiate"], "", WINDOWS),
        ("the token given as spf_token", ["Basic"], "", f"Check the token given as spf_token. {NO_BEARER}"),
        ("the token given as spf_token", ["Bearer"], "", f"Check the token given as spf_token: {MAYBE}"),
        ("the token given as spf_token", [], "", f"Check the token given as spf_token: {MAYBE}"),
        ("the token given as access_token", ["Basic"], "", f"Check the token given as access_token: {MAYBE}"),
        ("the certificate of spf_client_cert", ["NTLM"], "", CERTIFICATE),
        ("client c", ["Bearer"], "", f"Check client c: {MAYBE}"),
        ("", [], "", f"Check the credentials: {MAYBE}"),
        ("client c", ["Bearer"], "InvalidAuthenticationTokenTenant: x", TENANT),
        ("client c", ["Bearer"], "InvalidAuthenticationTokenAudience: x", TENANT),
        ("client c", ["Bearer"], "InvalidAuthenticationToken: x", f"Check client c: {MAYBE}"),
    ],
)
def test_the_whole_remedy_for_each_refused_sign_in(sign_in: str, offers: list[str], said: str, remedy: str) -> None:
    headers = httpx.Headers([("WWW-Authenticate", offer) for offer in offers])
    problem = error_from(Response(401, headers, b"", "spf"), said, context="x", sign_in=sign_in)
    assert problem.remedy == remedy


@pytest.mark.parametrize(
    ("status", "said", "locked", "remedy"),
    [
        (409, "", True, "Try again when that job has ended."),
        (403, "", False, "Ask for the right that it names, or to manage checkpoints of this VM."),
        (404, "", False, "Check that it still exists and that this user may see it."),
        (302, "", False, "Use the final URL."),
        (399, "", False, "Use the final URL."),
        (405, "", False, "Check the URL and the API version."),
        (501, "", False, "Check the URL and the API version."),
        (408, "", False, "Try again later."),
        (429, "", False, "Try again later."),
        (500, "", False, "Try again later."),
        (599, "", False, "Try again later."),
        (400, "", False, "Mend what the service names, then run the task again."),
        (499, "", False, "Mend what the service names, then run the task again."),
        (409, "code SCOPELOCKED", False, "Have the lock removed for the time of the task."),
        (200, "", False, ""),
        (299, "", False, ""),
    ],
)
def test_the_whole_remedy_for_each_status(status: int, said: str, locked: bool, remedy: str) -> None:
    assert meant(status, said, locked=locked).remedy == remedy


@pytest.mark.parametrize(
    ("retry_after", "remedy"),
    [
        ("0", "Try again later."),
        ("soon", "Try again later."),
        ("100", "Try again later; it asks to wait 1m40s."),
        ("7200", "Try again later; it asks to wait 2h."),
    ],
)
def test_a_failed_service_says_when_to_come_again(retry_after: str, remedy: str) -> None:
    """Where that is beyond the deadline, nothing else tells why the task gave up at once."""
    assert meant(503, retry_after=retry_after).remedy == remedy
    assert meant(400, retry_after=retry_after).remedy == "Mend what the service names, then run the task again."


def test_a_lock_says_when_to_come_again_and_a_service_s_own_error_comes_along() -> None:
    made = answer(409, b"", retry_after="7")
    locked = error_from(made, "x", context="c", locked=True, details={"code": "X"})
    assert isinstance(locked, Locked)
    assert (locked.retry_after, locked.details) == (7.0, {"code": "X"})
    assert error_after_write(meant(503)).remedy == ""
    assert "retry_after" not in vars(meant(503, retry_after="7"))
