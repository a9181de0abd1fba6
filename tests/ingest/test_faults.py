"""A source that fails at any page deletes nothing, however it fails and however often."""

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.base import Connector
from connectors.files import FilesConnector
from connectors.jsonl import JsonLinesConnector
from connectors.slack_export import SlackExportConnector
from tests.ingest.job import ALL, Job
from tests.ingest.paged_source import PER_PAGE, PagedConnector, PagedWiki, served

PAGES = {"first": 0, "middle": 1, "last": 2}
COUNT = PER_PAGE * len(PAGES)
TEXTS = [f"Page number{n} is about pumps." for n in range(COUNT)]
NIGHTS = 2  # a document that was missed once would be purged by the second

at_every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())


def survives(job: Job, source: Connector, fault: Callable[[], object]) -> list[str]:
    """Return what is said of a source whose faults delete nothing and hide nothing."""
    assert job.ingest(source).sources[0].added == COUNT
    fault()
    said = []
    for _ in range(NIGHTS):
        report = job.ingest(source).sources[0]
        assert (report.deleted, report.hidden, report.changed) == (0, 0, 0)
        assert len(job.known(source.name)) == COUNT
        assert job.past().missed == {}
        assert report.error or report.held
        said.append("error" if report.error else "held")
    return said


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "data").mkdir()
    return Job(tmp_path / "data")


@pytest.fixture
def wiki() -> Iterator[PagedWiki]:
    with served(TEXTS) as made:
        yield made


@at_every_page
@pytest.mark.parametrize(
    "fault",
    ["401", "403", "429", "500", "timeout", "short page", "200-empty", "truncated JSON", "cut off"],
)
def test_a_wiki_that_fails_at_a_page_loses_nothing(
    job: Job, wiki: PagedWiki, fault: str, page: int
) -> None:
    source = PagedConnector(wiki.url)
    said = survives(job, source, lambda: setattr(wiki, "fault", (fault, page)))
    assert said == [("held" if fault == "200-empty" else "error")] * NIGHTS
    wiki.fault = None
    job.embedder.embedded.clear()
    assert job.ingest(source).sources[0].error is None
    assert len(job.found("pumps", k=99)) == COUNT
    assert job.embedder.embedded == []


def test_a_wiki_that_lost_5_percent_is_believed(job: Job) -> None:
    with served([f"Page number{n} is about pumps." for n in range(100)]) as wiki:
        source = PagedConnector(wiki.url)
        job.ingest(source)
        del wiki.texts[95:]
        assert job.ingest(source).sources[0].hidden == 5
        assert job.ingest(source).sources[0].deleted == 5
        assert len(job.known("wiki")) == 95


@at_every_page
@pytest.mark.parametrize(
    ("fault", "said"),
    [("truncated", "error"), ("no JSON", "error"), ("short", "held"), ("empty", "error")],
)
def test_a_file_of_lines_that_is_damaged_loses_nothing(
    job: Job, tmp_path: Path, fault: str, said: str, page: int
) -> None:
    file = tmp_path / "wiki.jsonl"
    lines = [json.dumps({"id": f"{n:03d}", "text": text}) for n, text in enumerate(TEXTS)]
    file.write_text("\n".join(lines))
    start, end = page * PER_PAGE, (page + 1) * PER_PAGE
    damaged = {
        "truncated": "\n".join(lines[:end])[:-9],
        "no JSON": "\n".join([*lines[:start], "<h1>500</h1>", *lines[end:]]),
        "short": "\n".join([*lines[:start], *lines[end:]]),
        "empty": "\n" * page,
    }
    source = JsonLinesConnector("wiki", file, kind="wiki", readers=ALL)
    assert survives(job, source, lambda: file.write_text(damaged[fault])) == [said] * NIGHTS


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of one who can be refused something, even where tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        as_root, nobody = os.geteuid() == 0, 65534
        if as_root:
            os.chown(name, nobody, nobody)
            os.seteuid(nobody)
        try:
            yield Path(name)
        finally:
            if as_root:
                os.seteuid(0)


@at_every_page
@pytest.mark.parametrize(("fault", "said"), [("refused", "error"), ("gone", "held")])
def test_a_drive_with_a_folder_that_cannot_be_read_loses_nothing(
    unprivileged: Path, fault: str, said: str, page: int
) -> None:
    root, data = unprivileged / "root", unprivileged / "data"
    data.mkdir()
    for number, text in enumerate(TEXTS):
        file = root / f"{number // PER_PAGE}" / f"{number:03d}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    source = FilesConnector("wiki", root, kind="wiki", readers=ALL, base_url="https://x.example")
    folder = root / f"{page}"
    faults: dict[str, Callable[[], object]] = {
        "refused": lambda: folder.chmod(0),
        "gone": lambda: shutil.rmtree(folder),
    }
    assert survives(Job(data), source, faults[fault]) == [said] * NIGHTS


def test_a_drive_that_is_not_mounted_loses_nothing(job: Job, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for number, text in enumerate(TEXTS):
        (root / f"{number:03d}.txt").write_text(text)
    source = FilesConnector("wiki", root, kind="wiki", readers=ALL, base_url="https://x.example")

    def unmount() -> None:
        shutil.rmtree(root)
        root.mkdir()

    assert survives(job, source, unmount) == ["error"] * NIGHTS


@at_every_page
@pytest.mark.parametrize(
    ("fault", "said"), [("truncated JSON", "error"), ("empty day", "held"), ("no channel", "held")]
)
def test_a_slack_export_that_is_damaged_loses_nothing(
    job: Job, tmp_path: Path, *, fault: str, said: str, page: int
) -> None:
    root = tmp_path / "export"
    channels = [{"id": f"C{n}", "name": f"channel{n}"} for n in PAGES.values()]
    for channel in PAGES.values():
        (root / f"channel{channel}").mkdir(parents=True)
        messages = [
            {
                "type": "message",
                "ts": f"{1_772_438_400 + n * 9_000}.000100",
                "user": "U1",
                "text": t,
            }
            for n, t in enumerate(TEXTS[channel * PER_PAGE : (channel + 1) * PER_PAGE])
        ]
        (root / f"channel{channel}" / "2026-03-02.json").write_text(json.dumps(messages))
    (root / "users.json").write_text("[]")
    (root / "channels.json").write_text(json.dumps(channels))

    def pack() -> None:
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            for file in root.rglob("*.json"):
                archive.write(file, file.relative_to(root))

    def damage() -> None:
        day = root / f"channel{page}" / "2026-03-02.json"
        if fault == "truncated JSON":
            day.write_bytes(day.read_bytes()[:-30])
        elif fault == "empty day":
            day.write_text("[]")
        else:
            kept = [channel for channel in channels if channel["id"] != f"C{page}"]
            (root / "channels.json").write_text(json.dumps(kept))
        pack()

    pack()
    path = tmp_path / "export.zip"
    source = SlackExportConnector("wiki", path, workspace_url="https://acme.slack.com", readers=ALL)
    assert survives(job, source, damage) == [said] * NIGHTS


def test_a_slack_export_that_was_cut_off_loses_nothing(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    messages = [
        {"type": "message", "ts": f"{1_772_438_400 + n * 9_000}.000100", "user": "U1", "text": text}
        for n, text in enumerate(TEXTS)
    ]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("users.json", "[]")
        archive.writestr("channels.json", json.dumps([{"id": "C1", "name": "general"}]))
        archive.writestr("general/2026-03-02.json", json.dumps(messages))
    source = SlackExportConnector("wiki", path, workspace_url="https://acme.slack.com", readers=ALL)
    whole = path.read_bytes()
    assert survives(job, source, lambda: path.write_bytes(whole[:-40])) == ["error"] * NIGHTS
