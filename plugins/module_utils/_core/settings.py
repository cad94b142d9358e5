# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of each service, from the task or else from the environment, validated."""

from __future__ import annotations

import typing as t
import urllib.parse

from .._deps import pydantic
from .errors import InvalidInput
from .fields import OptionsModel
from .option_texts import (
    ApiVersion,
    BearerToken,
    FilePath,
    HeaderText,
    Https,
    Password,
    Segment,
    ServicePrincipal,
    Tenant,
    Thumbprint,
    User,
    https_url,
)
from .spec import Guid, validate_options

ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "spf_url": ("SPF_URL",),
    "spf_subscription_id": ("SPF_SUBSCRIPTION_ID",),
    "spf_stamp_id": ("SPF_STAMP_ID",),
    "spf_principal_id": ("SPF_PRINCIPAL_ID",),
    "spf_auth": ("SPF_AUTH",),
    "spf_username": ("SPF_USERNAME",),
    "spf_password": ("SPF_PASSWORD",),
    "spf_token": ("SPF_TOKEN",),
    "spf_token_file": ("SPF_TOKEN_FILE",),
    "spf_keytab": ("SPF_KEYTAB",),
    "spf_service_principal": ("SPF_SERVICE_PRINCIPAL",),
    "spf_channel_bindings": ("SPF_CHANNEL_BINDINGS",),
    "spf_client_cert": ("SPF_CLIENT_CERT",),
    "spf_client_key": ("SPF_CLIENT_KEY",),
    "spf_client_cert_password": ("SPF_CLIENT_CERT_PASSWORD",),
    "spf_update_method": ("SPF_UPDATE_METHOD",),
    "subscription_id": ("AZURE_SUBSCRIPTION_ID",),
    "tenant": ("AZURE_TENANT", "AZURE_TENANT_ID"),
    "client_id": ("AZURE_CLIENT_ID",),
    "secret": ("AZURE_SECRET", "AZURE_CLIENT_SECRET"),
    "access_token": ("AZURE_ACCESS_TOKEN",),
    "x509_certificate_path": ("AZURE_X509_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PATH"),
    "x509_certificate_password": ("AZURE_CLIENT_CERTIFICATE_PASSWORD",),
    "thumbprint": ("AZURE_THUMBPRINT",),
    "send_certificate_chain": ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",),
    "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
    "service_connection_id": ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",),
    "profile": ("AZURE_PROFILE",),
    "auth_source": ("ANSIBLE_AZURE_AUTH_SOURCE",),
    "token_cache": ("HYBRIDVM_TOKEN_CACHE",),
    "cloud_environment": ("AZURE_CLOUD_ENVIRONMENT",),
    "scvmm_api_version": ("HYBRIDVM_SCVMM_API_VERSION",),
    "compute_api_version": ("HYBRIDVM_COMPUTE_API_VERSION",),
    "disk_api_version": ("HYBRIDVM_DISK_API_VERSION",),
    "ca_path": ("HYBRIDVM_CA_PATH",),
    "validate_certs": ("HYBRIDVM_VALIDATE_CERTS",),
}
"""Each option's environment fallbacks; Azure's are azcollection's and Microsoft's. Two that differ are an error."""

SPF_WAYS: dict[str, tuple[str, ...]] = {
    "spf_token": (),
    "spf_token_file": (),
    "spf_client_cert": ("spf_client_key", "spf_client_cert_password"),
    "spf_keytab": (),
    "spf_password": (),
}
"""The options that each are a credential for SPF, and what goes with each alone."""
SPF_CREDENTIALS: dict[str | None, tuple[str, ...]] = {
    "kerberos": ("spf_keytab", "spf_password"),
    "ntlm": ("spf_password",),
    "negotiate": ("spf_keytab", "spf_password"),
    "basic": ("spf_password",),
    "bearer": ("spf_token", "spf_token_file"),
    "certificate": ("spf_client_cert",),
}
"""Which of them each `spf_auth` takes; `auto` takes any."""
AZURE_WAYS = ("access_token", "secret", "x509_certificate_path", "federated_token_file")
"""The options that each decide how to sign in to Azure, in the order in which they count."""
AZURE_CREDENTIALS = (
    "tenant",
    "client_id",
    *AZURE_WAYS,
    "x509_certificate_password",
    "thumbprint",
    "send_certificate_chain",
    "profile",
)
"""What belongs to one identity: taken from one place, or completed by the environment where the task begins it."""
_OF_CERTIFICATE = ("x509_certificate_password", "thumbprint", "send_certificate_chain")
_OF_SOURCE: dict[str | None, tuple[str, ...]] = {
    "token": ("access_token",),
    "msi": ("client_id",),
    "cli": (),
    "oidc": ("tenant", "client_id", "federated_token_file"),
    "credential_file": ("profile",),
}
"""Whose variables an `auth_source` reads. What another one would read does not concern it, not even if it is wrong."""
PATHS = (
    "spf_token_file",
    "spf_keytab",
    "spf_client_cert",
    "spf_client_key",
    "x509_certificate_path",
    "federated_token_file",
    "ca_path",
)
"""Options that name files."""


IN_ANY_CASE = ("tenant",)
"""Options of which two spellings that differ in case alone are the same."""
INSTEAD = {"spf_token": ("spf_token_file",)}
"""Options that serve as well where one is missing."""


class SpfSettings(OptionsModel):
    """The connection to SPF. `root` is the service root that every URL starts with."""

    spf_url: Https | None = None
    spf_subscription_id: Segment | None = None
    spf_stamp_id: Guid | None = None
    spf_principal_id: HeaderText | None = None
    spf_auth: t.Literal["auto", "kerberos", "ntlm", "negotiate", "basic", "bearer", "certificate"] = "auto"
    spf_username: User | None = None
    spf_password: Password | None = None
    spf_token: BearerToken | None = None
    spf_token_file: FilePath | None = None
    spf_keytab: FilePath | None = None
    spf_service_principal: ServicePrincipal | None = None
    spf_channel_bindings: t.Literal["auto", "omit"] = "auto"
    spf_client_cert: FilePath | None = None
    spf_client_key: FilePath | None = None
    spf_client_cert_password: Password | None = None
    spf_update_method: t.Literal["merge", "put", "patch", "post_tunnel"] = "merge"

    @pydantic.model_validator(mode="after")
    def _complete(self) -> t.Self:
        needs = ["spf_url", *self._needs()]
        if "{subscription_id}" in (self.spf_url or ""):
            needs.append("spf_subscription_id")
        missing = [name for name in needs if not getattr(self, name)]
        if missing:
            raise ValueError(
                f"{lacking(f'SPF with spf_auth {self.spf_auth}', missing)}. A VM given by name or GUID is SPF's; "
                "one of Arc-enabled SCVMM or of Azure is given by its ARM id"
            )
        if self.spf_token and self.spf_token_file:
            raise ValueError("spf_token, spf_token_file: give one of them")
        for name in ("spf_client_key", "spf_client_cert_password"):
            if getattr(self, name) and not self.spf_client_cert:
                raise ValueError(f"{name}: goes with spf_client_cert")
        return self

    def _needs(self) -> tuple[str, ...]:
        """What the way to sign in cannot do without. Kerberos may have a ticket, which only trying shows."""
        user = ("spf_username", "spf_password")
        needed = {
            "basic": user,
            "ntlm": user,
            "bearer": () if self.spf_token_file else ("spf_token",),
            "certificate": ("spf_client_cert",),
        }
        if self.way in needed:
            return needed[self.way]
        if self.spf_keytab:
            return ("spf_username",)
        # One without the other is a slip, and does not ask for a ticket.
        return user if self.spf_username or self.spf_password else ()

    @property
    def way(self) -> str:
        """`spf_auth`, or with `auto` what a given token or certificate decides."""
        if self.spf_auth != "auto":
            return self.spf_auth
        if self.spf_token or self.spf_token_file:
            return "bearer"
        return "certificate" if self.spf_client_cert else "auto"

    @property
    def principal(self) -> str:
        """On whose behalf jobs run: the option, else the user if a header can hold the name. SPF accepts any value."""
        name = self.spf_username or ""
        sendable = name.isascii() and name.isprintable() and name == name.strip()
        return self.spf_principal_id or (name if sendable else "") or "hybridvm.checkpoints"

    @property
    def root(self) -> str:
        """The service root with the subscription in its place."""
        return (self.spf_url or "").replace(
            "{subscription_id}", urllib.parse.quote(self.spf_subscription_id or "", safe="")
        )


class ArmSettings(OptionsModel):
    """The connection to Azure Resource Manager."""

    subscription_id: Guid | None = None
    tenant: Tenant | None = None
    client_id: HeaderText | None = None
    secret: Password | None = None
    access_token: BearerToken | None = None
    x509_certificate_path: FilePath | None = None
    x509_certificate_password: Password | None = None
    thumbprint: Thumbprint | None = None
    send_certificate_chain: bool = False
    federated_token_file: FilePath | None = None
    service_connection_id: HeaderText | None = None
    profile: str | None = None
    auth_source: t.Literal["auto", "env", "credential_file", "cli", "msi", "oidc", "token"] = "auto"
    token_cache: bool = False
    cloud_environment: str = "AzureCloud"
    scvmm_api_version: ApiVersion = "2024-06-01"
    compute_api_version: ApiVersion = "2024-07-01"
    disk_api_version: ApiVersion = "2024-03-02"

    @pydantic.field_validator("cloud_environment")
    @classmethod
    def _known(cls, value: str) -> str:
        return https_url(value) if "://" in value else value


class TlsSettings(OptionsModel):
    """Which certificates to trust; the same for every service of a task."""

    ca_path: FilePath | None = None
    validate_certs: bool = True


Settings = t.TypeVar("Settings", SpfSettings, ArmSettings, TlsSettings)


def settings(
    kind: type[Settings],
    params: t.Mapping[str, t.Any],
    environ: t.Mapping[str, str],
    origins: t.Mapping[str, str] | None = None,
) -> Settings:
    """The options of one service, each from the task or else from the environment; InvalidInput names what is wrong.

    `origins` says of an option of `params` where it comes from, if not from the task.
    """
    # An unanswered survey field is an empty text: for a connection option that means not given.
    found = {name: None if params.get(name) == "" else params.get(name) for name in kind.model_fields}
    if "auth_source" in found:
        environ = _azure_environ(found, environ)
    if "spf_auth" in found:
        environ = _spf_environ(found, environ)
    names = {name: f"{name} ({origin})" for name, origin in (origins or {}).items()}
    for name, value in found.items():
        if value is None and (fallback := from_environment(name, environ)) is not None:
            found[name] = fallback
            names[name] = f"{name} ({' or '.join(v for v in ENVIRONMENT[name] if v in environ)})"
        if name in PATHS:
            found[name] = _at_home(found[name], environ)
    return validate_options(kind, found, names)


def _at_home(path: t.Any, environ: t.Mapping[str, str]) -> t.Any:
    """A path with ~ as Ansible expands it in a task; a variable or profile holds it as it was written."""
    home = environ.get("HOME")
    return f"{home}{path[1:]}" if home and isinstance(path, str) and path.startswith("~/") else path


def _azure_environ(found: dict[str, t.Any], environ: t.Mapping[str, str]) -> t.Mapping[str, str]:
    """The environment without what the task's own Azure credentials exclude; with `env`, `found` loses those."""
    source = found["auth_source"] or from_environment("auth_source", environ)
    if source == "env":
        # As in azure.azcollection: with `env` the task's own credentials are ignored.
        found.update(dict.fromkeys(AZURE_CREDENTIALS))
    others = {name for name in AZURE_CREDENTIALS if name not in _OF_SOURCE.get(source, AZURE_CREDENTIALS)}
    if source != "token" and any(found[name] for name in AZURE_CREDENTIALS):
        others |= {"access_token", "profile"}
    if source not in _OF_SOURCE and any(found[name] for name in AZURE_WAYS):
        others |= {name for name in AZURE_WAYS if not found[name]}
    if "x509_certificate_path" in others:
        others.update(_OF_CERTIFICATE)
    return without_variables(environ, others)


def _spf_environ(found: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> t.Mapping[str, str]:
    """The environment without the credentials that the task's own one, or `spf_auth`, excludes."""
    auth = found["spf_auth"] or from_environment("spf_auth", environ)
    wanted = [name for name in SPF_WAYS if found[name]] or SPF_CREDENTIALS.get(auth, tuple(SPF_WAYS))
    others = [name for name in SPF_WAYS if name not in wanted]
    return without_variables(environ, {*others, *(each for name in others for each in SPF_WAYS[name])})


def without_variables(environ: t.Mapping[str, str], options: t.Container[str]) -> dict[str, str]:
    """The environment without the fallbacks of these options."""
    hidden = {variable for option, variables in ENVIRONMENT.items() if option in options for variable in variables}
    return {variable: value for variable, value in environ.items() if variable not in hidden}


def skips_tls_verification(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> bool:
    """Whether the user has turned the verification of certificates off."""
    try:
        return not settings(TlsSettings, params, environ).validate_certs
    except InvalidInput:
        return False


def from_environment(name: str, environ: t.Mapping[str, str]) -> str | None:
    """The option's fallback; InvalidInput if two of its variables are set and differ."""
    found = {variable: value for variable in ENVIRONMENT[name] if (value := environ.get(variable))}
    spellings = {value.lower() if name in IN_ANY_CASE else value for value in found.values()}
    if len(spellings) > 1:
        raise InvalidInput(
            f"{name}: the environment variables {' and '.join(found)} differ.",
            remedy=f"Unset one of them, or set {name} in the task.",
        )
    return next(iter(found.values()), None)


def lacking(what: str, names: t.Sequence[str]) -> str:
    """Which options are missing for what, each with its variables."""
    listed = ", ".join(" or ".join(_with_variables(each) for each in (name, *INSTEAD.get(name, ()))) for name in names)
    return f"{what} needs {listed}"


def _with_variables(name: str) -> str:
    return f"{name} ({' or '.join(ENVIRONMENT[name])})"
