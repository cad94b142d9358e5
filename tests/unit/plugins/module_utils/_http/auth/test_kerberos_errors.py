# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a number or the words of a Kerberos library mean for the user; a real KDC speaks in tests/contract/sign_in."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import kerberos_errors as kerberos

WHO = kerberos.Identity("svc@SIM.TEST", "S3cret", host="spf.test")


@pytest.mark.parametrize(
    ("minor", "words", "told", "remedy"),
    [
        (-1765328360, "", "the password or key is wrong (KDC_ERR_PREAUTH_FAILED). It was tried once.", "spf_password"),
        (0, "Preauthentication failed", "the password or key is wrong (KDC_ERR_PREAUTH_FAILED)", "spf_password"),
        (-1765328366, "", "the account is disabled or locked (KDC_ERR_CLIENT_REVOKED)", "unlocked"),
        (-1765328361, "", "the password has expired (KDC_ERR_KEY_EXPIRED)", "set spf_password"),
        (-1765328347, "", "the KDC's differ too much (KRB_AP_ERR_SKEW)", "(NTP)"),
        (-1765328236, "", "the KDC's differ too much (KRB_AP_ERR_SKEW)", "(NTP)"),
        (0, "Clock skew too great in KDC reply", "the KDC's differ too much (KRB_AP_ERR_SKEW)", "(NTP)"),
    ],
)
def test_what_ends_the_sign_in(minor: int, words: str, told: str, remedy: str) -> None:
    found = kerberos.explain(minor, words, WHO)
    assert isinstance(found, CheckpointError)
    _check(found, "sign_in_refused", told, remedy)


@pytest.mark.parametrize(
    ("minor", "words", "code", "told", "remedy"),
    [
        (-1765328378, "", "sign_in_refused", "(KDC_ERR_C_PRINCIPAL_UNKNOWN)", "user@REALM"),
        (-1765328377, "", "sign_in_refused", "HTTP/spf.test (KDC_ERR_S_PRINCIPAL_UNKNOWN)", "spf_service_principal"),
        (-1765328228, "cannot reach", "unreachable", "no KDC could be reached for svc@SIM.TEST: cannot reach", "88"),
        (-1765328243, "", "invalid_input", "no Kerberos ticket (KRB5CCNAME)", "kinit"),
        (13, "", "sign_in_refused", "Kerberos failed for svc@SIM.TEST", "krb5.conf"),
        (-1765328352, "", "sign_in_refused", "the Kerberos ticket has expired", "kinit"),
        (
            0,
            "what\nis this",
            "sign_in_refused",
            "Kerberos failed for svc@SIM.TEST and HTTP/spf.test: what is",
            "krb5.conf",
        ),
    ],
)
def test_what_lets_another_way_be_taken(minor: int, words: str, code: str, told: str, remedy: str) -> None:
    found = kerberos.explain(minor, words, WHO)
    assert isinstance(found, kerberos.NotPossible)
    assert found.expired == (minor == -1765328352)
    _check(found.error, code, told, remedy)


@pytest.mark.parametrize(
    ("minor", "told", "remedy"),
    [
        (-1765328347, "the clocks of server, KDC and this machine differ too much (KRB_AP_ERR_SKEW)", "NTP"),
        (-1765328351, "the clocks of server, KDC and this machine differ too much (KRB_AP_ERR_SKEW)", "NTP"),
        (-1765328352, "the clocks of server, KDC and this machine differ too much (KRB_AP_ERR_SKEW)", "NTP"),
        (
            -1765328343,
            "the server cannot read the ticket for HTTP/spf.test (KRB_AP_ERR_MODIFIED)",
            "setspn -Q HTTP/spf",
        ),
        (-1765328353, "the SPN belongs to another account", "spf_service_principal"),
    ],
)
def test_why_the_server_refuses_a_ticket(minor: int, told: str, remedy: str) -> None:
    found = kerberos.explain_refusal(minor, WHO)
    assert found is not None
    _check(found, "sign_in_refused", told, remedy)


def test_a_refusal_without_a_reason_is_left_to_its_status() -> None:
    assert kerberos.explain_refusal(-1765328378, WHO) is None


@pytest.mark.parametrize("minor", [2, 13, 21, -1765328203, -1765328171])
def test_a_keytab_that_cannot_be_used_ends_it_for_the_user_named_it(minor: int) -> None:
    found = kerberos.explain(minor, "", kerberos.Identity("svc", "S3cret", keytab="/a"))
    assert isinstance(found, CheckpointError)
    _check(found, "invalid_input", "spf_keytab: /a cannot be read, or has no key for svc", "klist -k")


def test_a_ticket_cache_that_cannot_be_read_is_no_keytab() -> None:
    found = kerberos.explain(13, "", kerberos.Identity())
    assert isinstance(found, kerberos.NotPossible)
    _check(found.error, "invalid_input", "there is no Kerberos ticket (KRB5CCNAME)", "kinit")


def test_a_ticket_s_owner_and_source_are_named() -> None:
    found = kerberos.explain(-1765328360, "", kerberos.Identity())
    assert isinstance(found, CheckpointError)
    assert "refused the ticket" in found.message
    assert "KRB5CCNAME" in (found.remedy or "")


def _check(found: CheckpointError, code: str, told: str, remedy: str) -> None:
    assert found.code == code
    assert told in found.message
    assert remedy in (found.remedy or "")
    assert "S3cret" not in str(found)
    assert str(found).isprintable()
    assert found.changed_nothing
