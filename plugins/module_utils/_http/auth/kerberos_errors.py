# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why Kerberos does not sign in: a library's number or words as one line that names the option and the remedy."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._core.errors import CheckpointError, InvalidInput, MissingLibrary, SignInRefused, Unreachable
from ..._core.formatting import one_line
from ..._core.missing import missing_library
from ..._deps import KERBEROS

# Numbers of krb5.h. A file that cannot be read has the system's: ENOENT, EACCES, EISDIR.
_MINOR = {
    "unknown_client": (-1765328378,),
    "unknown_service": (-1765328377,),
    "revoked": (-1765328366,),
    "expired": (-1765328361,),
    # KDC_ERR_PREAUTH_FAILED, KRB_AP_ERR_BAD_INTEGRITY, KRB5_PREAUTH_FAILED
    "wrong_password": (-1765328360, -1765328353, -1765328174),
    "ticket_expired": (-1765328352,),
    # KRB_AP_ERR_SKEW, KRB5_KDCREP_SKEW
    "skew": (-1765328347, -1765328236),
    # REALM_UNKNOWN, KDC_UNREACH, ERR_HOST_REALM_UNKNOWN, REALM_CANT_RESOLVE, CONFIG_NODEFREALM
    "no_kdc": (-1765328230, -1765328228, -1765328167, -1765328164, -1765328160),
    # CC_BADNAME, CC_UNKNOWN_TYPE, CC_NOTFOUND, CC_END, FCC_PERM, FCC_NOFILE, CC_FORMAT
    "no_ticket": (-1765328245, -1765328244, -1765328243, -1765328242, -1765328190, -1765328189, -1765328185),
    # KT_BADNAME, KT_NOTFOUND, KT_END, KEYTAB_BADVNO
    "keytab": (-1765328205, -1765328203, -1765328202, -1765328171, 2, 13, 21),
}
_MINOR_OF_SERVER = {
    # KRB_AP_ERR_SKEW, KRB_AP_ERR_TKT_NYV, KRB_AP_ERR_TKT_EXPIRED: of a ticket that the KDC has just issued
    "server_skew": (-1765328347, -1765328351, -1765328352),
    # KRB_AP_ERR_MODIFIED, KRB_AP_ERR_BAD_INTEGRITY, KRB_AP_ERR_NOKEY, KRB_AP_ERR_NOT_US
    "other_account": (-1765328343, -1765328353, -1765328339, -1765328349),
}
_WORDS = (
    ("clock skew", "skew"),
    ("preauthentication failed", "wrong_password"),
    ("password incorrect", "wrong_password"),
    ("decrypt integrity", "wrong_password"),
    ("not found in kerberos database", "unknown_service"),
    ("cannot contact any kdc", "no_kdc"),
    ("cannot find kdc", "no_kdc"),
    ("no kerberos credentials", "no_ticket"),
    ("credentials cache", "no_ticket"),
    ("ticket expired", "ticket_expired"),
    ("credential has expired", "ticket_expired"),
    ("keytab", "keytab"),
    ("cannot determine realm", "no_kdc"),
)


class NotPossible(Exception):
    """Kerberos cannot be used here, for a reason other than the credential; `error` is what to tell about it."""

    def __init__(self, error: CheckpointError, *, expired: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.expired = expired


@dataclass(frozen=True)
class Identity:
    """Who signs in, and as what the server is known. Without a password or keytab a ticket from the cache is used."""

    username: str = ""
    password: str = ""
    keytab: str = ""
    service: str = "HTTP"
    host: str = ""

    @property
    def spn(self) -> str:
        """The service principal name without its realm."""
        return f"{self.service}/{self.host}"


_FINAL = {"wrong_password", "revoked", "expired", "skew", "keytab"}
"""What another way to sign in must not be tried after: the credential, or a clock that has to be set."""


def explain(minor: int, words: str, who: Identity) -> CheckpointError | NotPossible:
    """What the KDC or the library says, by its number or else its words; NotPossible where another way may be taken."""
    reason = next((name for name, codes in _MINOR.items() if minor in codes), None)
    if reason is None:
        reason = next((name for part, name in _WORDS if part in words.lower()), "other")
    if reason == "keytab" and not who.keytab:  # another file
        reason = "other" if who.password else "no_ticket"
    error = _error(reason, words, who)
    return error if reason in _FINAL else NotPossible(error, expired=reason == "ticket_expired")


def explain_refusal(minor: int, who: Identity) -> CheckpointError | None:
    """Why the server refuses a ticket that the KDC has issued; None where a 401 says as much."""
    reason = next((name for name, codes in _MINOR_OF_SERVER.items() if minor in codes), None)
    return _error(reason, "", who) if reason else None


def _error(reason: str, words: str, who: Identity) -> CheckpointError:
    source = "spf_keytab" if who.keytab else "spf_password" if who.password else "KRB5CCNAME"
    error = _ERRORS[reason](_Case(who.username or "the ticket", source, who, one_line(words, 300)))
    error.changed_nothing = True
    return error


class _Case(t.NamedTuple):
    whose: str
    source: str
    who: Identity
    words: str


def _wrong_keytab(case: _Case) -> CheckpointError:
    return InvalidInput(
        f"spf_keytab: {case.who.keytab} cannot be read, or has no key for {case.whose}.",
        remedy="Give a keytab that this user may read, and its principal as spf_username (klist -k shows it).",
    )


def _wrong(case: _Case) -> CheckpointError:
    return SignInRefused(
        f"Kerberos refused {case.whose}: the password or key is wrong (KDC_ERR_PREAUTH_FAILED). It was tried once.",
        remedy=f"Check spf_username and {case.source}.",
    )


_ERRORS: dict[str, t.Callable[[_Case], CheckpointError]] = {
    "wrong_password": _wrong,
    "keytab": _wrong_keytab,
    "unknown_client": lambda case: SignInRefused(
        f"Kerberos does not know {case.whose} (KDC_ERR_C_PRINCIPAL_UNKNOWN).",
        remedy="Write spf_username as user@REALM, or set spf_auth: ntlm for an account of the server itself.",
    ),
    "unknown_service": lambda case: SignInRefused(
        f"Kerberos does not know the service {case.who.spn} (KDC_ERR_S_PRINCIPAL_UNKNOWN).",
        remedy="Set spf_service_principal to the SPN that is registered (setspn -L), or have this one registered.",
    ),
    "revoked": lambda case: SignInRefused(
        f"Kerberos refused {case.whose}: the account is disabled or locked (KDC_ERR_CLIENT_REVOKED).",
        remedy="Have the account of spf_username unlocked.",
    ),
    "expired": lambda case: SignInRefused(
        f"Kerberos refused {case.whose}: the password has expired (KDC_ERR_KEY_EXPIRED).",
        remedy="Change the password, then set spf_password.",
    ),
    "skew": lambda case: SignInRefused(
        f"Kerberos refused {case.whose}: this machine's clock and the KDC's differ too much (KRB_AP_ERR_SKEW).",
        remedy="Set this machine's clock (NTP), or use spf_auth: ntlm.",
    ),
    "server_skew": lambda case: SignInRefused(
        f"the server refused the ticket of {case.whose} because of its time: the clocks of server, KDC and this "
        "machine differ too much (KRB_AP_ERR_SKEW).",
        remedy="Set the three clocks (NTP), or use spf_auth: ntlm.",
    ),
    "other_account": lambda case: SignInRefused(
        f"the server cannot read the ticket for {case.who.spn} (KRB_AP_ERR_MODIFIED): the SPN belongs to another "
        "account than the one that the service runs as.",
        remedy=f"See whose it is (setspn -Q {case.who.spn}) and register it for the right account, or set "
        "spf_service_principal.",
    ),
    "no_kdc": lambda case: Unreachable(
        f"no KDC could be reached for {case.whose}: {case.words}.",
        remedy="Check krb5.conf (KRB5_CONFIG), DNS and port 88, or set spf_auth: ntlm.",
    ),
    "no_ticket": lambda case: InvalidInput(
        "spf_auth: there is no Kerberos ticket (KRB5CCNAME), and neither spf_password nor spf_keytab was given.",
        remedy="Run kinit, or give spf_username with spf_password or spf_keytab.",
    ),
    "ticket_expired": lambda case: SignInRefused(
        "the Kerberos ticket has expired.", remedy="Run kinit, or give spf_keytab so that tickets are fetched."
    ),
    "other": lambda case: SignInRefused(
        f"Kerberos failed for {case.whose} and {case.who.spn}: {case.words}.",
        remedy="Check krb5.conf, spf_username and spf_service_principal, or set spf_auth: ntlm.",
    ),
}


def missing_kerberos(error: BaseException) -> MissingLibrary:
    """What to install for Kerberos, and for which interpreter."""
    other = "set spf_auth: ntlm with spf_username and spf_password"
    beside = "it needs the system's Kerberos libraries"
    return missing_library("Kerberos", KERBEROS, why=error, other=other, beside=beside)
