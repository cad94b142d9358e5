# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which refusals mean that other work is under way, in the words and codes that the services use, and which do not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.busy import is_failed_by_lock, is_locked
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.polling import read_status
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import answer

NOT_PROVISIONED = (
    "Cannot proceed with operation because resource /subscriptions/x/nic used by resource /subscriptions/y/vm is not "
    "in Succeeded state. Resource is in {} state and the last operation that updated/is updating the resource is Put."
)
UNDER_WAY = [
    (
        "VMRestorePointClientError",
        "RestorePoint creation failed since a concurrent 'Create RestorePoint' operation was triggered on the VM.",
    ),
    (
        "OperationNotAllowed",
        "Changes were made to the Virtual Machine while the operation 'Create Restore Point' was in progress.",
    ),
    ("OperationNotAllowed", "Another write operation is running on the virtual machine 'shop01'. Please retry later."),
    ("OperationNotAllowed", "The VM 'shop01' is currently undergoing an update. Retry."),
    ("OperationNotAllowed", "Cannot perform the operation as there is already an operation running on the resource."),
    ("OperationNotAllowed", "The VM's disk 'x' is currently being detached from the VM 'shop01'."),
    ("ReferencedResourceNotProvisioned", NOT_PROVISIONED.format("Updating")),
    ("ResourceNotInSucceededState", "Resource in Updating state"),
]


def error(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "message": message, **more}


@pytest.mark.parametrize(("code", "message"), UNDER_WAY)
@pytest.mark.parametrize("status", [400, 409])
def test_other_work_under_way_is_a_lock(status: int, code: str, message: str) -> None:
    assert is_locked(status, error(code, message))
    assert is_failed_by_lock(error(code, message))
    assert read_status(answer(200, {"status": "Failed", "error": error(code, message)})).locked


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidParameter", "The restore point 'update in progress' has a name that is not allowed."),
        ("OperationNotAllowed", "The restore point 'update in progress' cannot be made of an ephemeral disk."),
        ("OperationNotAllowed", "The VM's name 'concurrent' is wrong."),
        ("BadRequest", "A concurrent request is not supported here."),
        ("InvalidParameter", "There is already an operation running."),
        ("ReferencedResourceNotProvisioned", NOT_PROVISIONED.format("Failed")),
        ("Conflict", "It exists."),
    ],
)
def test_a_400_that_only_sounds_so_is_a_refusal(code: str, message: str) -> None:
    assert not is_locked(400, error(code, message))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ReferencedResourceNotProvisioned", NOT_PROVISIONED.format("Failed")),
        ("OperationNotAllowed", "The VM is deallocated."),
        ("OperationNotAllowed", "The operation is not supported while the VM is not running."),
        ("ScopeLocked", "The scope cannot perform a write operation; another operation is running."),
    ],
)
def test_a_409_about_what_does_not_pass_by_itself_is_a_refusal(code: str, message: str) -> None:
    assert not is_locked(409, error(code, message))


@pytest.mark.parametrize("status", [400, 409, 503])
@pytest.mark.parametrize(
    "nested",
    [
        {"details": [{"code": "SomethingElse"}, {"code": "AnotherOperationInProgress", "message": "x"}]},
        {"details": [{"code": "X", "details": [{"code": "RetryableError"}]}]},
        {"innererror": {"code": "OperationPreempted"}},
        {"innerError": {"code": "ResourceBusy"}},
    ],
    ids=str,
)
def test_a_code_inside_a_generic_one_says_so_too(status: int, nested: dict[str, Any]) -> None:
    assert is_locked(status, error("Failed", "See details.", **nested))
    assert is_failed_by_lock(error("Failed", "See details.", **nested))


@pytest.mark.parametrize(
    "odd",
    [None, "words", 7, [], {}, {"code": 5}, {"details": "x"}, {"details": [7, None]}, {"innererror": "x"}],
    ids=str,
)
def test_what_has_no_code_is_none(odd: object) -> None:
    assert not is_locked(409, odd)
    assert not is_failed_by_lock(odd)


def test_codes_are_looked_for_so_deep_and_no_deeper() -> None:
    nested: dict[str, Any] = {"code": "ResourceBusy"}
    for _level in range(40):
        nested = {"code": "X", "innererror": nested}
    assert not is_locked(409, nested)


@pytest.mark.parametrize(
    ("status", "code", "locked"),
    [
        (412, "X", True),
        (423, "X", True),
        (409, "Conflict", True),
        (400, "Conflict", False),
        (503, "Conflict", False),
        (503, "OperationPreempted", True),
        (403, "ResourceBusy", False),
        (403, "ScopeLocked", False),
        (409, "ScopeLocked", False),
    ],
)
def test_a_status_and_a_code_together(status: int, code: str, locked: bool) -> None:
    assert is_locked(status, error(code, "")) is locked


def test_vmm_s_own_number_for_a_locked_object() -> None:
    assert is_locked(409, error("X", "(Error ID: 2602)"))
    assert is_locked(409, error("2602", "The object is locked."))
    assert is_locked(409, error("X", "See details.", details=[error("VMM2602", "The object is locked.")]))
    assert not is_locked(409, error("X", "12602 a2602 2602-1"))
    assert not is_locked(400, error("X", "(Error ID: 2602)"))


@pytest.mark.parametrize(
    "code",
    [
        "AnotherOperationInProgress",
        "ConcurrentUpdateError",
        "ConflictingConcurrentWriteNotAllowed",
        "RequestConflict",
        "ResourceOperationInProgress",
        "OperationInProgress",
        "OperationPreempted",
        "ResourceBusy",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
        "AttachDiskWhileBeingDetached",
    ],
)
def test_a_code_that_says_so_by_itself(code: str) -> None:
    for status in (400, 409, 412, 423, 503):
        assert is_locked(status, error(code, "x"))
    assert is_failed_by_lock(error(code, "x"))
    for status in (401, 403, 404, 429, 500, 502):
        assert not is_locked(status, error(code, "x"))
    assert not is_failed_by_lock(error(f"{code}x", "x"))


@pytest.mark.parametrize(
    "code",
    [
        "OperationNotAllowed",
        "ReferencedResourceNotProvisioned",
        "ResourceNotInSucceededState",
        "VMRestorePointClientError",
    ],
)
def test_a_code_that_says_so_with_words(code: str) -> None:
    said = "It is in Updating state."
    assert is_locked(400, error(code, said))
    assert not is_locked(400, error(code, "It is gone."))
    assert not is_locked(503, error(code, said))
    assert not is_locked(400, error("Outer", said, details=[error(code, said)]))


def test_a_conflict_inside_another_error_is_no_lock() -> None:
    inner = error("X", "no", details=[error("Conflict", "It exists.")])
    assert not is_locked(409, inner)
    assert not is_failed_by_lock(inner)


def test_an_administrator_s_lock_inside_another_error_is_one() -> None:
    inner = error("ResourceBusy", "another operation", details=[error("ScopeLocked", "no")])
    for status in (400, 409, 503):
        assert not is_locked(status, inner)


@pytest.mark.parametrize(("code", "blanks"), [("X", 3985), ("OperationNotAllowed", 3967)])
def test_four_thousand_characters_are_looked_at(code: str, blanks: int) -> None:
    just, too_far = (error(code, f"{'.' * count} in progress") for count in (blanks, blanks + 1))
    assert is_failed_by_lock(just)
    assert not is_failed_by_lock(too_far)
    assert is_locked(400, just) is (code != "X")
    assert not is_locked(400, too_far)


def test_the_outer_code_counts_whatever_stands_inside() -> None:
    inside = [error("Inner", "x"), error("Other", "y")]
    assert is_failed_by_lock(error("Conflict", "It exists.", details=inside))
    assert is_locked(409, error("Conflict", "It exists.", details=inside))
    assert is_locked(400, error("OperationNotAllowed", "It is in Updating state.", details=inside))
    assert not is_locked(400, error("Conflict", "It is in Updating state.", details=inside))


NAMED = [
    ("X", "The checkpoint 'upgrade in progress' could not be created. The disk is full. (Error ID: 10803)"),
    ("X", "The checkpoint 'upgrade in progress' could not be created. The disk is full."),
    ("X", "The checkpoint 'concurrent writers' could not be created."),
    ("X", "The checkpoint 'before ConfigMgr 2602' could not be created."),
    ("PropertyChangeNotAllowed", "Changing property 'size' is not allowed: it is immutable; 2602 MB."),
    ("OperationNotAllowed", "Disk 'data in progress' has an unsupported SKU."),
    ("X", "An update in progress ended with an error. (Error ID: 12710)"),
    ("X", "There is not enough space: 2602 MB are free. (Error 20413)"),
    ("10803", "It is in progress."),
]


@pytest.mark.parametrize(("code", "message"), NAMED)
def test_a_name_and_a_bare_number_are_no_lock(code: str, message: str) -> None:
    assert not is_locked(409, error(code, message))
    assert not is_locked(400, error("OperationNotAllowed", "", details=[error(code, message)]))
    assert not is_failed_by_lock(error(code, message))
    assert not read_status(answer(200, {"status": "Failed", "error": error(code, message)})).locked


@pytest.mark.parametrize("name", ["upgrade in progress", "concurrent", "Azure Local (2602)", "error 2602"])
def test_a_name_that_the_request_bears_is_known_without_quotes(name: str) -> None:
    said = error("X", f"The checkpoint {name} could not be created.")
    for names in ([name.upper()], [name, "web01"]):
        assert not is_locked(409, said, names)
        assert not is_failed_by_lock(said, names)
        assert not is_locked(400, {**said, "code": "OperationNotAllowed"}, names)
        assert not read_status(answer(200, {"status": "Failed", "error": said}), names).locked
    busy = error("X", f"The checkpoint {name} could not be created: another operation is running.")
    assert is_failed_by_lock(busy, [name])
