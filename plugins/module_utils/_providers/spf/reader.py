# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How SPF's sets are read: what is asked for, pages and their links, servers that can do less."""

from __future__ import annotations

import typing as t

from ..._core.errors import BadResponse, NotFound
from ..._core.settings import SpfSettings
from ..._http.client import Http
from ..._http.error_mapping import error_of_reading
from ..._http.links import below_root, sendable
from ..._http.response import Pages, Response, parse_entity
from . import odata
from .entities import CheckpointEntity, Parsed, VmEntity

EXPECTED = (
    "it must be the VMM service's own root, such as "
    "https://HOST:8090/SC2012R2/VMM/{subscription_id}/Microsoft.Management.Odata.svc, and lead to no proxy or portal."
)
"""What spf_url must be, for a server that answers as if there were no such root."""
CANNOT = (400, 404, 500, 501)
"""How a server answers what it cannot do. Asked for less, it answers, or says what else is wrong."""


class SpfReader:
    """Reads from one service root."""

    def __init__(self, http: Http, settings: SpfSettings) -> None:
        self._http, self._settings = http, settings
        self._root = settings.root
        self._expands = True

    @property
    def sign_in(self) -> str:
        """Who signs in and how, for errors; known once the server has been asked."""
        return self._http.auth.signer if self._http.auth is not None else ""

    @property
    def headers(self) -> dict[str, str]:
        """What each request to SPF needs."""
        # Required on subscription-scoped calls, "can be set to any value"; jobs then run on behalf of that name.
        return {**odata.HEADERS, "x-ms-principal-id": self._settings.principal}

    async def get(self, path: str, context: str) -> Response:
        """One answer, whatever its status."""
        return await self._http.read(self._root + path, headers=self.headers, context=context)

    async def machines(self, condition: str, context: str) -> tuple[list[VmEntity], Response]:
        """The VMs that meet `condition`, with their checkpoints where the server brings them along."""
        if self._expands:
            response = await self.get(f"/VirtualMachines{self._where(condition)}&$expand=VMCheckpoints", context)
            if response.status not in (*CANNOT, 403):
                return await self._pages(VmEntity, "VirtualMachines", response, context)
            # Who may see a VM need not see its checkpoints: then the error is that VM's, once they are listed.
            self._expands = response.status == 403
        return await self.find(VmEntity, "VirtualMachines", condition, context)

    async def checkpoints(self, vm_id: str, context: str) -> tuple[list[CheckpointEntity], Response]:
        """The checkpoints of one VM. Filtered here too: a server that ignores $filter must not widen them."""
        found, response = await self.find(CheckpointEntity, "VMCheckPoints", f"VMId eq {odata.guid(vm_id)}", context)
        return [point for point in found if (point.VMId or "").lower() == vm_id], response

    async def find(
        self, kind: type[Parsed], entities: str, condition: str | None, context: str
    ) -> tuple[list[Parsed], Response]:
        """All entities of a set that meet `condition`; from a server without $filter, all entities."""
        if condition is not None:
            stamped = entities != "Jobs"
            response = await self.get(f"/{entities}{self._where(condition, stamped=stamped)}", context)
            if response.status not in (400, 501):
                return await self._pages(kind, entities, response, context)
        return await self._pages(kind, entities, await self.get(f"/{entities}", context), context)

    async def find_any(
        self, kind: type[Parsed], entities: str, conditions: t.Sequence[str], context: str
    ) -> tuple[list[Parsed], Response] | None:
        """The entities of a set without stamps that meet any condition; None where SPF cannot do that."""
        response = await self.get(f"/{entities}{odata.where(' or '.join(conditions))}", context)
        return None if response.status in CANNOT else await self._pages(kind, entities, response, context)

    async def walk(
        self,
        kind: type[Parsed],
        entities: str,
        query: str,
        take: t.Callable[[t.Iterator[Parsed], Response], bool],
        context: str,
    ) -> None:
        """`take` the pages of a set one by one, so that it is never whole in memory, and as long as it returns True."""
        await self._walk(kind, entities, await self.get(f"/{entities}{query}", context), take, context)

    async def discover_stamps(self) -> set[str]:
        """The stamps of the tenant's clouds."""
        context = "discovering the stamp"
        response = await self.get("/Clouds?$select=ID,StampId", context)
        return {str(cloud.get("StampId")).lower() for cloud in self._page(response, context).entities}

    def _where(self, condition: str, *, stamped: bool = True) -> str:
        stamp = self._settings.spf_stamp_id if stamped else None
        return odata.where(condition, *([f"StampId eq {odata.guid(stamp)}"] if stamp else []))

    async def _pages(
        self, kind: type[Parsed], entities: str, response: Response, context: str
    ) -> tuple[list[Parsed], Response]:
        found: list[Parsed] = []

        def take(page: t.Iterator[Parsed], _response: Response) -> bool:
            found.extend(page)
            return True

        return found, await self._walk(kind, entities, response, take, context)

    async def _walk(
        self,
        kind: type[Parsed],
        entities: str,
        response: Response,
        take: t.Callable[[t.Iterator[Parsed], Response], bool],
        context: str,
    ) -> Response:
        """The last page that was taken."""
        pages = Pages(context)
        while True:
            page = self._page(response, context)
            goes_on = take(_parsed_one_by_one(kind, page.entities, response), response)
            if not page.next_link or not goes_on:
                return response
            link = self._absolute(page.next_link, entities, response)
            following = pages.follow(response, self._http.followable(link))
            response = await self._http.read(following, headers=self.headers, context=context)

    def _page(self, response: Response, context: str) -> odata.Page:
        """The entities of one response. A set always exists, so a 404 or a web page means that the root is wrong."""
        try:
            if response.status == 200:
                return odata.page(response)
            raise error_of_reading(odata.error(response, context=context, sign_in=self.sign_in))
        except (BadResponse, NotFound) as problem:
            placed = self._root != self._settings.spf_url
            problem.remedy = f"Check {'spf_subscription_id and ' if placed else ''}spf_url: {EXPECTED}"
            raise

    def _absolute(self, link: str, entities: str, response: Response) -> str:
        """A next link on our own root; credentials never go elsewhere."""
        try:
            absolute = str(sendable(link, f"{self._root}/"))
            if self._http.is_own(absolute):
                return absolute
            on_root = below_root(absolute, self._root, entities)
        except ValueError:
            raise response.odd("the answer's next link is no URL.") from None
        if on_root is None:
            raise response.odd(f"the answer's next link leads neither to this service nor to {entities}.")
        return on_root


def _parsed_one_by_one(kind: type[Parsed], entities: list[odata.Entity], response: Response) -> t.Iterator[Parsed]:
    """The entities of a page, which is used up: one page may hold all checkpoints of a tenant."""
    entities.reverse()
    while entities:
        yield parse_entity(kind, entities.pop(), response)
