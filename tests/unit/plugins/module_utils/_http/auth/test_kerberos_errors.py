# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a number or the words of a Kerberos library mean for the user; a real KDC speaks in tests/contract/sign_in."""

from __future__ import annotations

import sys

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


WHOLE: dict[str, tuple[tuple[int, ...], tuple[str, ...], str]] = {
    "wrong password": (
        (-1765328360, -1765328353, -1765328174),
        ("Preauthentication failed", "PASSWORD INCORRECT", "Decrypt integrity check failed"),
        "Kerberos refused svc: the password or key is wrong (KDC_ERR_PREAUTH_FAILED). It was tried once. Nothing was "
        "changed. Check spf_username and spf_password.",
    ),
    "unknown client": (
        (-1765328378,),
        (),
        "Kerberos does not know svc (KDC_ERR_C_PRINCIPAL_UNKNOWN). Nothing was changed. Write spf_username as "
        "user@REALM, or set spf_auth: ntlm for an account of the server itself.",
    ),
    "unknown service": (
        (-1765328377,),
        ("Server not found in Kerberos database",),
        "Kerberos does not know the service HTTP/h (KDC_ERR_S_PRINCIPAL_UNKNOWN). Nothing was changed. Set "
        "spf_service_principal to the SPN that is registered (setspn -L), or have this one registered.",
    ),
    "revoked": (
        (-1765328366,),
        (),
        "Kerberos refused svc: the account is disabled or locked (KDC_ERR_CLIENT_REVOKED). Nothing "
        "was changed. Have the "
        "account of spf_username unlocked.",
    ),
    "expired": (
        (-1765328361,),
        (),
        "Kerberos refused svc: the password has expired (KDC_ERR_KEY_EXPIRED). Nothing was changed. "
        "Change the password, "
        "then set spf_password.",
    ),
    "skew": (
        (-1765328347, -1765328236),
        ("Clock skew too great",),
        "Kerberos refused svc: this machine's clock and the KDC's differ too much (KRB_AP_ERR_SKEW). Nothing was "
        "changed. Set this machine's clock (NTP), or use spf_auth: ntlm.",
    ),
    "ticket expired": (
        (-1765328352,),
        ("Ticket expired", "The referenced credential has expired"),
        "the Kerberos ticket has expired. Nothing was changed. Run kinit, or give spf_keytab so that "
        "tickets are fetched.",
    ),
    "no ticket": (
        (-1765328245, -1765328244, -1765328243, -1765328242, -1765328190, -1765328189, -1765328185),
        ("No Credentials Cache found", "No Kerberos credentials available", "Bad format in credentials cache"),
        "spf_auth: there is no Kerberos ticket (KRB5CCNAME), and neither spf_password nor spf_keytab "
        "was given. Nothing "
        "was changed. Run kinit, or give spf_username with spf_password or spf_keytab.",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_each_reason_is_one_whole_line(name: str) -> None:
    numbers, words, line = WHOLE[name]
    who = kerberos.Identity("svc", "S3cret", host="h")
    found = [kerberos.explain(number, "", who) for number in numbers] + [
        kerberos.explain(0, each, who) for each in words
    ]
    assert {str(each) for each in found} == {line}


@pytest.mark.parametrize("minor", [-1765328230, -1765328228, -1765328167, -1765328164, -1765328160, 0])
def test_a_kdc_that_is_not_there_is_one_whole_line(minor: int) -> None:
    words = "" if minor else "Cannot contact any KDC for realm"
    assert str(kerberos.explain(minor, words, kerberos.Identity("svc"))) == (
        f"no KDC could be reached for svc: {words}. Nothing was sent. Check krb5.conf (KRB5_CONFIG), DNS and port 88, "
        "or set spf_auth: ntlm."
    )


def test_the_rest_are_whole_lines_too() -> None:
    who = kerberos.Identity("svc", keytab="/k", host="h")
    told = {
        str(kerberos.explain(minor, "", who))
        for minor in (-1765328205, -1765328203, -1765328202, -1765328171, 2, 13, 21)
    }
    (line,) = told
    assert line == (
        "spf_keytab: /k cannot be read, or has no key for svc. Nothing was changed. Give a keytab that this user may "
        "read, and its principal as spf_username (klist -k shows it)."
    )
    other = str(kerberos.explain(1, "odd", who))
    assert other == (
        "Kerberos failed for svc and HTTP/h: odd. Nothing was changed. Check krb5.conf, spf_username and "
        "spf_service_principal, or set spf_auth: ntlm."
    )
    missing = str(kerberos.missing_kerberos(ImportError("x" * 900)))
    assert f": {'x' * 199}…. " in missing
    assert missing.endswith(
        "(it needs the system's Kerberos libraries). Or set spf_auth: ntlm with spf_username and spf_password."
    )
    assert f"Install it: {sys.executable} -m pip install '" in missing


def test_why_a_server_refuses_a_ticket_is_one_whole_line() -> None:
    who = kerberos.Identity("svc", host="h")
    skew = {str(kerberos.explain_refusal(minor, who)) for minor in (-1765328347, -1765328351, -1765328352)}
    assert skew == {
        "the server refused the ticket of svc because of its time: the clocks of server, KDC and "
        "this machine differ too "
        "much (KRB_AP_ERR_SKEW). Nothing was changed. Set the three clocks (NTP), or use spf_auth: ntlm."
    }
    other = {
        str(kerberos.explain_refusal(minor, who)) for minor in (-1765328343, -1765328353, -1765328339, -1765328349)
    }
    assert other == {
        "the server cannot read the ticket for HTTP/h (KRB_AP_ERR_MODIFIED): the SPN belongs to "
        "another account than the "
        "one that the service runs as. Nothing was changed. See whose it is (setspn -Q HTTP/h) and register it for the "
        "right account, or set spf_service_principal."
    }


def test_a_reason_is_not_final_and_no_expired_ticket_unless_it_says_so() -> None:
    made = kerberos.NotPossible(kerberos.missing_kerberos(ImportError("x")))
    assert made.expired is False
    assert str(made) == str(made.error)
    assert kerberos.Identity() == kerberos.Identity("", "", "", "HTTP", "")


@pytest.mark.parametrize(
    ("words", "begins", "final"),
    [
        ("Clock skew too great", "Kerberos refused svc: this machine's clock", True),
        ("Preauthentication failed", "Kerberos refused svc: the password or key is wrong", True),
        ("Password incorrect", "Kerberos refused svc: the password or key is wrong", True),
        ("Decrypt integrity check failed", "Kerberos refused svc: the password or key is wrong", True),
        ("Server not found in Kerberos database", "Kerberos does not know the service HTTP/h", False),
        ("Cannot contact any KDC for realm", "no KDC could be reached for svc", False),
        ("Cannot find KDC for realm", "no KDC could be reached for svc", False),
        ("Cannot determine realm for numeric host address", "no KDC could be reached for svc", False),
        ("No credentials cache found", "spf_auth: there is no Kerberos ticket", False),
        ("No Kerberos credentials available", "spf_auth: there is no Kerberos ticket", False),
        ("Bad format in credentials cache", "spf_auth: there is no Kerberos ticket", False),
        ("Ticket expired", "the Kerberos ticket has expired.", False),
        ("The referenced credential has expired", "the Kerberos ticket has expired.", False),
        ("Key table file is a KEYTAB that is none", "spf_keytab: /k cannot be read", True),
        ("Something else", "Kerberos failed for svc and HTTP/h: Something else.", False),
    ],
)
def test_words_without_a_number_say_as_much(words: str, begins: str, final: bool) -> None:
    who = kerberos.Identity("svc", keytab="/k", host="h")
    for said in (words, words.upper()):
        found = kerberos.explain(0, said, who)
        assert str(found).upper().startswith(begins.upper())
        assert isinstance(found, CheckpointError) is final
        assert getattr(found, "expired", False) is ("xpired" in words)


@pytest.mark.parametrize(
    ("who", "line"),
    [
        (
            kerberos.Identity("svc", "S3cret", keytab="/k"),
            "Kerberos refused svc: the password or key is wrong (KDC_ERR_PREAUTH_FAILED). It was tried once. Nothing "
            "was changed. Check spf_username and spf_keytab.",
        ),
        (
            kerberos.Identity("svc", "S3cret"),
            "Kerberos refused svc: the password or key is wrong (KDC_ERR_PREAUTH_FAILED). It was tried once. Nothing "
            "was changed. Check spf_username and spf_password.",
        ),
        (
            kerberos.Identity(),
            "Kerberos refused the ticket: the password or key is wrong (KDC_ERR_PREAUTH_FAILED). It was tried once. "
            "Nothing was changed. Check spf_username and KRB5CCNAME.",
        ),
    ],
)
def test_the_remedy_names_what_was_given(who: kerberos.Identity, line: str) -> None:
    assert str(kerberos.explain(-1765328360, "", who)) == line


def test_a_file_that_is_no_keytab_of_ours_is_another_one() -> None:
    with_password = kerberos.explain(2, "no file", kerberos.Identity("svc", "S3cret", host="h"))
    without = kerberos.explain(2, "no file", kerberos.Identity("svc", host="h"))
    assert isinstance(with_password, kerberos.NotPossible)
    assert isinstance(without, kerberos.NotPossible)
    assert str(with_password) == (
        "Kerberos failed for svc and HTTP/h: no file. Nothing was changed. Check krb5.conf, spf_username and "
        "spf_service_principal, or set spf_auth: ntlm."
    )
    assert str(without).startswith("spf_auth: there is no Kerberos ticket (KRB5CCNAME)")


def test_long_words_are_cut() -> None:
    found = kerberos.explain(1, "x" * 999, kerberos.Identity("svc", host="h"))
    assert str(found).startswith(f"Kerberos failed for svc and HTTP/h: {'x' * 299}…. Nothing was changed.")
