"""Nights with real git wikis, over files and over git's own web server."""

import operator
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
import trustme

from connectors.base import ConnectorError
from connectors.client import LIMITS as WEB_LIMITS
from connectors.git import Git, Limits, Remote, polite
from connectors.gitwiki import GitWikiConnector, Site
from tests.connectors.test_client import FakeClock
from tests.connectors.web_server import Reply, Request, WebServer, serving
from tests.ingest.job import ALL, HR, Job
from tests.servers.git import Wiki, answered, wiki
from tests.servers.proxy import FAULTS, SILENCE_S, Fault

pytestmark = pytest.mark.server

LOGIN = ("reader", "horse-staple-7")
SITE = Site("gollum", "https://wiki.acme.example")


def page(number: int) -> str:
    return f"Page number{number} is about pumps.\n" + f"It says {number} times {number}.\n" * 9


def connector(
    url: str,
    folder: Path,
    clock: FakeClock | None = None,
    *,
    readers: frozenset[str] = ALL,
) -> GitWikiConnector:
    remote = Remote(url, "main", LOGIN, "the password in WIKI_PASSWORD")
    limits = replace(WEB_LIMITS, read_s=SILENCE_S - 1, attempts=1)
    client = polite(remote, limits=limits, clock=(clock or FakeClock()).clock())
    git = Git(remote, client=client, limits=Limits(silence_s=1, total_s=30))
    return GitWikiConnector("wiki", git, SITE, folder / "wiki.json", readers=readers)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "data").mkdir()
    return Job(tmp_path / "data")


@pytest.fixture
def made(tmp_path: Path) -> Wiki:
    return wiki(tmp_path, {f"Page-{number:02d}.md": page(number) for number in range(12)})


@dataclass
class Server:
    """Git's web server for one wiki, which spoils the answers whose number is `spoiled`."""

    wiki: Wiki
    url: str = ""
    fault: Fault = FAULTS["truncated"]
    spoiled: Callable[[int], bool] = lambda number: False
    counted: int = 0
    seen: list[Request] = field(default_factory=list)
    plain: Callable[[Request], Reply | None] | None = None  # what git does not answer itself

    def answer(self, request: Request) -> Reply:
        self.seen.append(request)
        if self.plain is not None and (reply := self.plain(request)) is not None:
            return reply
        if request.headers.get("Authorization") != "Basic cmVhZGVyOmhvcnNlLXN0YXBsZS03":
            return Reply(401, b"", {"WWW-Authenticate": "Basic"})
        reply = answered(self.wiki.bare, request)
        self.counted += 1
        return self.fault(reply) if self.spoiled(self.counted - 1) else reply


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What lets a server of this machine be believed."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def server(made: Wiki, trusted: ssl.SSLContext) -> Iterator[Server]:
    server = Server(made)
    with serving(server.answer, trusted) as running:
        server.url = f"{running.url}/wiki.git"
        yield server


@pytest.fixture
def elsewhere(made: Wiki, trusted: ssl.SSLContext) -> Iterator[WebServer]:
    """A server that the settings do not name, which has the wiki too, for everyone."""
    with serving(partial(answered, made.bare), trusted) as running:
        yield running


class TestNights:
    def test_a_second_night_copies_and_fetches_nothing(self, server: Server, job: Job) -> None:
        first = job.ingest(connector(server.url, job.data)).sources[0]
        assert (first.added, first.error) == (12, None)
        server.seen.clear()
        second = job.ingest(connector(server.url, job.data)).sources[0]
        assert (second.unchanged, second.touched) == (12, False)
        assert len(server.seen) == 3  # is it there, what can it do, which commit

    def test_a_deleted_page_answers_no_more_after_the_night(self, made: Wiki, job: Job) -> None:
        job.ingest(connector(made.url, job.data))
        [gone] = job.found("number7", k=1)
        made.remove("Page-07.md")
        made.commit()
        report = job.ingest(connector(made.url, job.data)).sources[0]
        assert (report.error, report.hidden) == (None, 1)
        assert gone not in job.found("number7")
        assert job.ingest(connector(made.url, job.data)).sources[0].deleted == 1

    def test_a_moved_page_is_one_document_at_its_new_address(self, made: Wiki, job: Job) -> None:
        job.ingest(connector(made.url, job.data))
        [moved] = job.found("number7", k=1)
        made.move("Page-07.md", "Ghent/Pumps.md")
        made.commit()
        report = job.ingest(connector(made.url, job.data)).sources[0]
        assert (report.added, report.changed, report.hidden) == (0, 1, 0)
        assert job.known("wiki")[moved].url == "https://wiki.acme.example/Ghent/Pumps"

    def test_a_new_attachment_is_found(self, made: Wiki, job: Job) -> None:
        job.ingest(connector(made.url, job.data))
        made.write("uploads/rates.csv", "valve,price\nnumber99,12\n")
        made.commit()
        assert job.ingest(connector(made.url, job.data)).sources[0].added == 1
        assert job.found("number99", k=1) == ["wiki:uploads/rates.csv"]

    def test_an_old_page_of_a_branch_that_is_merged_today_is_found(
        self, made: Wiki, job: Job
    ) -> None:
        made.git("checkout", "--quiet", "-b", "draft")
        made.write("Plan.md", "The plan of number99 is old.\n")
        made.git("add", "--all")
        made.git("commit", "--quiet", "--message", "a plan")
        made.git("checkout", "--quiet", "main")
        made.write("Page-01.md", page(1) + "Edition 2.\n")
        made.commit()
        assert job.ingest(connector(made.url, job.data)).sources[0].added == 12
        made.git("merge", "--quiet", "--no-ff", "--message", "merge", "draft")
        made.push()
        assert job.ingest(connector(made.url, job.data)).sources[0].added == 1
        assert job.found("number99", k=1) == ["wiki:Plan.md"]

    def test_other_readers_in_the_settings_hold_after_the_night_text_unchanged(
        self, made: Wiki, job: Job
    ) -> None:
        job.ingest(connector(made.url, job.data))
        job.embedder.embedded.clear()
        report = job.ingest(connector(made.url, job.data, readers=HR)).sources[0]
        assert (report.readers_changed, report.changed) == (12, 0)
        assert job.embedder.embedded == []
        assert job.found("number7") == []
        assert len(job.found("number7", HR)) == 9

    def test_one_broken_document_is_one_row(self, made: Wiki, job: Job) -> None:
        made.write("plan.pdf", b"\0 no PDF")
        made.commit()
        report = job.ingest(connector(made.url, job.data)).sources[0]
        assert report.added == 12
        assert [failure.document_id for failure in report.failures] == ["wiki:plan.pdf"]

    def test_nothing_that_a_wiki_deleted_stays_in_the_data_folder(
        self, made: Wiki, job: Job
    ) -> None:
        job.ingest(connector(made.url, job.data))
        made.remove("Page-07.md")
        made.commit()
        for _ in range(4):  # hidden, purged, and the generations before pruned
            made.write("Page-01.md", page(1) + f"Edition {made.commits}.")
            made.commit()
            job.ingest(connector(made.url, job.data))
        kept = [file for file in job.data.rglob("*") if file.is_file() and "cache" not in file.name]
        assert [file for file in kept if b"number7" in file.read_bytes()] == []


class TestFaults:
    """Promise A9: whatever the repository's server does, nothing is purged."""

    @pytest.mark.parametrize("fault", FAULTS)
    def test_no_fault_of_a_listing_purges_anything(
        self, server: Server, job: Job, fault: str
    ) -> None:
        job.ingest(connector(server.url, job.data))
        before = job.known("wiki")
        server.wiki.write("Page-12.md", page(12))
        server.wiki.commit()  # the next listing has to copy
        server.fault = FAULTS[fault]
        for request in (0, 3, 6):  # the first, the first of copying, the last
            server.counted, server.spoiled = 0, partial(operator.le, request)
            report = job.ingest(connector(server.url, job.data)).sources[0]
            # The last answer is whole before its connection is lost.
            whole = (fault, request) == ("connection lost", 6) and report.added == 1
            assert report.error is not None or whole
            assert (report.hidden, report.deleted) == (0, 0)
            assert before.keys() <= job.known("wiki").keys()
        server.spoiled = lambda number: False
        job.ingest(connector(server.url, job.data))
        assert job.known("wiki").keys() - before.keys() == {"wiki:Page-12.md"}

    @pytest.mark.parametrize("loss", ["branch", "repository", "objects", "pages"])
    def test_what_is_lost_on_disk_purges_nothing(self, made: Wiki, job: Job, loss: str) -> None:
        job.ingest(connector(made.url, job.data))
        made.write("Page-12.md", page(12))
        made.commit()
        if loss == "branch":
            made.git(f"--git-dir={made.bare}", "update-ref", "-d", "refs/heads/main")
        elif loss == "repository":
            made.bare.rename(made.bare.with_name("gone"))
        elif loss == "objects":
            blob = made.git("rev-parse", "HEAD:Page-03.md").strip()
            (made.bare / "objects" / blob[:2] / blob[2:]).unlink()
        else:
            made.git("rm", "--quiet", "-r", ".")
            made.commit()
        for _ in range(2):
            report = job.ingest(connector(made.url, job.data)).sources[0]
            assert report.error is not None
            assert (report.hidden, report.deleted) == (0, 0)
        assert len(job.known("wiki")) == 12


class TestManners:
    def test_the_asked_for_wait_is_waited(self, server: Server, job: Job) -> None:
        clock = FakeClock()
        server.fault, server.spoiled = FAULTS["429"], lambda number: number == 0
        assert len(list(connector(server.url, job.data, clock).entries())) == 12
        assert clock.slept == [120]

    def test_a_wrong_password_is_said_in_an_admins_words(self, server: Server, job: Job) -> None:
        remote = Remote(server.url, None, ("reader", "wrong"), "the password in WIKI_PASSWORD")
        git = Git(remote, client=polite(remote))
        with pytest.raises(ConnectorError, match="credentials. Check the password in WIKI_PASS"):
            git.head()

    def test_a_password_is_in_no_argument_and_no_message(
        self, server: Server, job: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        source = connector(server.url, job.data)
        git = source._git
        commands: list[tuple[str, ...]] = []
        run = git._run

        def watched(*command: str) -> bytes:
            commands.append(command)
            return run(*command)

        monkeypatch.setattr(git, "_run", watched)
        list(source.entries())
        assert commands
        assert LOGIN[1] not in repr(commands)
        assert "cmVhZGVy" not in repr(commands)


class TestOrigins:
    """Promise D4: git asks the repository's own server and no other."""

    def test_no_redirect_is_followed(self, server: Server, elsewhere: WebServer, job: Job) -> None:
        for request in range(6):
            server.spoiled = partial(operator.eq, request)
            for path in ("info/refs?service=git-upload-pack", "git-upload-pack"):
                server.counted = 0
                moved = Reply(307, headers={"Location": f"{elsewhere.url}/wiki.git/{path}"})
                server.fault = partial(instead, moved)
                with pytest.raises(ConnectorError):
                    list(connector(server.url, job.data).entries())
        assert elsewhere.requests == []

    def test_no_alternate_of_a_plain_web_server_is_asked(
        self, server: Server, elsewhere: WebServer, job: Job
    ) -> None:
        """Git falls back to reading files one by one where a server speaks no git."""
        commit = server.wiki.git("rev-parse", "HEAD").strip()
        alternates = f"{elsewhere.url}/wiki.git/objects\n".encode()
        files = {
            "info/refs": f"{commit}\trefs/heads/main\n".encode(),
            "HEAD": b"ref: refs/heads/main\n",
            "objects/info/http-alternates": alternates,
        }

        def plain(request: Request) -> Reply | None:
            if request.headers["User-Agent"].startswith("footnote"):
                return None  # to the client that knocks it speaks git
            found = files.get(request.path.partition("?")[0].removeprefix("/wiki.git/"))
            return Reply(404, b"") if found is None else Reply(200, found)

        server.plain = plain
        with pytest.raises(ConnectorError):
            list(connector(server.url, job.data).entries())
        assert any("alternates" in request.path for request in server.seen)
        assert elsewhere.requests == []

    def test_nothing_that_a_wiki_names_is_asked(
        self, server: Server, elsewhere: WebServer, job: Job
    ) -> None:
        url = f"{elsewhere.url}/wiki.git"
        server.wiki.write(".gitmodules", f'[submodule "a"]\npath = a\nurl = {url}\n')
        server.wiki.write(".lfsconfig", f"[lfs]\nurl = {url}\n")
        server.wiki.write(".gitattributes", "*.md filter=lfs diff=lfs\n")
        commit = server.wiki.git("rev-parse", "HEAD").strip()
        server.wiki.git("update-index", "--add", "--cacheinfo", f"160000,{commit},a")
        server.wiki.commit()
        source = connector(server.url, job.data)
        documents = [source.fetch(entry) for entry in list(source.entries())]
        assert len(documents) == 12
        assert elsewhere.requests == []

    def test_no_variable_of_the_environment_leads_away(
        self, server: Server, elsewhere: WebServer, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, elsewhere.url)
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{elsewhere.url}/wiki.git.insteadOf")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", server.url)
        assert len(list(connector(server.url, job.data).entries())) == 12
        assert elsewhere.requests == []


def instead(moved: Reply, reply: Reply) -> Reply:
    return moved
