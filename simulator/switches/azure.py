# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody outside Microsoft knows about Azure Compute, one switch each."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.switches.field import switch


@dataclass
class AzureSwitches:
    """Every switch of the Compute service; part of `Switches`."""

    # How long things take
    compute_point_takes: str = switch(
        "40s to 300s",
        "how long making a restore point takes; the seed decides where in a range",
        "recorded: 40 to 106 s in 2021 to 2023, more than 217 s in 2026",
    )
    compute_copy_takes: str = switch("60s", "how long the data of a copy is on its way", "documented: hours to 2 weeks")
    compute_copy_starts: str = switch(
        "2s", "how long the operation of a copy runs; then the data begins", "recorded: 6 s"
    )
    compute_hydration_takes: str = switch(
        "0s",
        "how long the data of a new restore point is on its way beside its VM; its disks show how far they are",
        "[I] documented for snapshots of Ultra and Premium SSD v2 disks; of points [U]",
    )
    compute_instant_takes: str = switch(
        "600s",
        "how long the data of Ultra and Premium SSD v2 disks is on its way after a point with instant access is made",
        "recorded 2026-04: 0 % when the point has succeeded; how long it takes is [U]",
    )
    compute_pending_seconds: float = switch(
        0.0, "seconds that every new point is Pending after it has succeeded", "[U] a documented state, of which moment"
    )
    compute_view_rows: str = switch(
        "instant",
        "the disks in the instance view of a point with instant access: only those that take part in it, or all",
        "recorded 2026-04: the Premium_LRS OS disk is not listed",
        "instant",
        "all",
    )
    compute_point_delete_takes: str = switch("2s", "how long deleting a restore point takes", "recorded: 5 to 10 s")
    compute_collection_delete_takes: str = switch("1s", "how long deleting a collection takes", "recorded: 30 ms")
    compute_disk_takes: str = switch(
        "1s", "how long creating, changing or deleting a disk takes", "recorded: under 1 s"
    )
    compute_disk_deleting: str = switch(
        "shown",
        "whether a disk that is being deleted shows it in its provisioningState",
        "documented: ARM's resource provider contract; seen (Azure Storage Explorer, issue 7937)",
        "shown",
        "hidden",
    )
    compute_deletes: str = switch(
        "accepted",
        "DELETE of a collection, point, disk or VM: 202 and an operation, or 200 without a body once it is done",
        "recorded: 202; the swagger has 200 and 204, too",
        "accepted",
        "at_once",
    )
    compute_vm_takes: str = switch("3s", "how long a change of a VM takes", "[U]")
    compute_vm_power_takes: str = switch("3s", "how long start, deallocate, powerOff and restart take", "[U]")
    compute_access_takes: str = switch("1s", "how long beginGetAccess and endGetAccess take", "[U]")
    compute_agent_seconds: float = switch(0.0, "seconds after a start until the VM's agent is ready", "[U]")
    compute_copy_step: float = switch(
        0.0, "seconds between two changes of a copy's percentages; 0: none", "documented: 600"
    )

    # Operations
    compute_location_header: bool = switch(
        False, "creating a point answers Location, too", "recorded without; typespec of 2025 has it"
    )
    compute_retry_after: int = switch(
        0, "seconds in Retry-After of answers that begin an operation, and of polls; 0: no header", "recorded without"
    )
    compute_vm_retry_after: int = switch(2, "the same for polls of a change of a VM", "recorded: 2")
    compute_signed_urls: bool = switch(
        True, "status URLs carry t, c, s and h, and answer nothing else", "recorded since December 2023"
    )
    compute_time_offset: str = switch(
        "+00:00", "the offset times are written with", "recorded +00:00, and -07:00 in 2026"
    )
    compute_quota_headers: str = switch(
        "2026", "the names in x-ms-ratelimit-remaining-resource", "recorded in both years", "2023", "2026"
    )
    compute_remaining_zero: bool = switch(
        False, "remaining requests are 0 on answers that succeed", "recorded in April 2026"
    )

    # Restore points and collections
    compute_reput: str = switch(
        "409", "PUT of a restore point that exists: refused, answered unchanged, made anew", "[U]", "409", "200", "201"
    )
    compute_readonly_members: str = switch(
        "refused",
        "a PUT or PATCH that sends a member which the swagger marks readOnly: taken without it, or 400",
        "[U]",
        "ignored",
        "refused",
    )
    compute_immutable_code: str = switch(
        "PropertyChangeNotAllowed",
        "the code for another source of a collection",
        "[U]",
        "PropertyChangeNotAllowed",
        "InvalidParameter",
        "BadRequest",
        "OperationNotAllowed",
    )
    compute_location_code: str = switch(
        "InvalidResourceLocation",
        "the code for another location of a collection",
        "ARM's own; whether it comes first is [U]",
        "InvalidResourceLocation",
        "PropertyChangeNotAllowed",
    )
    compute_cross_region_vm: str = switch(
        "allowed",
        "a collection in another region than its source VM",
        "an example has one; the quickstart asks for a collection as source",
        "allowed",
        "refused",
    )
    compute_max_points: int = switch(500, "restore points that a VM may have", "documented; 200 in older text")
    compute_max_collections: int = switch(10000, "collections in a subscription and region", "documented")
    compute_hourly_limit: str = switch(
        "429",
        "more points in an hour than allowed: 429, an operation that fails, or no limit",
        "documented: 429; the support matrix speaks of failure",
        "429",
        "failed",
        "off",
    )
    compute_frequency: str = switch(
        "hourly",
        "what the limit is: 3 per hour, VM and consistency; or one in 3 h (application) and one per h (crash)",
        "two documents conflict",
        "hourly",
        "matrix",
    )
    compute_429_body: str = switch(
        "bare", "the body of Compute's 429", "documented without `error` around it", "bare", "wrapped"
    )
    compute_concurrent_create: str = switch(
        "409", "a second restore point while one is made of the VM", "[U] code documented, form not", "409", "failed"
    )
    compute_refusals: str = switch(
        "409",
        "limits, disks that cannot be captured, open access: an answer, or an operation that fails",
        "[U] codes documented, form not",
        "409",
        "failed",
    )
    compute_no_agent: str = switch(
        "fails",
        "application consistency without a ready agent: VMAgentStatusCommunicationError, or a crash consistent point",
        "[U]",
        "fails",
        "downgrades",
    )
    compute_failed_point: str = switch(
        "kept", "what a failed create leaves", "[I] provisioningState has Failed", "kept", "removed"
    )
    compute_missing_point_code: str = switch(
        "ResourceNotFound", "the code for a restore point that is not there", "[U]", "ResourceNotFound", "NotFound"
    )
    compute_copy_time: str = switch(
        "source", "timeCreated of a copy", "recorded 2023-05; a README says its own", "source", "own"
    )
    compute_tags_takes: str = switch(
        "0s",
        "how long a change of tags at scope takes: 0s is 200 at once, else 202 with Location",
        "documented: 200, and in newer models 202",
    )
    compute_point_lock: str = switch(
        "enforced",
        "a management lock on a restore point: forbids its removal, is taken and forbids nothing, or is refused",
        "documented for child resources; of restore points [U]",
        "enforced",
        "ignored",
        "refused",
    )

    # Disks and VMs
    compute_incomplete_copy: str = switch(
        "broken",
        "a disk from a copy that is still on its way: made, without its files, or refused",
        "documented: nothing is checked; what one then has is [U]",
        "broken",
        "refused",
    )
    compute_lun_swap: str = switch(
        "allowed",
        "another disk at a data disk's LUN in one update",
        "[I]; PropertyChangeNotAllowed in azure-sdk-for-java#2925",
        "allowed",
        "refused",
    )
    compute_swap_delete_option: str = switch(
        "ignored", "deleteOption Delete of a disk that is swapped out", "[U]", "ignored", "honoured"
    )

    # Lists and Resource Graph
    compute_page_size: int = switch(0, "entries on a page of a list; 0: one page", "nextLink is documented")
    compute_empty_page: bool = switch(False, "paged lists begin with an empty page", "documented as legal")
    compute_list_all_case: str = switch(
        "upper", "resource group names when a subscription is listed", "recorded upper case", "upper", "kept"
    )
    compute_graph_page_size: int = switch(1000, "rows on a page of Resource Graph", "documented")
    compute_graph_stale_seconds: float = switch(
        0.0, "how long Resource Graph does not know what has happened", "eventually consistent; how long is [U]"
    )
