# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key without a password opens whatever password is given, and where it is damaged no password is to blame."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.certificate_assertion import (
    read_certificate,
)
from tests.contract.sign_in.identities import PASSWORD, principal


@pytest.mark.parametrize("password", [None, "not needed"])
def test_a_password_that_a_key_does_not_need_is_passed_over(password: str | None, tmp_path: Path) -> None:
    me, path = principal(), tmp_path / "key.pem"
    path.write_bytes(me.key_pem() + me.certificate_pem)
    found = read_certificate(str(path), password, None, send_chain=False, redactor=Redactor())
    assert set(found) == {"private_key", "thumbprint"}
    assert found["thumbprint"] == me.thumbprint
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(InvalidInput) as caught:
        read_certificate(str(path), password, None, send_chain=False, redactor=Redactor())
    assert str(caught.value) == (
        f"x509_certificate_path: {path} cannot be read as PEM, nor as PFX without a password. Check the file; where it "
        "has a password, give x509_certificate_password."
    )


def test_a_wrong_password_is_told_in_whole(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(principal().key_pem(PASSWORD))
    with pytest.raises(InvalidInput) as caught:
        read_certificate(str(path), "wrong", None, send_chain=False, redactor=Redactor())
    assert caught.value.message == f"x509_certificate_password: does not open {path}, or the file is damaged."
    assert caught.value.remedy.startswith("Check the password and that the file is PEM or PFX. Where RC2 and 3DES")
