# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A "not found" proves the absence of what it names, and of nothing else."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.absence import is_about

GROUP = "/subscriptions/1/resourceGroups/rg-shop"
COLLECTION = f"{GROUP}/providers/Microsoft.Compute/restorePointCollections/checkpoints-shop01"
TYPED = "Microsoft.Compute/restorePointCollections/checkpoints-shop01"
OTHER = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/other"
MACHINE = f"{GROUP}/providers/Microsoft.HybridCompute/machines/app01"
INSTANCE = f"{MACHINE}/providers/Microsoft.ScVmm/virtualMachineInstances/default"


def _asked(path: str) -> str:
    return f"https://management.azure.com{path}?api-version=2024-07-01&$expand=restorePoints"


@pytest.mark.parametrize(
    "said",
    [
        "ResourceNotFound: It is not there.",
        f"The Resource '{TYPED}' under resource group 'rg-shop' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix",
        f'The resource "{TYPED.upper()}" was not found.',
        f"Resource {COLLECTION} is not found.",
        f"Resource ({COLLECTION}) is not found.",
        f"NotFound: Not found.; target {COLLECTION}",
        f"No HTTP resource was found for https://management.azure.com{COLLECTION}?api-version=2024-07-01.",
        f"The resource '{GROUP}' was not found.",
        f"The resource '{COLLECTION}' was not found.",
        f"The resource '{TYPED}/' was not found.",
        "Resource group 'RG-SHOP' could not be found.",
        "Can not perform requested operation on nested resource. Parent resource 'checkpoints-shop01' not found.",
        "See https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found.",
    ],
)
@pytest.mark.parametrize("below", ["", "/restorePoints/before"])
def test_of_the_thing_itself_or_of_one_above_it(said: str, below: str) -> None:
    assert is_about(said, _asked(COLLECTION + below))


@pytest.mark.parametrize(
    "said",
    [
        f"Resource {OTHER} is not found.",
        f"The Resource '{OTHER}' was not found.",
        f"No HTTP resource was found for https://management.azure.com{OTHER}.",
        'The resource "Microsoft.Compute/virtualMachines/other" was not found.',
        "The Resource `Microsoft.Compute/virtualMachines/other` was not found.",
        "The virtual machine Microsoft.Compute/virtualMachines/other was not found.",
        "NotFound: Not found.; target Microsoft.Compute/virtualMachines/other",
        f"NotFound: Not found.; target {OTHER}",
        f"The Resource '{TYPED}' under resource group 'rg-elsewhere' was not found.",
        'Resource group "rg-elsewhere" could not be found.',
        "Can not perform requested operation on nested resource. Parent resource 'somethingelse' not found.",
        "The resource 'other' was not found.",
        f"The Resource '{TYPED}/restorePoints/before' was not found.",
        f"Resource {COLLECTION}/restorePoints/before is not found.",
        f"The Resource '{TYPED}2' was not found.",
        f"Resource {COLLECTION.replace('/1/', '/2/')} is not found.",
        f"Resource {COLLECTION} is not found, because {OTHER} is not.",
    ],
)
def test_of_another_thing(said: str) -> None:
    assert not is_about(said, _asked(COLLECTION))


def test_of_an_extension_resource() -> None:
    for group in ("<null>", "null"):
        said = f"The Resource 'Microsoft.ScVmm/virtualMachineInstances/default' under resource group '{group}' is none."
        assert is_about(said, _asked(INSTANCE))
    assert is_about("The Resource 'Microsoft.HybridCompute/machines/app01' was not found.", _asked(INSTANCE))
    assert not is_about("The Resource 'Microsoft.HybridCompute/machines/app02' was not found.", _asked(INSTANCE))


def test_an_escaped_name() -> None:
    path = f"{GROUP}/providers/Microsoft.Compute/disks/a%28b%29"
    for name in ("a(b)", "a%28b%29"):
        assert is_about(f"The Resource 'Microsoft.Compute/disks/{name}' was not found.", _asked(path))


def test_so_many_characters_are_looked_at() -> None:
    said = "The resource 'other'"
    padding = "." * (8000 - len(said))
    assert not is_about(padding + said, _asked(COLLECTION))
    assert is_about(f".{padding}{said}", _asked(COLLECTION))


def test_a_path_alone_is_asked_for_as_well() -> None:
    assert is_about(f"Resource {COLLECTION} is not found.", COLLECTION)
    assert not is_about(f"Resource {OTHER} is not found.", COLLECTION)
