"""Promise A9 for Google Drive: a half-failed listing deletes nothing and opens nothing."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Entry
from connectors.client import Limits
from connectors.cloud_feed import DAY_S
from connectors.gdrive import Selection
from tests.connectors.google_drive import Fault, cut, google_drive, group, refusal
from tests.connectors.test_client import PATIENT
from tests.connectors.test_gdrive import NOW, Nights
from tests.connectors.web_server import Reply

HASTY = Limits(read_s=0.3, attempts=2)
WEEKLY = ("files", "permissions", "drives")  # kinds of requests that only a full listing needs


@pytest.fixture(scope="module")
def remembered(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Nights, dict[str, Entry]]]:
    """Five shared drives and a folder, in pages of two, after their first listing.

    Since then every file of one drive was touched, so that its feed has several pages too.
    """
    with google_drive() as drive:
        drive.page_size = 2
        for name in ("0A", "0B", "0C", "0D", "0E"):
            drive.drives.append(name)
            drive.logs[name] = []
            drive.share(name, *(group(f"g{number}@acme.example") for number in range(5)))
        for number in range(12):
            home = "" if number % 2 else "0A"
            facts = {"driveId": home} if home else {}
            drive.put(f"f{number:02}", f"Text {number}.".encode(), home or "my", **facts)
            drive.share(f"f{number:02}", group("hr@acme.example"))
        nights = Nights(drive, tmp_path_factory.mktemp("gd") / "m", Selection())
        known = nights.listed()
        for number in range(12):
            drive.told(f"f{number:02}")
        yield nights, known


def faults(kind: str) -> dict[str, Fault]:
    empty = {kind: [], **({"newStartPageToken": "1"} if kind == "changes" else {})}
    rate = refusal(429, "rateLimitExceeded", "Rate Limit Exceeded", 30)
    return {
        "401": Fault(lambda _: refusal(401, "authError", "Invalid Credentials")),
        "403": Fault(lambda _: refusal(403, "insufficientPermissions", "Insufficient Permission")),
        "429": Fault(lambda _: rate),
        "500": Fault(lambda _: refusal(500, "backendError", "Backend Error"), times=99),
        "timeout": Fault(lambda reply: replace(reply, wait_s=0.5), times=99),
        "short page": Fault(cut(kind)),
        "200-empty": Fault(lambda _: Reply(body=json.dumps(empty).encode())),
        "200, no list": Fault(lambda _: Reply(body=b"{}")),
        "truncated JSON": Fault(
            lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2])
        ),
    }


@pytest.mark.parametrize("position", [0, 1, 2], ids=["first page", "middle page", "last page"])
@pytest.mark.parametrize("fault", faults("files"))
@pytest.mark.parametrize("kind", ["files", "changes", "permissions", "drives"])
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
    tonight.now = NOW + 7 * DAY_S if kind in WEEKLY else NOW
    met = replace(faults(kind)[fault], after=position)
    nights.drive.faults = {kind: met}
    tonight.limits = HASTY if fault == "timeout" else PATIENT
    try:
        now = tonight.listed()
    except ConnectorError:
        now = known  # as ingestion has it: nothing of the source is changed
    assert met.times < faults(kind)[fault].times
    assert now.keys() == known.keys()
    assert all(entry.readers <= known[id].readers for id, entry in now.items())
    assert all(entry.version == known[id].version for id, entry in now.items())
    nights.drive.faults = {}
    tonight.limits = PATIENT
    assert tonight.listed() == known  # and the next night is as if nothing had been
