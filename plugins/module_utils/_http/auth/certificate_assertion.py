# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service principal with a certificate: msal makes the signed assertion, our client sends it."""

from __future__ import annotations

import re
import typing as t

from ..._core.errors import InvalidInput
from ..._core.missing import required
from ..._core.redaction import Redactor
from ..._deps import CERTIFICATES, cryptography
from ..files import OLD_PFX, read_file
from ..response import Response
from .authority import Answer, Authority
from .msal_call import MsalCall, OpenHttp, require_msal
from .token import Token, TokenAuth, object_of

OPTION = "x509_certificate_path"
REMEDY = (
    "Check tenant and client_id, and that the certificate of x509_certificate_path is uploaded to that application."
)
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----", re.S)
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.S)


class CertificateAssertion(TokenAuth):
    """The client and its key at an authority. `credential` is msal's client_credential."""

    def __init__(
        self,
        authority: Authority,
        open_http: OpenHttp,
        client_id: str,
        credential: t.Mapping[str, str],
        redactor: Redactor,
    ) -> None:
        super().__init__(redactor)
        self._authority = authority
        self._open_http = open_http
        self._client_id = client_id
        self._credential = credential
        self._msal = require_msal(OPTION, "use a client secret")

    async def fetch(self, claims: str | None) -> Token:
        async def ask() -> Answer:
            response = await self._answer(claims)
            return Answer(response, object_of(response))

        return await self._authority.granted(ask, f"client {self._client_id}", REMEDY)

    async def _answer(self, claims: str | None) -> Response:
        """What the authority answered last; it says more than msal's own words for it."""
        call = MsalCall(self._open_http, self._redactor)
        try:
            await call.run(lambda transport: self._acquire(transport, claims))
        except ValueError as error:  # such as of an authority that does not describe itself as it should
            if call.last is None:
                raise InvalidInput(f"{OPTION}: msal cannot use it ({type(error).__name__}).") from None
            if call.last.status == 200:
                raise call.last.bad(
                    "what the sign-in authority says of itself, or its token, makes no sense."
                ) from None
        if call.last is None:
            raise InvalidInput(f"{OPTION}: msal has asked nobody.")
        return call.last

    def _acquire(self, transport: t.Any, claims: str | None) -> t.Any:
        application = self._msal.ConfidentialClientApplication(
            self._client_id,
            client_credential=dict(self._credential),
            authority=self._authority.base,
            instance_discovery=False,
            http_client=transport,
        )
        return application.acquire_token_for_client([self._authority.scope], claims_challenge=claims)


def read_certificate(
    path: str, password: str | None, thumbprint: str | None, *, send_chain: bool, redactor: Redactor
) -> dict[str, str]:
    """The key and its certificate as msal takes them; InvalidInput names the option that is wrong."""
    require_msal(OPTION, "use a client secret")
    crypto = required(cryptography, OPTION, CERTIFICATES, other="use a client secret")
    content = read_file(OPTION, path)
    redactor.add(password)
    secret = password.encode() if password else None
    pem = b"-----BEGIN " in content
    key, certificates = (_read_pem if pem else _read_pfx)(crypto, path, content, secret)
    if not isinstance(key, crypto.rsa.RSAPrivateKey):
        raise InvalidInput(f"{OPTION}: the key in {path} is none of RSA.", remedy="Entra takes RSA keys.")
    if certificates:
        own = next((each for each in certificates if each.public_key() == key.public_key()), None)
        if own is None:
            raise InvalidInput(f"{OPTION}: key and certificate in {path} do not belong together.")
        actual = own.fingerprint(crypto.hashes.SHA1()).hex()
        if thumbprint and thumbprint != actual:
            raise InvalidInput(
                f"thumbprint: the certificate in {path} has the thumbprint {actual}, not {thumbprint}.",
                remedy="Leave thumbprint out, or give the file of that certificate.",
            )
    elif not thumbprint:
        raise InvalidInput(
            f"{OPTION}: {path} holds a key and no certificate.",
            remedy="Add the certificate to the file, or give its thumbprint.",
        )
    else:
        actual = thumbprint
    kinds = crypto.serialization
    text = key.private_bytes(kinds.Encoding.PEM, kinds.PrivateFormat.PKCS8, kinds.NoEncryption()).decode()
    found = {"private_key": text, "thumbprint": actual}
    if send_chain:
        if not certificates:
            raise InvalidInput(f"send_certificate_chain: {path} holds no certificate.")
        ordered = [own, *(each for each in certificates if each is not own)]
        found["public_certificate"] = "".join(each.public_bytes(kinds.Encoding.PEM).decode() for each in ordered)
    return found


def _read_pem(crypto: t.Any, path: str, content: bytes, password: bytes | None) -> tuple[t.Any, list[t.Any]]:
    found = _KEY.search(content)
    if found is None:
        raise InvalidInput(
            f"{OPTION}: {path} holds no private key.",
            remedy="Give a file with the private key and the certificate, as PEM or PFX.",
        )
    load = crypto.serialization.load_pem_private_key
    encrypted = b"ENCRYPTED" in found[0]
    if encrypted and password is None:
        raise InvalidInput(
            f"x509_certificate_password: the key in {path} is encrypted, and no password is given.",
            remedy="Give x509_certificate_password (AZURE_CLIENT_CERTIFICATE_PASSWORD).",
        )
    try:
        key = load(found[0], password if encrypted else None)
        certificates = [crypto.x509.load_pem_x509_certificate(each) for each in _CERTIFICATE.findall(content)]
    except (ValueError, TypeError, crypto.UnsupportedAlgorithm):
        raise _unopened(path, password if encrypted else None) from None
    return key, certificates


def _read_pfx(crypto: t.Any, path: str, content: bytes, password: bytes | None) -> tuple[t.Any, list[t.Any]]:
    try:
        key, own, others = crypto.pkcs12.load_key_and_certificates(content, password)
    except (ValueError, TypeError, crypto.UnsupportedAlgorithm):
        raise _unopened(path, password) from None
    if key is None:
        raise InvalidInput(f"{OPTION}: {path} holds no private key.", remedy="Export the PFX with its private key.")
    return key, [each for each in (own, *others) if each is not None]


def _unopened(path: str, password: bytes | None) -> InvalidInput:
    if password is None:
        return InvalidInput(
            f"{OPTION}: {path} cannot be read as PEM, nor as PFX without a password.",
            remedy="Check the file; where it has a password, give x509_certificate_password.",
        )
    return InvalidInput(
        f"x509_certificate_password: does not open {path}, or the file is damaged.",
        remedy=f"Check the password and that the file is PEM or PFX. {OLD_PFX}",
    )
