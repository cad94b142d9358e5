# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a VM's reference to the service that has it.

A service's files are loaded when the first VM is its own: a module compiles at each task what it loads.
"""

from __future__ import annotations

import ssl
import typing as t
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

from .._arm import ids as _arm_id
from .._core.errors import InvalidInput
from .._core.formatting import format_value
from .._core.operation import Deadline, Report
from .._core.redaction import Redactor
from .._core.settings import SpfSettings, TlsSettings, settings
from .._core.spec import require_text
from .._deps import anyio, httpx
from .._engine.interruption import Interruption, Signals
from .._http.client import Http
from .._http.client_certificate import ClientCertificate, load_client_certificate
from .._http.exchange import Auth
from .._http.throttle import Pressure
from .._http.tls import tls_context
from .base import MACHINES, Provider, Scope

if t.TYPE_CHECKING:
    from .._arm.client import Arm
    from .._core.settings import ArmSettings

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
"""httpx's own."""
GOODBYE = 2.0
"""Seconds that connections may take to close."""

__all__ = ["Provider", "Providers", "RunContext", "Scope"]


class RunContext(t.NamedTuple):
    """What a run takes from its surroundings: environment variables, the wall clock, in tests another transport.

    `check_only`: nothing may be changed. `redactor` knows the secrets that nothing may show. `signals` opens the way on
    which signals arrive; `interruption` is what they end. `sign_ins` collects how the run signed in to each service,
    `pressure` gives who learns of a service's trouble and limits, and `report` hears what the run waits for.
    """

    environ: t.Mapping[str, str]
    wall_clock: t.Callable[[], datetime]
    transport: httpx.AsyncBaseTransport | None = None
    signals: Signals | None = None
    interruption: Interruption | None = None
    sign_ins: dict[str, Auth] | None = None
    pressure: t.Callable[[str], Pressure] | None = None
    report: Report | None = None
    check_only: bool = False
    redactor: Redactor | None = None


class Providers:
    """The services of one task, each set up when first needed and closed together."""

    def __init__(self, params: t.Mapping[str, t.Any], context: RunContext, deadline: Deadline) -> None:
        self._params = params
        self._context = context
        self.deadline = deadline
        self._redactor = context.redactor or Redactor()
        self._stack = AsyncExitStack()
        self._client: httpx.AsyncClient | None = None
        self._local: httpx.AsyncClient | None = None
        self._tls: dict[ClientCertificate | None, ssl.SSLContext] = {}
        self._made: dict[str, Provider] = {}
        self._addresses: dict[str, str] = {}
        self._arm: tuple[Arm, ArmSettings] | None = None
        self._opening = anyio.Lock()

    async def __aenter__(self) -> Providers:
        return self

    async def __aexit__(self, *problem: t.Any) -> None:
        # The work is done by now: a signal that comes meanwhile must not hide what became of it.
        with anyio.move_on_after(GOODBYE, shield=True):
            await self._stack.aclose()

    async def of(self, reference: str) -> Provider:
        """The provider that `reference` belongs to."""
        return await self._get(self.service_of(reference))

    @staticmethod
    def service_of(reference: str) -> str:
        """The service that `reference` belongs to: a leading slash is an ARM id, everything else SPF's.

        InvalidInput, before any option of a connection is read, for what belongs to none.
        """
        if not reference.startswith("/"):
            if "/subscriptions/" in reference.replace("\\", "/").lower():
                raise InvalidInput(
                    f"{format_value(reference)} is no id, but holds one.",
                    subject="vm",
                    remedy="An ARM id begins with /subscriptions/; give it without what stands before it.",
                )
            return "spf"
        kind = _arm_id.parse(reference).type
        for provider, name in MACHINES.items():
            if kind.lower() == name.lower():
                return provider
        raise InvalidInput(
            f"{kind} is no VM that this release knows.",
            subject=f"vm {reference}",
            remedy=f"Azure VMs are {MACHINES['compute']}, VMs of Arc-enabled SCVMM {MACHINES['scvmm']}; SPF's are "
            "given by name or GUID.",
        )

    async def of_scope(self, scope: Scope) -> Provider:
        """The provider whose whole scope is asked for."""
        return await self._get(scope.kind)

    def address_of(self, kind: str) -> str:
        """The address that is asked for a service's VMs (`VM.service`); empty as long as it was not needed."""
        return self._addresses.get("spf" if kind == "spf" else "arm", "")

    async def _get(self, kind: str) -> Provider:
        if kind not in self._made:
            self._made[kind] = self._spf() if kind == "spf" else await self._azure(kind)
        return self._made[kind]

    def _spf(self) -> Provider:
        from .spf.provider import Spf
        from .spf.sign_in import auth_of

        spf = settings(SpfSettings, self._params, self._context.environ)
        certificate = None
        if spf.spf_client_cert is not None:
            certificate = ClientCertificate(spf.spf_client_cert, spf.spf_client_key, spf.spf_client_cert_password)
        clock = self._context.wall_clock
        auth = auth_of(spf, self._redactor, clock, partial(self._new_client, certificate, single=True), self._stack)
        if self._context.sign_ins is not None:
            self._context.sign_ins["spf"] = auth
        if certificate is None:
            client = self._http()
        else:  # nobody but SPF is shown it
            client = self._new_client(certificate)
            self._stack.push_async_callback(client.aclose)
        label = f"spf {_origin(spf.root)}"
        http = Http(client, spf.root, label, self.deadline, auth=auth, pressure=self._pressure("spf", spf.root))
        return Spf(http, spf, clock)

    async def _azure(self, kind: str) -> Provider:
        arm, arm_settings = await self.arm()
        clock = self._context.wall_clock
        if kind == "scvmm":
            from .scvmm import Scvmm

            return Scvmm(arm, arm_settings.scvmm_api_version, arm_settings.subscription_id, clock)
        from .compute.provider import Compute

        collection = self._params.get("collection")
        require_text("collection", collection)
        return Compute(arm, arm_settings, collection, clock)

    async def arm(self) -> tuple[Arm, ArmSettings]:
        """The one resource manager of the task and its settings; all of Azure shares its sign-in."""
        async with self._opening:
            if self._arm is None:
                self._arm = await self._open_arm()
            return self._arm

    async def _open_arm(self) -> tuple[Arm, ArmSettings]:
        from .._arm.buckets import counted
        from .._arm.client import Arm
        from .._http.auth import clouds
        from .azure_credentials import choose
        from .azure_sign_in import WAYS, Surroundings, sign_in

        choice = choose(self._params, self._context.environ)
        self._redactor.add(choice.settings.secret)
        self._redactor.add(choice.settings.access_token)
        client = self._http()
        name = choice.settings.cloud_environment
        if "://" in name:
            cloud = await clouds.discover(Http(client, name, f"arm {_origin(name)}", self.deadline), name)
        else:
            cloud = clouds.known(name)
        surroundings = Surroundings(
            self._context.environ,
            self._context.wall_clock,
            self.deadline,
            self._redactor,
            http=lambda url: Http(client, url, f"sign-in {_origin(url)}", self.deadline),
            direct=lambda url: Http(self._direct(), url, f"managed identity {_origin(url)}", self.deadline),
        )
        auth, sign_in_name, arm = await sign_in(choice, cloud, surroundings)
        auth.way = WAYS[choice.kind]
        if self._context.sign_ins is not None:
            self._context.sign_ins["azure"] = auth
        label = f"arm {_origin(cloud.arm)}"
        http = Http(
            client,
            cloud.arm,
            label,
            self.deadline,
            auth=auth,
            redactor=self._redactor,
            pressure=self._pressure("arm", cloud.arm),
            counted=counted,
        )
        return Arm(http, cloud.arm, sign_in_name), arm

    def _pressure(self, name: str, address: str) -> Pressure | None:
        self._addresses[name] = address
        return None if self._context.pressure is None else self._context.pressure(address)

    def _http(self) -> httpx.AsyncClient:
        """One pool for the task. Proxies come from the environment; redirects are never followed."""
        if self._client is None:
            self._client = self._new_client()
            self._stack.push_async_callback(self._client.aclose)
        return self._client

    def _direct(self) -> httpx.AsyncClient:
        """A pool for endpoints of this machine or its host: a proxy could not reach them, and must not see them."""
        if self._local is None:
            self._local = httpx.AsyncClient(
                verify=False,
                transport=self._context.transport,
                trust_env=False,
                follow_redirects=False,
            )
            self._stack.push_async_callback(self._local.aclose)
        return self._local

    def _new_client(self, certificate: ClientCertificate | None = None, *, single: bool = False) -> httpx.AsyncClient:
        """A client of this task's; with a `single` connection for a sign-in that belongs to its connection."""
        tls = settings(TlsSettings, self._params, self._context.environ)
        context = self._tls.get(certificate)
        if context is None:  # reading the authorities takes longer than a request
            context = self._tls[certificate] = tls_context(tls.validate_certs, tls.ca_path)
            if certificate is not None:
                load_client_certificate(context, certificate)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1) if single else _LIMITS
        try:
            return httpx.AsyncClient(
                verify=context, transport=self._context.transport, limits=limits, follow_redirects=False
            )
        except ImportError:
            raise InvalidInput(
                "ALL_PROXY, HTTPS_PROXY: a SOCKS proxy needs the Python package socksio.",
                remedy="Install httpx[socks] where the module runs, or use an HTTP proxy.",
            ) from None
        except (ValueError, httpx.InvalidURL):  # httpx's own words would show a proxy's password
            raise InvalidInput(
                "ALL_PROXY, HTTPS_PROXY, HTTP_PROXY, NO_PROXY: one of them is no address that can be used.",
                remedy="Correct or unset it; write IPv6 addresses in NO_PROXY without brackets.",
            ) from None


def load_services() -> None:
    """Load the files of every service and sign-in now, for processes that are forked from this one."""
    from .._http.auth import (
        automatic,
        azure_cli,
        certificate,
        certificate_assertion,
        client_secret,
        disk_cache,
        federation,
        managed_identity,
        windows,
    )
    from . import azure_credentials, azure_sign_in, scvmm
    from .compute import provider
    from .spf import provider as spf
    from .spf import sign_in

    del automatic, azure_cli, certificate, certificate_assertion, client_secret, disk_cache, federation
    del managed_identity, windows, azure_credentials, azure_sign_in, scvmm, provider, spf, sign_in


def _origin(url: str) -> str:
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode()}"
