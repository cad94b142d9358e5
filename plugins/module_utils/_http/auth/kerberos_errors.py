# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why there is no Kerberos ticket or token, by the libraries' numbers and words, and what to do about it."""

from __future__ import annotations

import sys
import typing as t
from dataclasses import dataclass

from ..._core.errors import CheckpointError, InvalidInput, MissingLibrary, SignInRefused, Unreachable
from ..._core.formatting import one_line
from ..._deps import KERBEROS

# Numbers of krb5.h. A file that cannot be read has the system's: ENOENT, EACCES.
_MINOR = {
    "unknown_client": (-1765328378,),
    "unknown_service": (-1765328377,),
    "revoked": (-1765328366,),
    "expired": (-1765328361,),
    # KDC_ERR_PREAUTH_FAILED, KRB_AP_ERR_BAD_INTEGRITY, KRB5_PREAUTH_FAILED
    "wrong_password": (-1765328360, -1765328353, -1765328174),
    "ticket_expired": (-1765328352,),
    "skew": (-1765328347,),
    # REALM_UNKNOWN, KDC_UNREACH, ERR_HOST_REALM_UNKNOWN, REALM_CANT_RESOLVE, CONFIG_NODEFREALM
    "no_kdc": (-1765328230, -1765328228, -1765328167, -1765328164, -1765328160),
    # CC_BADNAME, CC_NOTFOUND, CC_END, FCC_PERM, FCC_NOFILE, CC_FORMAT
    "no_ticket": (-1765328245, -1765328243, -1765328242, -1765328190, -1765328189, -1765328185),
    "keytab": (-1765328205, -1765328203, -1765328202, 2, 13),
}
_WORDS = (
    ("clock skew", "skew"),
    ("preauthentication failed", "wrong_password"),
    ("password incorrect", "wrong_password"),
    ("decrypt integrity", "wrong_password"),
    ("not found in kerberos database", "unknown_service"),
    ("cannot contact any kdc", "no_kdc"),
    ("cannot find kdc", "no_kdc"),
    ("no credentials cache", "no_ticket"),
    ("no kerberos credentials", "no_ticket"),
    ("credentials cache", "no_ticket"),
    ("ticket expired", "ticket_expired"),
    ("credential has expired", "ticket_expired"),
    ("keytab", "keytab"),
    ("cannot determine realm", "no_kdc"),
)


_FINAL = {"wrong_password", "revoked", "expired", "skew"}
"""What another way to sign in must not be tried after: the credential, or a clock that has to be set."""


_ERRORS: dict[str, tuple[type[CheckpointError], str, str]] = {
    "wrong_password": (
        SignInRefused,
        "Kerberos refused {whose}: the password or key is wrong (KDC_ERR_PREAUTH_FAILED). It was tried once.",
        "Check spf_username and {source}.",
    ),
    "keytab": (
        InvalidInput,
        "spf_keytab: {keytab} cannot be read, or has no key for {whose}.",
        "Give a keytab that this user may read, and its principal as spf_username (klist -k shows it).",
    ),
    "unknown_client": (
        SignInRefused,
        "Kerberos does not know {whose} (KDC_ERR_C_PRINCIPAL_UNKNOWN).",
        "Write spf_username as user@REALM, or set spf_auth: ntlm for an account of the server itself.",
    ),
    "unknown_service": (
        SignInRefused,
        "Kerberos does not know the service {spn} (KDC_ERR_S_PRINCIPAL_UNKNOWN).",
        "Set spf_service_principal to the SPN that is registered (setspn -L), or have this one registered.",
    ),
    "revoked": (
        SignInRefused,
        "Kerberos refused {whose}: the account is disabled or locked (KDC_ERR_CLIENT_REVOKED).",
        "Have the account of spf_username unlocked.",
    ),
    "expired": (
        SignInRefused,
        "Kerberos refused {whose}: the password has expired (KDC_ERR_KEY_EXPIRED).",
        "Change the password, then set spf_password.",
    ),
    "skew": (
        SignInRefused,
        "Kerberos refused {whose}: this machine's clock and the KDC's differ too much (KRB_AP_ERR_SKEW).",
        "Set this machine's clock (NTP), or use spf_auth: ntlm.",
    ),
    "no_kdc": (
        Unreachable,
        "no KDC could be reached for {whose}: {words}.",
        "Check krb5.conf (KRB5_CONFIG), DNS and port 88, or set spf_auth: ntlm.",
    ),
    "no_ticket": (
        InvalidInput,
        "spf_auth: there is no Kerberos ticket (KRB5CCNAME), and neither spf_password nor spf_keytab was given.",
        "Run kinit, or give spf_username with spf_password or spf_keytab.",
    ),
    "ticket_expired": (
        SignInRefused,
        "the Kerberos ticket has expired.",
        "Run kinit, or give spf_keytab so that tickets are fetched.",
    ),
    "other": (
        SignInRefused,
        "Kerberos failed for {whose} and {spn}: {words}.",
        "Check krb5.conf, spf_username and spf_service_principal, or set spf_auth: ntlm.",
    ),
}
"""By reason: the error, its message and its remedy."""


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


def explained(who: Identity, minor: int, words: str) -> Exception:
    """The library's failure as an error of ours; NotPossible where another way may still be taken."""
    reason = next((name for name, codes in _MINOR.items() if minor in codes), None)
    if reason is None:
        reason = next((name for part, name in _WORDS if part in words.lower()), "other")
    error = error_for(who, reason, words)
    return error if reason in _FINAL else NotPossible(error, expired=reason == "ticket_expired")


def error_for(who: Identity, reason: str, words: str = "") -> CheckpointError:
    """The error for one reason; `words` are the library's own."""
    fields = {
        "whose": who.username or "the ticket",
        "source": "spf_keytab" if who.keytab else "spf_password" if who.password else "KRB5CCNAME",
        "spn": who.spn,
        "keytab": who.keytab,
        "words": one_line(words, 300),
    }
    kind, message, remedy = _ERRORS[reason]
    return kind(message.format(**fields), remedy=remedy.format(**fields), changed_nothing=True)


def missing_kerberos(error: BaseException) -> MissingLibrary:
    """What to install for Kerberos, and for which interpreter."""
    return MissingLibrary(
        f"Kerberos needs the Python package {KERBEROS} for the Python that runs the module, {sys.executable}: "
        f"{one_line(str(error), 200)}.",
        remedy=f"Install it: {sys.executable} -m pip install '{KERBEROS}' (it needs the system's Kerberos libraries). "
        "Or set spf_auth: ntlm with spf_username and spf_password.",
    )


def minor_of(error: t.Any) -> int:
    """The mechanism's own number in a SpnegoError, 0 where there is none."""
    base = getattr(error, "base_error", None) or error.__cause__
    for holder in (base, error.__cause__):
        for name in ("min_code", "err_code"):
            value = getattr(holder, name, None)
            if isinstance(value, int):
                # gssapi gives the number unsigned, and mapped to a table of its own where two mechanisms share it.
                return value - (1 << 32) if value > 1 << 31 else value
    return 0
