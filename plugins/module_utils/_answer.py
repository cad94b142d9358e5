# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole answer of a service, and what its headers say."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from datetime import datetime

from ._errors import BadAnswer, one_line
from ._times import parse_http_date


@dataclass(frozen=True)
class Answer:
    """A whole answer: the body is read, decoded and no longer than MAX_BODY."""

    status: int
    headers: t.Any
    body: bytes
    label: str

    @property
    def request_id(self) -> str | None:
        """The service's id for the request; ScVmm's all-zero one (recorded) says nothing."""
        for name in ("x-ms-request-id", "request-id"):
            value = self.headers.get(name)
            if value and value.strip("0-"):
                return one_line(str(value), 100)
        return None

    @property
    def correlation_id(self) -> str | None:
        """What groups this call with others at the service."""
        value = self.headers.get("x-ms-correlation-request-id") or self.headers.get("mise-correlation-id")
        return one_line(str(value), 100) if value else None

    @property
    def date(self) -> datetime | None:
        """The service's clock when it answered."""
        return parse_http_date(self.headers.get("date"))

    @property
    def retry_after(self) -> float | None:
        """Seconds the service asks to wait, also where it names a moment instead."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        moment = parse_http_date(text)
        return max(0.0, (moment - self.date).total_seconds()) if moment and self.date else None

    def json(self) -> t.Any:
        """The body as JSON; BadAnswer that says what came instead."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            kind = one_line(str(self.headers.get("content-type", "no content type")), 60).split(";", maxsplit=1)[0]
            raise self.bad(
                f"the answer ({self.status}, {kind}, {len(self.body)} bytes) is not readable JSON."
            ) from None

    def bad(self, message: str) -> BadAnswer:
        """A BadAnswer about this answer."""
        return BadAnswer(
            message,
            subject=self.label,
            status=self.status,
            request_id=self.request_id,
            correlation_id=self.correlation_id,
            remedy="Check that the URL leads to the service itself and not to a proxy or portal.",
        )
