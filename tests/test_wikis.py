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
from tests.connectors.test_mediawiki import is_listing
from tests.ingest.job import ALL, HR, Job
from tests.servers.dokuwiki import DokuWiki, dokuwiki
from tests.servers.mediawiki import READER, MediaWiki, mediawiki
from tests.servers.php import keep, reset
from tests.servers.proxy import FAULTS, SILENCE_S, proxied

pytestmark = pytest.mark.server


def connector(
    url: str,
    *,
    clock: FakeClock | None = None,
    attempts: int = 1,
    readers: frozenset[str] = ALL,
) -> MediaWikiConnector:
    limits = replace(PATIENT, read_s=SILENCE_S - 1, attempts=attempts)
    time = (clock or FakeClock()).clock()
    client = polite(f"{url}/api.php", "WIKI_PASSWORD", limits=limits, clock=time)
    wiki = Wiki(f"{url}/api.php", READER, (0, FILES), batch=4)
    return MediaWikiConnector("wiki", wiki, client, readers=readers)


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

    def test_a_new_file_and_no_other_edit_is_found(self, wiki: MediaWiki, job: Job) -> None:
        job.ingest(connector(wiki.url))
        wiki.upload("Torques.txt", b"The torque of the lid is 0.6 Nm.")
        report = job.ingest(connector(wiki.url)).sources[0]
        assert (report.added, report.changed) == (1, 0)
        [found] = job.found("torque", k=1)
        assert job.known("wiki")[found].title == "Torques.txt"

    def test_an_old_page_moved_in_today_is_found_once(self, wiki: MediaWiki, job: Job) -> None:
        wiki.save("User:Ann/Draft", "The plan of number99 lies in a drawer.")
        assert job.ingest(connector(wiki.url)).sources[0].added == 12
        page = wiki.editor.pages["User:Ann/Draft"]
        page.move("Plan", "a test")  # which leaves a redirect, another way to the same page
        assert job.ingest(connector(wiki.url)).sources[0].added == 1
        [found] = job.found("number99", k=1)
        assert job.known("wiki")[found].title == "Plan"
        wiki.save("The plan", "#REDIRECT [[Plan]]")
        assert job.ingest(connector(wiki.url)).sources[0].touched is False

    def test_other_readers_in_the_settings_hold_after_the_night_text_unchanged(
        self, wiki: MediaWiki, job: Job
    ) -> None:
        job.ingest(connector(wiki.url))
        job.embedder.embedded.clear()
        report = job.ingest(connector(wiki.url, readers=HR)).sources[0]
        assert (report.readers_changed, report.changed) == (12, 0)
        assert job.embedder.embedded == []
        assert job.found("number7") == []
        assert job.found("number7", HR) != []

    def test_the_asked_for_wait_is_waited(self, wiki: MediaWiki, job: Job) -> None:
        clock = FakeClock()
        with proxied(wiki.url) as proxy:
            proxy.counts = lambda request: True
            proxy.fault, proxy.spoiled = FAULTS["429"], lambda number: number in (2, 3)
            source = connector(proxy.url, clock=clock, attempts=3)
            report = job.ingest(source).sources[0]
        assert clock.slept == [120, 120]
        assert (report.added, report.error) == (12, None)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DokuWiki]:
    with dokuwiki(tmp_path_factory.mktemp("nights")) as wiki:
        for number in range(8):
            wiki.save(f"page{number}", f"Page number{number} is about pumps.")
        wiki.save("hr:bands", "Salary bands are reviewed in May.")
        wiki.set_rules(test_dokuwiki.RULES)
        keep(wiki.folder)
        yield wiki


class TestDokuWiki:
    """Groups and rules are the wiki's own: HR's pages are for nobody else."""

    @pytest.fixture
    def wiki(self, kept: DokuWiki) -> DokuWiki:
        reset(kept.folder)
        return kept

    def test_a_second_night_fetches_nothing(self, wiki: DokuWiki, job: Job) -> None:
        with proxied(wiki.url) as proxy:
            first = job.ingest(test_dokuwiki.connector(proxy.url)).sources[0]
            assert any(b"getPageHTML" in request.body for request in proxy.seen)
            proxy.seen.clear()
            second = job.ingest(test_dokuwiki.connector(proxy.url)).sources[0]
            assert not any(b"getPageHTML" in request.body for request in proxy.seen)
        assert first.added >= 9
        assert (second.unchanged, second.touched) == (first.added, False)

    def test_a_page_deleted_at_noon_answers_no_more_after_the_night(
        self, wiki: DokuWiki, job: Job
    ) -> None:
        job.ingest(test_dokuwiki.connector(wiki.url))
        [gone] = job.found("number5", k=1)
        wiki.save("page5", "")
        report = job.ingest(test_dokuwiki.connector(wiki.url)).sources[0]
        assert report.error is None
        assert gone not in job.found("number5")

    def test_a_moved_page_is_one_document_at_its_new_address(
        self, wiki: DokuWiki, job: Job
    ) -> None:
        memory = job.data / "doku.pages.json"
        first = job.ingest(test_dokuwiki.connector(wiki.url, memory=memory)).sources[0]
        wiki.save("ghent:pumps", "Page number5 is about pumps.")  # as its move plugin does
        wiki.save("page5", "")
        report = job.ingest(test_dokuwiki.connector(wiki.url, memory=memory)).sources[0]
        assert (report.added, report.changed, report.hidden) == (0, 1, 0)
        assert job.known("doku")["doku:page5"].url == f"{wiki.url}/doku.php?id=ghent:pumps"
        assert job.found("number5", k=1) == ["doku:page5"]
        last = job.ingest(test_dokuwiki.connector(wiki.url, memory=memory)).sources[0]
        assert (last.unchanged, last.touched) == (first.added, False)

    def test_a_page_moved_among_other_readers_is_theirs_alone(
        self, wiki: DokuWiki, job: Job
    ) -> None:
        memory = job.data / "doku.pages.json"
        job.ingest(test_dokuwiki.connector(wiki.url, memory=memory))
        wiki.save("hr:pumps", "Page number5 is about pumps.")
        wiki.save("page5", "")
        job.ingest(test_dokuwiki.connector(wiki.url, memory=memory))
        assert "doku:page5" not in job.found("number5")
        assert "doku:page5" in job.found("number5", frozenset({"group:hr"}))

    @pytest.mark.parametrize("edited", ["page", "file"])
    def test_what_moved_and_is_not_known_again_is_one_document_all_the_same(
        self, wiki: DokuWiki, job: Job, edited: str
    ) -> None:
        memory = job.data / "doku.pages.json"
        wiki.upload("torques.txt", b"The torque of the lid is number99.")
        job.ingest(test_dokuwiki.connector(wiki.url, memory=memory))
        if edited == "page":
            wiki.save("ghent:pumps", "Page number99 is about pumps.")
            wiki.save("page5", "")
        else:
            wiki.upload("ghent:torques.txt", b"The torque of the lid is number99.")
            wiki.editor.medias.delete("torques.txt")
        moved = "doku:ghent:pumps" if edited == "page" else "doku:media/ghent:torques.txt"
        report = job.ingest(test_dokuwiki.connector(wiki.url, memory=memory)).sources[0]
        assert (report.added, report.hidden) == (1, 1)
        assert job.found("number99", k=1) == [moved]
        gone = "doku:page5" if edited == "page" else "doku:media/torques.txt"
        assert gone not in job.found("number99 number5")

    def test_the_asked_for_wait_is_waited(self, wiki: DokuWiki, job: Job) -> None:
        clock = FakeClock()
        with proxied(wiki.url) as proxy:
            proxy.counts = lambda request: True
            proxy.fault, proxy.spoiled = FAULTS["429"], lambda number: number in (2, 3)
            report = job.ingest(test_dokuwiki.connector(proxy.url, clock=clock)).sources[0]
        assert clock.slept == [120, 120]
        assert (report.touched, report.error) == (True, None)

    def test_an_account_without_its_rights_leaves_the_index_as_it_was(
        self, wiki: DokuWiki, job: Job
    ) -> None:
        job.ingest(test_dokuwiki.connector(wiki.url))
        before = job.known("doku")
        users = wiki.folder / "state/conf/users.auth.php"
        users.write_text(users.read_text().replace("admin,user", "user"))
        report = job.ingest(test_dokuwiki.connector(wiki.url)).sources[0]
        assert report.error is not None
        assert job.known("doku") == before

    def test_a_new_file_beside_an_unedited_page_is_found(self, wiki: DokuWiki, job: Job) -> None:
        job.ingest(test_dokuwiki.connector(wiki.url))
        wiki.upload("torques.txt", b"The torque of the lid is 0.6 Nm.")
        report = job.ingest(test_dokuwiki.connector(wiki.url)).sources[0]
        assert (report.added, report.changed) == (1, 0)
        assert job.found("torque", k=1) == ["doku:media/torques.txt"]

    def test_a_page_that_becomes_restricted_is_so_after_the_night_text_unchanged(
        self, wiki: DokuWiki, job: Job
    ) -> None:
        job.ingest(test_dokuwiki.connector(wiki.url))
        assert "doku:page3" in job.found("number3")
        job.embedder.embedded.clear()
        wiki.set_rules({**test_dokuwiki.RULES, "page3": {"@ALL": 0, "@user": 0, "@hr": 8}})
        report = job.ingest(test_dokuwiki.connector(wiki.url)).sources[0]
        assert (report.readers_changed, report.changed) == (1, 0)
        assert job.embedder.embedded == []
        assert "doku:page3" not in job.found("number3")
        assert "doku:page3" in job.found("number3", frozenset({"group:hr"}))


class TestFaults:
    """Promise A9 through the whole night: whatever the wiki's listing does, nothing is purged."""

    def test_no_fault_of_a_dokuwikis_listing_purges_anything(
        self, kept: DokuWiki, job: Job
    ) -> None:
        reset(kept.folder)
        with proxied(kept.url) as proxy:
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

    def test_no_fault_of_a_mediawikis_listing_purges_anything(
        self, installed: MediaWiki, job: Job
    ) -> None:
        reset(installed.folder)
        with proxied(installed.url) as proxy:
            proxy.counts = is_listing
            job.ingest(connector(proxy.url))
            before, batches = job.known("wiki"), proxy.counted
            assert (len(before), batches) == (12, 6)
            for fault in FAULTS.values():
                for batch in (0, batches // 2, batches - 1):
                    proxy.fault, proxy.counted = fault, 0
                    proxy.spoiled = partial(operator.le, batch)
                    report = job.ingest(connector(proxy.url)).sources[0]
                    assert report.error is not None
                    assert (report.hidden, report.deleted) == (0, 0)
                    assert job.known("wiki").keys() == before.keys()
            proxy.spoiled = lambda number: False
            job.ingest(connector(proxy.url))
        assert job.known("wiki") == before
