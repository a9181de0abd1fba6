"""Nights with a folder and with a file of lines: what changes there changes in the index."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import Connector
from connectors.files import FilesConnector
from connectors.jsonl import JsonLinesConnector
from ingest.report import SourceReport
from tests.ingest.job import ALL, HR, Job

COUNT = 10
LONG_AGO = datetime(2011, 5, 1, tzinfo=UTC).timestamp()


class Source(ABC):
    """Documents by name, and what is done to them."""

    def __init__(self, root: Path, data: Path) -> None:
        self.root = root
        self.job = Job(data)
        self.fill({f"{n:02d}.txt": f"Page number{n} is about pumps." for n in range(COUNT)})

    @abstractmethod
    def fill(self, texts: Mapping[str, str]) -> None:
        """Hold these documents besides those that are there."""

    @abstractmethod
    def remove(self, name: str) -> None: ...

    @abstractmethod
    def connector(self, readers: frozenset[str]) -> Connector: ...

    def night(self, readers: frozenset[str] = ALL) -> SourceReport:
        """Ingest as a new process does."""
        self.job.embedder.embedded.clear()
        return self.job.ingest(self.connector(readers)).sources[0]


class Folder(Source):
    def fill(self, texts: Mapping[str, str]) -> None:
        for name, text in texts.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def remove(self, name: str) -> None:
        (self.root / name).unlink()

    def connector(self, readers: frozenset[str]) -> Connector:
        return FilesConnector(
            "kb", self.root, kind="drive", readers=readers, base_url="https://drive.example"
        )


class Lines(Source):
    rows: dict[str, dict[str, str]]

    def fill(self, texts: Mapping[str, str]) -> None:
        self.rows = getattr(self, "rows", {})
        for name, text in texts.items():
            self.rows[name] = {"id": name, "text": text, "url": f"https://kb.example/{name}"}
        self.save()

    def save(self) -> None:
        self.root.write_text("".join(f"{json.dumps(row)}\n" for row in self.rows.values()))

    def remove(self, name: str) -> None:
        del self.rows[name]
        self.save()

    def connector(self, readers: frozenset[str]) -> Connector:
        return JsonLinesConnector("kb", self.root, kind="wiki", readers=readers)


@pytest.fixture(params=[Folder, Lines])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """A source after its first night."""
    (tmp_path / "data").mkdir()
    kind: Callable[[Path, Path], Source] = request.param
    made = kind(tmp_path / "root", tmp_path / "data")
    assert made.night().added == COUNT
    return made


def test_a_night_without_news_embeds_nothing_and_touches_nothing(source: Source) -> None:
    report = source.night()
    assert (report.unchanged, report.touched) == (COUNT, False)
    assert source.job.embedder.embedded == []


def test_scenario_1_a_deleted_document_is_gone_after_the_night(source: Source) -> None:
    assert "kb:04.txt" in source.job.found("number4")
    source.remove("04.txt")
    assert source.night().hidden == 1
    assert "kb:04.txt" not in source.job.found("number4")
    assert source.night().deleted == 1


def test_scenario_8_a_renamed_document_is_one_at_its_new_address(source: Source) -> None:
    """A path or an id is all the identity that there is here: the old document goes at once."""
    source.remove("04.txt")
    source.fill({"archive/pumps.txt": "Page number4 is about pumps."})
    report = source.night()
    assert (report.added, report.hidden) == (1, 1)
    assert source.job.known("kb")["kb:archive/pumps.txt"].url.endswith("/archive/pumps.txt")
    found = source.job.found("number4")
    assert "kb:archive/pumps.txt" in found
    assert "kb:04.txt" not in found
    assert source.night().deleted == 1


def test_scenario_11_other_readers_hold_after_the_night_text_unchanged(source: Source) -> None:
    report = source.night(HR)
    assert (report.readers_changed, report.changed) == (COUNT, 0)
    assert source.job.embedder.embedded == []
    assert source.job.found("pumps") == []
    assert len(source.job.found("pumps", HR)) == 9


def test_scenario_6_an_old_file_moved_in_today_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    source = Folder(tmp_path / "root", tmp_path / "data")
    source.night()
    old = tmp_path / "plan.txt"
    old.write_text("The plan of number99, of many years ago.")
    os.utime(old, (LONG_AGO, LONG_AGO))
    old.rename(source.root / "plan.txt")
    assert source.night().added == 1
    assert source.job.found("number99", k=1) == ["kb:plan.txt"]


def test_scenario_7_a_file_in_two_folders_takes_one_place(tmp_path: Path) -> None:
    """Each copy has its own address and readers; the search shows one first."""
    (tmp_path / "data").mkdir()
    source = Folder(tmp_path / "root", tmp_path / "data")
    (source.root / "copies").mkdir()
    (source.root / "copies/04.txt").hardlink_to(source.root / "04.txt")
    (source.root / "link.txt").symlink_to(source.root / "04.txt")
    assert source.night().added == COUNT + 1
    copies = {"kb:04.txt", "kb:copies/04.txt"}
    assert len(copies & set(source.job.found("number4 pumps", k=2))) == 1


def test_scenario_8_a_line_whose_title_and_address_change_is_the_same_document(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    source = Lines(tmp_path / "kb.jsonl", tmp_path / "data")
    source.night()
    source.rows["04.txt"] |= {"title": "Pumps of Ghent", "url": "https://kb.example/ghent/4"}
    source.save()
    report = source.night()
    assert (report.added, report.changed, report.hidden) == (0, 1, 0)
    info = source.job.known("kb")["kb:04.txt"]
    assert (info.title, info.url) == ("Pumps of Ghent", "https://kb.example/ghent/4")
