"""Nights with real wikis: sources that change, fail and come back, and what is found then."""

import operator
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from connectors.mediawiki import FILES, MediaWikiConnector, Wiki, polite
from tests.connectors import test_dokuwiki
from tests.connectors.test_client import PATIENT, FakeClock
from tests.ingest.job import ALL, Job
from tests.servers.dokuwiki import DokuWiki, dokuwiki
from tests.servers.mediawiki import READER, MediaWiki, mediawiki
from tests.servers.php import keep, reset
from tests.servers.proxy import FAULTS, SILENCE_S, proxied

pytestmark = pytest.mark.server


def connector(url: str) -> MediaWikiConnector:
    clock = FakeClock().clock()
    limits = replace(PATIENT, read_s=SILENCE_S - 1, attempts=1)
    client = polite(f"{url}/api.php", "WIKI_PASSWORD", limits=limits, clock=clock)
    wiki = Wiki(f"{url}/api.php", READER, (0, FILES), batch=4)
    return MediaWikiConnector("wiki", wiki, client, readers=ALL)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWiki]:
    with mediawiki(tmp_path_factory.mktemp("mediawiki")) as wiki:
        for number in range(11):
            wiki.save(f"Page {number:02d}", f"Page number{number} is about pumps.")
        keep(wiki.folder)
        yield wiki


class TestMediaWiki:
    @pytest.fixture
    def wiki(self, installed: MediaWiki) -> MediaWiki:
        reset(installed.folder)
        return installed

    def test_a_second_night_fetches_nothing(self, wiki: MediaWiki, job: Job) -> None:
        with proxied(wiki.url) as proxy:
            first = job.ingest(connector(proxy.url)).sources[0]
            assert first.added == 12
            proxy.seen.clear()
            second = job.ingest(connector(proxy.url)).sources[0]
        assert (second.unchanged, second.touched) == (12, False)
        assert not any("action=parse" in request.path for request in proxy.seen)

    def test_a_page_deleted_at_noon_answers_no_more_after_the_night(
        self, wiki: MediaWiki, job: Job
    ) -> None:
        job.ingest(connector(wiki.url))
        [gone] = job.found("number7", k=1)
        wiki.editor.pages["Page 07"].delete("a test")
        report = job.ingest(connector(wiki.url)).sources[0]
        assert report.error is None
        assert gone not in job.found("number7")

    def test_a_moved_page_is_one_document_at_its_new_address(
        self, wiki: MediaWiki, job: Job
    ) -> None:
        job.ingest(connector(wiki.url))
        [moved] = job.found("number7", k=1)
        wiki.editor.pages["Page 07"].move("Pumps of Ghent", "a test")
        report = job.ingest(connector(wiki.url)).sources[0]
        assert (report.added, report.changed) == (0, 1)
        assert job.known("wiki")[moved].url == f"{wiki.url}/index.php/Pumps_of_Ghent"

    def test_a_lost_right_leaves_the_index_as_it_was(self, wiki: MediaWiki, job: Job) -> None:
        job.ingest(connector(wiki.url))
        before = job.known("wiki")
        settings = wiki.folder / "LocalSettings.php"
        usual = settings.read_text()
        settings.write_text(usual + "$wgGroupPermissions['user']['read'] = false;\n")
        try:
            report = job.ingest(connector(wiki.url)).sources[0]
        finally:
            settings.write_text(usual)
        assert "right to read" in str(report.error)
        assert job.known("wiki") == before


class TestFaults:
    """Promise A9 through the whole night: whatever the wiki's listing does, nothing is purged."""

    @pytest.fixture
    def wiki(self, tmp_path: Path) -> Iterator[DokuWiki]:
        with dokuwiki(tmp_path / "wiki") as wiki:
            yield wiki

    def test_no_fault_of_a_listing_purges_anything(self, wiki: DokuWiki, job: Job) -> None:
        with proxied(wiki.url) as proxy:
            proxy.counts = lambda request: request.method == "POST"
            limits = replace(PATIENT, read_s=SILENCE_S - 1, attempts=1)
            job.ingest(test_dokuwiki.connector(proxy.url))
            before = job.known("doku")
            assert len(before) >= 3
            for fault in FAULTS.values():
                for page in (0, 3, 6):
                    proxy.fault, proxy.counted = fault, 0
                    proxy.spoiled = partial(operator.le, page)
                    report = job.ingest(test_dokuwiki.connector(proxy.url, limits)).sources[0]
                    assert report.error is not None
                    assert (report.hidden, report.deleted) == (0, 0)
                    assert job.known("doku").keys() == before.keys()
            proxy.spoiled = lambda number: False
            job.ingest(test_dokuwiki.connector(proxy.url))
        assert job.known("doku") == before
