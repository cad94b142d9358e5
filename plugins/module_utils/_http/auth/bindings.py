# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What binds a sign-in to its TLS connection (Extended Protection for Authentication)."""

from __future__ import annotations

import typing as t

from ..._deps import cryptography, spnego


def end_point_bindings(certificate: bytes) -> t.Any:
    """RFC 5929 tls-server-end-point of a DER certificate: its hash, MD5 and SHA-1 raised to SHA-256."""
    library = cryptography()
    hashes, algorithm = library.hashes, library.x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    data = b"tls-server-end-point:" + digest.finalize()
    return spnego().channel_bindings.GssChannelBindings(application_data=data)
