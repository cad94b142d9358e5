# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody outside Microsoft knows about the services, one switch each: a client must cope with every position."""

from __future__ import annotations

import re
from dataclasses import Field, dataclass, fields
from typing import Any

from simulator.switches.azure import AzureSwitches
from simulator.switches.clocks import ClockSwitches
from simulator.switches.field import switch
from simulator.switches.stored import StoredSwitches
from simulator.timing import Timing


@dataclass
class Switches(AzureSwitches, StoredSwitches, ClockSwitches):
    """Every switch with its default; `set` is the only way to change one from outside."""

    # How long things take
    create_takes: str = switch("4s", "how long a create takes: `4s`, `3 looks`, `never`", "recorded: 23 to 25 s on Arc")
    restore_takes: str = switch("5s", "how long a restore takes", "recorded: 18 to 49 s on Arc")
    delete_takes: str = switch("3s", "how long a delete takes", "recorded: 18 to 21 s on Arc")
    power_takes: str = switch("2s", "how long a power operation takes", "[U]")
    put_takes: str = switch("10s", "how long the PUT of a virtual machine instance takes", "recorded: 225 s")
    update_takes: str = switch("0s", "how long a new name or description takes", "[U]")

    # VMM, behind both services
    max_checkpoints: int = switch(50, "checkpoints a VM may have", "Hyper-V scalability page; 64 in bb740891")
    failed_create_row: str = switch(
        "removed", "what a failed create leaves in VMM's database", "[U] docs/services.md", "removed", "left"
    )
    delete_children: str = switch(
        "reparented", "what becomes of a deleted checkpoint's children", "[I] Hyper-V", "reparented", "deleted"
    )
    pointer_after_restore: str = switch(
        "moves",
        "what the VM's pointer to its checkpoint shows after a restore: that one, what it showed before, no "
        "checkpoint, nothing at all",
        "[I] docs/services.md",
        "moves",
        "stays",
        "root",
        "none",
    )
    pointer_after_delete: str = switch(
        "parent",
        "what it shows once the checkpoint that it showed is deleted: its parent, still the one that is gone, no "
        "checkpoint, nothing at all",
        "[I] docs/services.md",
        "parent",
        "stays",
        "root",
        "none",
    )
    restored_power: str = switch(
        "by_type",
        "power state after a restore: as it was, off, or by_type: off after a production checkpoint alone",
        "[I] by_type: a production checkpoint holds no memory (checkpoints.md of the Hyper-V guide)",
        "captured",
        "off",
        "by_type",
    )
    null_name: str = switch(
        "numeric",
        "name of a checkpoint without one: `X - (09/11/2017 10:37:50)`, `X - (9/11/2017 - 10:37:50 AM)` or empty",
        "both seen in inventories of 2014 and 2017; which one when is [U]",
        "numeric",
        "us",
        "empty",
    )
    date_header: bool = switch(True, "answers carry a Date header", "every capture has one; intermediaries drop it")

    # SPF
    spf_request_id_header: bool = switch(
        True, "writes answer x-ms-request-id, the job's id", "dn785087; for VMCheckPoints [I]"
    )
    spf_write_waits: bool = switch(
        False, "MERGE, PUT and DELETE of a checkpoint answer when the job is done", "[U] 4.3"
    )
    spf_vm_update_waits: bool = switch(
        True, "an update of a VM waits, unless ?RunAsynchronously=1 is sent", "documented: dn785074"
    )
    spf_job_hidden_seconds: float = switch(
        0.0, "a new job cannot be read for so long", "WAPack polls an empty answer on"
    )
    spf_job_purged_seconds: float = switch(0.0, "a job cannot be read that long after its end; 0: always", "[U]")
    spf_host_id: str = switch(
        "filled", "CheckpointID once the job is done", "dn785083 shows null after 6 minutes", "filled", "never"
    )
    spf_filter_vmid: str = switch(
        "works", "$filter=VMId eq guid'...' on VMCheckPoints", "[I] 1.2", "works", "ignored", "501", "400"
    )
    spf_filter_or: str = switch(
        "400",
        "$filter=ID eq ... or ID eq ...: that status, works, only the first counts, or the filter is ignored",
        "[U] working clients send eq and and alone",
        "400",
        "501",
        "works",
        "first",
        "ignored",
    )
    spf_expand: str = switch(
        "works",
        "$expand=VMCheckpoints on VirtualMachines: works, ignored, always empty, or that status",
        "the vendor's own cmdlets send it (VirtualMachineOperations.cs); how else it may answer is [U]",
        "works",
        "ignored",
        "empty",
        "400",
        "404",
        "500",
        "501",
    )
    spf_select: str = switch(
        "works", "$select on VirtualMachines and VMCheckPoints", "clients send it on Clouds; here [I]", "works", "400"
    )
    spf_paging: str = switch(
        "off",
        "long lists are cut, with a next link of that form",
        "[I] no client follows one",
        "off",
        "absolute",
        "relative",
    )
    spf_page_size: int = switch(2, "entities on a page while spf_paging is on", "[U]")
    spf_patch: bool = switch(True, "PATCH is taken for MERGE", "seen once, on VirtualMachines (Perl plugin)")
    spf_tunnel: bool = switch(True, "POST with X-HTTP-Method is taken for that method", "[U] WCF Data Services can")
    spf_principal_id: str = switch(
        "required",
        "x-ms-principal-id on subscription roots of SPF itself",
        "refused without it (cloudadministrator.net); status [U]",
        "required",
        "ignored",
    )
    spf_rights_refusal: str = switch("403", "how missing rights show", "[U] 5.9", "403", "job")
    spf_vmm_errors: str = switch(
        "job",
        "how VMM's own errors show: as a failed job or as the answer",
        "[O] jobs; synchronous form [U]",
        "job",
        "sync",
    )
    spf_sync_error_status: int = switch(500, "status of such an answer", "[U] 4.6", "400", "409", "500")
    spf_errors: str = switch(
        "odata",
        "body of errors on the portal's roots: OData, or the portal's own XML",
        "dasein WAPErrorModel",
        "odata",
        "wap",
    )
    spf_put_resets: bool = switch(
        True, "PUT sets members that are missing in the body to their defaults", "documented: dn458380; in practice [U]"
    )
    spf_utc_offset: str = switch("-07:00", "the offset times are written with", "dn785087")
    spf_set_action: str = switch(
        "accepted", "VMCheckPointAction `Set`", "dn785076 names it, jj906385 does not", "accepted", "refused"
    )

    # Arc-enabled SCVMM
    arc_connector: str = switch(
        "online",
        "the connector between Azure and VMM: while it is offline reads show what was last known, and what changes "
        "something fails as an operation, is refused at once, or is accepted and never ends",
        "[U] docs/services.md",
        "online",
        "fails",
        "409",
        "503",
        "hangs",
    )
    arc_retry_after: int = switch(
        0, "seconds in Retry-After of 202s; 0: no header", "recorded without; swagger names it"
    )
    arc_polling_headers: str = switch(
        "both", "which polling headers a 202 carries", "recorded both", "both", "location", "azure-asyncoperation"
    )
    arc_new_location: bool = switch(True, "every 202 poll gives a fresh URL", "recorded 2023-10-31")
    arc_poll_running_status: int = switch(
        202, "status of a poll while an action runs", "recorded 202; the RPC contract says 200", "200", "202"
    )
    arc_error_member: str = switch(
        "recorded",
        "`error: {}` beside Succeeded: after PUT and PATCH, always, never",
        "recorded 2023-10-31",
        "recorded",
        "always",
        "never",
    )
    arc_action_etag: bool = switch(
        True, "the 202 to an action carries ETag", "docs/services.md: some of 2024 do, those of 2023-10-31 do not"
    )
    arc_action_body: str = switch("null", "body of the 202 to an action", "recorded `null`", "null", "empty")
    arc_stale_seconds: float = switch(
        0.0, "how long GET still shows the checkpoints of before a finished operation", "[U] recorded fresh"
    )
    arc_lists_running_create: bool = switch(False, "GET lists a checkpoint whose create still runs", "[U]")
    arc_duplicate_name: str = switch("allowed", "a second checkpoint of one name", "[U]", "allowed", "refused")
    arc_delete_unknown: str = switch(
        "fails", "deleteCheckpoint of an id that is not there", "[U]", "succeeds", "fails", "404"
    )
    arc_bad_id: str = switch(
        "fails",
        "restoreCheckpoint of an id that is not there: 202 and a failed operation, or 400",
        "[U]",
        "fails",
        "400",
    )
    arc_restore_running: str = switch("allowed", "restore of a running VM", "[U]", "allowed", "fails")
    arc_concurrent: str = switch("409", "an operation while another one runs", "[U]", "409", "fails")
    arc_refusals: str = switch(
        "fails", "limit, state and rights of VMM: a failed operation, or 400 at once", "[U]", "fails", "400"
    )
    arc_id_case: str = switch("upper", "case of checkpoint ids", "recorded upper", "upper", "lower")
    arc_status_url_bytes: int = switch(4096, "length of a status URL", "recorded about 4 KB")
    arc_status_lifetime: float = switch(0.0, "seconds after its end an operation can be read; 0: always", "[U]")
    arc_provisioning_during: str = switch(
        "Succeeded", "provisioningState while an action runs", "[U]", "Succeeded", "Updating"
    )
    arc_restored_nic_network: str = switch(
        "lost",
        "whether a network adapter that a restore brings back is connected again",
        "recorded 2024: not in two of three",
        "lost",
        "kept",
    )
    arc_page_size: int = switch(0, "machines on a page of a list; 0: one page", "nextLink is documented")

    # Both services in ARM
    arm_buckets: float = switch(
        1.0,
        "ARM's token buckets, as a share of their documented sizes (reads 250 and 25 a second, writes and deletes 200 "
        "and 10 a second); 0: none",
        "documented: request-limits-and-throttling; answers of 2025 show larger ones",
    )

    # Sign-in
    spf_offers: str = switch(
        "basic",
        "what SPF's 401 offers and takes, in that order, besides bearer tokens: `basic`, `ntlm`, `negotiate`, several "
        "with commas, or `nothing`; Windows authentication needs pyspnego here too",
        "DamianFlynn's scspf-installation.asc: Web-Basic-Auth and Web-Windows-Auth; basic alone needs no package",
    )
    spf_bindings: str = switch(
        "accepted",
        "channel bindings (EPA) in NTLM: checked where the client sends some, or demanded",
        "[U] IIS's tokenChecking is None unless set",
        "accepted",
        "required",
    )
    spf_persistent_auth: bool = switch(
        True,
        "NTLM signs in the connection, not the single request",
        "captures of 2013: Persistent-Auth: true; IIS's authPersistSingleRequest",
    )
    token_lifetime: int = switch(3599, "seconds a token is good for", "Entra's usual 3599")
    token_checks_scope: bool = switch(True, "a token for another audience is refused by ARM", "Entra and ARM do")

    def set(self, name: str, value: object) -> None:
        """Set one switch from text, number or truth value; ValueError names what is possible."""
        found = next((each for each in fields(self) if each.name == name), None)
        if found is None:
            raise ValueError(f"there is no switch {name!r}")
        setattr(self, name, _coerced(found, value))

    def update(self, values: dict[str, Any]) -> None:
        """Set many, or none when one of them is wrong."""
        trial = Switches(**self.as_dict())
        for name, value in values.items():
            trial.set(name, value)
        for name in values:
            setattr(self, name, getattr(trial, name))

    def timing(self, kind: str) -> Timing:
        """The duration for a job kind; kinds without a switch of their own take as long as a power operation."""
        return Timing.parse(getattr(self, f"{kind}_takes", self.power_takes))

    def as_dict(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


def _coerced(found: Field[Any], value: object) -> object:
    if isinstance(found.default, bool):
        word = str(value).lower()
        if word not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
            raise ValueError(f"{found.name} is true or false, not {value!r}")
        return word in {"true", "1", "yes", "on"}
    choices: tuple[str, ...] = found.metadata["choices"]
    if choices and str(value) not in choices:
        raise ValueError(f"{found.name} is one of {', '.join(choices)}, not {value!r}")
    if isinstance(found.default, int | float):
        try:
            return type(found.default)(str(value))
        except ValueError:
            raise ValueError(f"{found.name} is a number, not {value!r}") from None
    if found.name.endswith(("_takes", "_starts")):
        try:
            Timing.parse(str(value))
        except ValueError as error:
            raise ValueError(f"{found.name}: {error}") from None
    if found.name == "spf_offers":
        words = [word.strip().lower() for word in str(value).split(",")]
        if not words or set(words) - {"basic", "ntlm", "negotiate", "nothing"}:
            raise ValueError(f"{found.name} is of basic, ntlm, negotiate, nothing, not {value!r}")
        return ",".join(words)
    if found.name in {"spf_utc_offset", "compute_time_offset"} and not re.fullmatch(r"[+-]\d\d:\d\d", str(value)):
        raise ValueError(f"{found.name} is written +05:30, not {value!r}")
    return str(value)
