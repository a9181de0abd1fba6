"""Promise A9 for SharePoint: a half-failed listing deletes nothing and opens nothing."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Entry
from connectors.client import Limits
from connectors.cloud_feed import DAY_S
from tests.connectors.google_drive import Fault
from tests.connectors.graph import DRIVE, Graph, cut, graph, refusal, site_group
from tests.connectors.test_client import PATIENT
from tests.connectors.test_sharepoint import NOW, Nights
from tests.connectors.web_server import Reply

HASTY = Limits(read_s=0.3, attempts=2)
COUNT = 50  # documents: three batches, and five pages of the feed


@pytest.fixture(scope="module")
def remembered(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Nights, dict[str, Entry]]]:
    """A library after its first listing; since then every file was touched."""
    with graph() as server:
        server.page_size = 12
        server.share(f"{DRIVE}-root", site_group("HR Members"))
        for number in range(COUNT):
            server.put(f"f{number:02}", f"Text {number}.".encode())
        nights = Nights(server, tmp_path_factory.mktemp("sp") / "m")
        known = nights.listed()
        server.log[DRIVE] += [f"f{number:02}" for number in range(COUNT)]
        yield nights, known


def faults(kind: str, server: Graph) -> dict[str, Fault]:
    last = {"@odata.deltaLink": f"{server.url}/v1.0/drives/{DRIVE}/root/delta?token=9"}
    empty = {"responses": []} if kind == "batch" else {"value": [], **last}
    return {
        "401": Fault(lambda _: refusal(401, "InvalidAuthenticationToken", "Expired")),
        "403": Fault(lambda _: refusal(403, "accessDenied", "Access denied")),
        "429": Fault(lambda _: refusal(429, "activityLimitReached", "Too many requests.", 30)),
        "500": Fault(lambda _: refusal(500, "generalException", "General exception"), times=99),
        "timeout": Fault(lambda reply: replace(reply, wait_s=0.5), times=99),
        "short page": Fault(_lost_parts if kind == "batch" else cut(last)),
        "200-empty": Fault(lambda _: Reply(body=json.dumps(empty).encode())),
        "200, no list": Fault(lambda _: Reply(body=b"{}")),
        "truncated JSON": Fault(
            lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2])
        ),
    }


def _lost_parts(reply: Reply) -> Reply:
    parts = json.loads(reply.body)["responses"]
    return replace(reply, body=json.dumps({"responses": parts[::2]}).encode())


@pytest.mark.parametrize("position", [0, 1, 2], ids=["first page", "middle page", "last page"])
@pytest.mark.parametrize("fault", faults("delta", Graph()))
@pytest.mark.parametrize("kind", ["delta", "feed", "batch"])
def test_a_half_failed_listing_deletes_nothing_and_opens_nothing(
    remembered: tuple[Nights, dict[str, Entry]],
    tmp_path: Path,
    kind: str,
    fault: str,
    position: int,
) -> None:
    nights, known = remembered
    assert nights.memory is not None
    tonight = replace(nights, memory=Path(shutil.copy(nights.memory, tmp_path)))
    tonight.now = NOW + 7 * DAY_S if kind == "delta" else NOW
    request = "batch" if kind == "batch" else "delta"
    planned = faults(request, nights.graph)[fault]
    met = replace(planned, after=position)
    nights.graph.faults = {request: met}
    tonight.limits = HASTY if fault == "timeout" else PATIENT
    try:
        now = tonight.listed()
    except ConnectorError:
        now = known  # as ingestion has it: nothing of the source is changed
    assert met.times < planned.times
    assert now.keys() == known.keys()
    assert all(entry.readers <= known[id].readers for id, entry in now.items())
    assert all(entry.version == known[id].version for id, entry in now.items())
    nights.graph.faults = {}
    tonight.limits = PATIENT
    assert tonight.listed() == known  # and the next night is as if nothing had been
