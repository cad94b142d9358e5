# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The managed identity of the machine: IMDS, App Service and Azure Arc, as msal's ManagedIdentityClient knows them."""

from __future__ import annotations

import typing as t

from ..._core.errors import BadResponse, InvalidInput, SignInRefused, Unavailable, Unreachable, Unsupported
from ..._core.formatting import format_value, one_line
from ..._core.operation import Deadline
from ..._core.redaction import Redactor
from .msal_call import NO_URL, MsalCall, OpenHttp, require_msal
from .token import ATTEMPTS, LATER, Token, TokenAuth, token_of, until_ready

ANSWERS_WITHIN = 10.0
"""Seconds that an endpoint on the same machine or its host gets."""
UPDATED = 410
STARTING = (404, UPDATED)
"""What IMDS answers while it is being updated; to be asked again (learn.microsoft.com, how-to-use-vm-token)."""
NOT_HERE = (
    "auth_source msi works where a managed identity is: on an Azure VM, in App Service, on a machine of Azure Arc. "
    "Let the module run there, or sign in otherwise."
)
REMEDY = "Assign a managed identity to this machine, and check client_id where one of several is meant."


def _is_starting(asked: tuple[MsalCall, t.Any]) -> bool:
    return asked[0].last is not None and asked[0].last.status in STARTING


class ManagedIdentity(TokenAuth):
    """`identity` is the client id or ARM id of a user-assigned identity; None is the system-assigned one."""

    def __init__(
        self, open_http: OpenHttp, identity: str | None, resource: str, redactor: Redactor, deadline: Deadline
    ) -> None:
        super().__init__(redactor)
        self._open_http = open_http
        self._deadline = deadline
        self._resource = resource
        self._name = f"managed identity {identity}" if identity else "the managed identity of this machine"
        self._msal = require_msal("auth_source msi", "choose another auth_source")
        if identity is None:
            self._identity = self._msal.SystemAssignedManagedIdentity()
        elif identity.startswith("/"):
            self._identity = self._msal.UserAssignedManagedIdentity(resource_id=identity)
        else:
            self._identity = self._msal.UserAssignedManagedIdentity(client_id=identity)

    async def fetch(self, claims: str | None) -> Token:
        async def ask() -> tuple[MsalCall, t.Any]:
            call = MsalCall(self._open_http, self._redactor, ANSWERS_WITHIN)
            return call, await self._ask(call, claims)

        return self._read(*await until_ready(ask, _is_starting, self._deadline))

    async def _ask(self, call: MsalCall, claims: str | None) -> t.Any:
        try:
            return await call.run(lambda transport: self._acquire(transport, claims))
        except (Unreachable, Unavailable) as error:
            # One that counts its requests is there.
            error.remedy = error.remedy if error.status == 429 else NOT_HERE
            raise
        except OSError as error:  # Azure Arc's challenge: a file that only some may read
            raise InvalidInput(
                f"auth_source msi: the key file of Azure Arc cannot be read ({(error.strerror or 'failed').lower()}).",
                remedy="Add the user who runs the module to the group himds (Linux), or run it as administrator.",
            ) from None
        except ValueError as error:
            if call.last is None or call.last.status == 200 or isinstance(error, self._msal.ManagedIdentityError):
                raise self._unusable(call, error) from None
            return {}  # a status without the words that go with it, which something else may have answered

    def _acquire(self, transport: t.Any, claims: str | None) -> t.Any:
        client = self._msal.ManagedIdentityClient(self._identity, http_client=transport)
        more = {} if claims is None else {"claims_challenge": claims}
        return client.acquire_token_for_client(resource=self._resource, **more)

    def _unusable(self, call: MsalCall, error: ValueError) -> Unsupported | BadResponse:
        if call.last is None:
            remedy = "Mend or unset IDENTITY_ENDPOINT." if str(error) == NO_URL else "Use another auth_source."
            return Unsupported(f"auth_source msi: msal cannot ask for {self._name}: {error}.", remedy=remedy)
        answered = call.last.status
        return call.last.bad(f"the answer for {self._name} ({answered}) cannot be used: {one_line(str(error), 200)}.")

    def _read(self, call: MsalCall, result: t.Any) -> Token:
        response = call.last
        if response is None or not isinstance(result, dict):
            raise Unsupported("auth_source msi: msal has asked nobody.", remedy="Use another auth_source.")
        if "access_token" in result:
            return token_of(result, response)
        if response.status == 200:  # msal gives such a body as the reason, and it may hold a token
            raise response.bad(f"the answer for {self._name} holds no usable token.")
        if response.status >= 500:
            message = f"the managed identity's endpoint failed ({response.status})."
            raise response.error(Unavailable, message, LATER)
        if response.status == UPDATED:
            message = (
                f"the managed identity's endpoint is being updated ({response.status}), still after {ATTEMPTS} tries."
            )
            raise response.error(Unavailable, message, "Run the task again in some minutes.")
        if not result:
            message = f"sign-in refused ({response.status}) for {self._name}, without a reason."
            raise response.error(SignInRefused, message, NOT_HERE)
        reason = one_line(format_value(result.get("error_description") or result.get("error") or "no reason"), 300)
        message = f"sign-in refused ({response.status}) for {self._name}: {reason.rstrip('.')}."
        raise response.error(SignInRefused, message, REMEDY)
