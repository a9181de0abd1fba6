"""Git wikis, read from real repositories."""

import os
import random
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir

import pytest

from connectors.base import ConnectorError, Document, Entry
from connectors.git import MAX_BLOB, Git, Limits, Remote
from connectors.gitwiki import GitWikiConnector, Site
from connectors.gitwiki_layout import Layout
from ingest.parse import parse
from tests.contracts.connector import ConnectorContract
from tests.servers.git import Wiki, wiki

pytestmark = pytest.mark.server

ALL = frozenset({"everyone"})
SITE = "https://git.acme.example/wiki"
LONG = "".join(f"Line {number} of what everybody knows about pumps.\n" for number in range(20))


def connector(
    made: Wiki, layout: Layout = "gitlab", branch: str | None = None, name: str = "memory"
) -> GitWikiConnector:
    git = Git(Remote(made.url, branch))
    memory = made.work.parent / f"{name}.json"
    return GitWikiConnector("wiki", git, Site(layout, SITE), memory, readers=ALL)


def documents(source: GitWikiConnector) -> dict[str, Document]:
    """Return the documents by address, relative to the wiki's."""
    fetched = [source.fetch(entry) for entry in list(source.entries())]
    return {document.url.removeprefix(f"{SITE}/"): document for document in fetched}


def ids(source: GitWikiConnector) -> list[str]:
    return [entry.id.removeprefix("wiki:") for entry in source.entries()]


def versions(source: GitWikiConnector) -> dict[str, str]:
    return {entry.id.removeprefix("wiki:"): entry.version for entry in source.entries()}


@pytest.fixture
def made(tmp_path: Path) -> Wiki:
    return wiki(tmp_path, {"Home.md": "# Home\nWelcome.", "IT/vpn.md": LONG, "HR/pay.org": "* Pay"})


class GitSource:
    def __init__(self, made: Wiki) -> None:
        self.wiki = made

    def connector(self) -> GitWikiConnector:
        return connector(self.wiki)

    def change(self) -> str:
        self.wiki.write("IT/vpn.md", "Use TCP 443.")
        self.wiki.commit()
        return "wiki:IT/vpn.md"

    def remove(self) -> str:
        self.wiki.remove("HR/pay.org")
        self.wiki.commit()
        return "wiki:HR/pay.org"

    def damage(self) -> None:
        """Lose one object: half of the repository can still be read."""
        blob = self.wiki.git("rev-parse", "HEAD:IT/vpn.md").strip()
        (self.wiki.bare / "objects" / blob[:2] / blob[2:]).unlink()


class TestGitWikiConnector(ConnectorContract):
    @pytest.fixture
    def source(self, made: Wiki) -> GitSource:
        return GitSource(made)

    def test_no_copy_is_left_behind(self, source: GitSource, tmp_path: Path) -> None:
        before = set(Path(gettempdir()).glob("footnote-git-*"))
        listed = source.connector()
        documents(listed)
        assert set(Path(gettempdir()).glob("footnote-git-*")) - before
        del listed
        assert set(Path(gettempdir()).glob("footnote-git-*")) <= before


class TestIdentity:
    @pytest.mark.parametrize("layout", ["github", "gitlab", "gollum"])
    def test_a_renamed_page_keeps_its_id_and_has_its_new_address(
        self, made: Wiki, layout: Layout
    ) -> None:
        source = connector(made, layout)
        before = versions(source)
        made.move("IT/vpn.md", "Network/Remote-Access.md")
        made.write("Network/Remote-Access.md", LONG + "Ask Ann.\n")
        made.commit()
        after = versions(source)
        assert after.keys() == before.keys()
        assert after["IT/vpn.md"] != before["IT/vpn.md"]
        entry = next(entry for entry in source.entries() if entry.id == "wiki:IT/vpn.md")
        assert source.fetch(entry).url.endswith("Remote-Access")

    def test_renames_of_many_nights_are_followed_without_any_memory(self, made: Wiki) -> None:
        names = ["IT/vpn.md", "a.md", "b/c.md", "d.md"]
        for before, after in pairwise(names):
            made.move(before, after)
            made.commit()
        assert set(ids(connector(made))) == {"Home.md", "HR/pay.org", "IT/vpn.md"}

    def test_a_page_renamed_and_rewritten_at_once_is_another_page(self, made: Wiki) -> None:
        made.move("IT/vpn.md", "IT/printer.md")
        made.write("IT/printer.md", "Paper is in the cellar.")
        made.commit()
        assert set(ids(connector(made))) == {"Home.md", "HR/pay.org", "IT/printer.md"}

    def test_a_new_page_at_the_old_name_is_another_page(self, made: Wiki) -> None:
        made.move("IT/vpn.md", "IT/remote.md")
        made.commit()
        made.write("IT/vpn.md", "A new page.")
        made.commit()
        commit = made.git("rev-parse", "HEAD")[:12]
        listed = [i for i in ids(connector(made)) if i.startswith("IT/")]
        assert listed == ["IT/vpn.md", f"IT/vpn.md@{commit}"]

    def test_a_rename_on_a_branch_that_was_merged_is_found(self, made: Wiki) -> None:
        made.git("checkout", "--quiet", "-b", "draft")
        made.move("IT/vpn.md", "IT/remote.md")
        made.git("add", "--all")
        made.git("commit", "--quiet", "--message", "rename")
        made.git("checkout", "--quiet", "main")
        made.write("Home.md", "# Home")
        made.commit()
        made.git("merge", "--quiet", "--no-ff", "--message", "merge", "draft")
        made.push()
        assert "IT/vpn.md" in ids(connector(made))

    def test_a_rewritten_history_changes_no_id_tonight_or_later(self, made: Wiki) -> None:
        source = connector(made)
        made.move("IT/vpn.md", "IT/remote.md")
        made.commit()
        before = ids(source)
        assert "IT/vpn.md" in before
        made.git("checkout", "--quiet", "--orphan", "fresh")
        made.commit()
        assert ids(connector(made)) == before
        made.move("IT/remote.md", "IT/far.md")
        made.commit()
        assert sorted(ids(connector(made))) == sorted(before)
        assert "IT/remote.md" in ids(connector(made, name="lost"))

    @pytest.mark.parametrize("damage", [b"", b"[]", b'{"format": 0}', b'{"format": 1, "files": 3}'])
    def test_a_damaged_memory_is_begun_anew(self, made: Wiki, damage: bytes) -> None:
        before = versions(connector(made))
        memory = made.work.parent / "memory.json"
        memory.write_bytes(damage)
        assert versions(connector(made)) == before
        assert b"commit" in memory.read_bytes()

    def test_the_memory_holds_nothing_that_was_written_in_pages(self, made: Wiki) -> None:
        documents(connector(made))
        assert b"pumps" not in (made.work.parent / "memory.json").read_bytes()


class TestDocuments:
    def test_the_time_is_that_of_the_last_commit_that_touched_the_page(self, made: Wiki) -> None:
        made.write("Home.md", "# Home\nBye.")
        made.commit()
        found = documents(connector(made))
        assert found["Home"].updated_at == datetime(2026, 3, 2, tzinfo=UTC)
        assert found["IT/vpn"].updated_at == datetime(2026, 3, 1, tzinfo=UTC)

    def test_frames_hidden_files_and_pictures_are_no_documents(self, made: Wiki) -> None:
        for name in ("_Sidebar.md", "IT/_Footer.rst", "_header.org", "_Template.md"):
            made.write(name, "frame")
        for name in (".gitlab/redirects.yml", ".gollum.md", "uploads/1/logo.png", "a/.b/c.md"):
            made.write(name, "x")
        made.write("uploads/1/rates.csv", "a,b\n1,2\n")
        made.write("_Sidebar of the ship.md", "A page.")
        made.commit()
        found = documents(connector(made))
        assert set(found) == {
            *("Home", "IT/vpn", "HR/pay", "uploads/1/rates.csv", "_Sidebar-of-the-ship"),
        }
        assert found["uploads/1/rates.csv"].media_type == "text/csv"
        assert found["uploads/1/rates.csv"].title == "rates.csv"

    @pytest.mark.parametrize(
        ("layout", "addresses", "titles"),
        [
            ("github", ["Install-Guide", "50%25-off"], ["Install Guide", "50% off"]),
            ("gitlab", ["IT/Install-Guide", "IT/50%25-off"], ["Install Guide", "50% off"]),
            ("gollum", ["IT/Install-Guide", "IT/50%25%20off"], ["Install-Guide", "50% off"]),
        ],
    )
    def test_addresses_and_titles_are_those_of_the_layout(
        self, made: Wiki, layout: Layout, addresses: list[str], titles: list[str]
    ) -> None:
        made.write("IT/Install-Guide.asciidoc", "= Install")
        made.write("IT/50% off.textile", "h1. Sale")
        made.commit()
        found = documents(connector(made, layout))
        assert set(addresses) <= set(found)
        assert [found[address].title for address in addresses] == titles
        assert {found[address].media_type for address in addresses} == {"text/plain"}

    def test_headings_are_where_a_citation_leads(self, made: Wiki) -> None:
        made.write("Home.md", "# Home\n\n## Opening hours\n\nWe open at nine.\n")
        made.commit()
        places = parse(documents(connector(made))["Home"]).places
        assert places[-1].url == f"{SITE}/Home#opening-hours"

    def test_links_and_submodules_are_left_out(self, made: Wiki, tmp_path: Path) -> None:
        (tmp_path / "secret.md").write_text("secret")
        (made.work / "link.md").symlink_to(tmp_path / "secret.md")
        commit = made.git("rev-parse", "HEAD").strip()
        made.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module.md")
        made.git("commit", "--quiet", "--message", "module")
        made.write(".gitmodules", f'[submodule "m"]\npath = module.md\nurl = {made.url}\n')
        made.git("add", "link.md", ".gitmodules")
        made.git("commit", "--quiet", "--message", "link")
        made.push()
        assert set(documents(connector(made))) == {"Home", "IT/vpn", "HR/pay"}

    def test_a_name_that_is_not_utf8_is_a_document(self, made: Wiki) -> None:
        (made.work / os.fsdecode(b"caf\xe9.md")).write_text("Closed on Monday.")
        made.commit()
        found = documents(connector(made))
        assert found["caf%E9"].entry.id == r"wiki:caf\xe9.md"

    def test_what_git_lfs_keeps_is_a_failure_of_that_document_alone(self, made: Wiki) -> None:
        made.write("big.pdf", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
        made.commit()
        source = connector(made)
        assert "big.pdf" in ids(source)
        with pytest.raises(ConnectorError, match=r"big\.pdf .* is kept by Git LFS"):
            documents(source)

    def test_a_file_over_the_limit_is_listed_and_its_fetch_says_so(self, made: Wiki) -> None:
        made.write("film.pdf", b"\0" * (MAX_BLOB + 1))
        made.commit()
        source = connector(made)
        with pytest.raises(ConnectorError, match=r"film\.pdf .* is larger than 50 MiB"):
            source.fetch(next(entry for entry in source.entries() if "film" in entry.id))


class TestRefusals:
    """What is no complete listing is an error that names the way out."""

    def test_a_branch_that_is_not_there(self, made: Wiki) -> None:
        assert len(ids(connector(made, branch="main"))) == 3
        with pytest.raises(ConnectorError, match=r"has no branch 'master'\. Mend its name"):
            ids(connector(made, branch="master"))

    def test_a_repository_without_a_commit(self, made: Wiki) -> None:
        made.git(f"--git-dir={made.bare}", "update-ref", "-d", "refs/heads/main")
        with pytest.raises(ConnectorError, match="is empty: it has no commit"):
            ids(connector(made))
        with pytest.raises(ConnectorError, match="is empty: it has no commit"):
            connector(made).fetch(Entry("wiki:Home.md", "1", ALL))

    def test_a_branch_without_a_page(self, made: Wiki) -> None:
        for path in ("Home.md", "IT/vpn.md", "HR/pay.org"):
            made.remove(path)
        made.commit()
        with pytest.raises(ConnectorError, match="holds no page"):
            ids(connector(made))

    def test_a_repository_that_is_not_there(self, made: Wiki) -> None:
        assert ids(connector(made))
        made.bare.rename(made.bare.with_name("gone"))
        with pytest.raises(ConnectorError, match=r"does not .*Check the address"):
            ids(connector(made))

    @pytest.mark.parametrize(
        "url", ["ext::sh -c touch% /tmp/x", "git://h/x", "http://h/x", "-x", "--upload-pack=x", ""]
    )
    def test_an_address_of_another_protocol(self, url: str) -> None:
        with pytest.raises(ConnectorError, match="is not read: write file:///"):
            Git(Remote(url))

    def test_a_repository_that_takes_too_long(self, made: Wiki) -> None:
        git = Git(Remote(made.url), limits=Limits(total_s=0.001))
        with pytest.raises(ConnectorError, match=r"was not read within 0\.001 s"):
            git.head()

    def test_a_repository_that_is_too_large(self, made: Wiki) -> None:
        made.write("film.bin", random.Random(0).randbytes(300_000))
        made.commit()
        git = Git(Remote(made.url), limits=Limits(max_bytes=200_000))
        with pytest.raises(ConnectorError, match="is larger than 0 MiB"):
            git.copied()

    def test_no_hook_and_no_setting_of_a_user_is_run(
        self, made: Wiki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trace = tmp_path / "ran"
        hooks = tmp_path / "template/hooks"
        hooks.mkdir(parents=True)
        (hooks / "reference-transaction").write_text(f"#!/bin/sh\ntouch {trace}\n")
        (hooks / "reference-transaction").chmod(0o755)
        config = tmp_path / "config"
        config.write_text(
            f"[init]\ntemplateDir = {tmp_path}/template\n[core]\nhooksPath = {hooks}\n"
            f'[url "file:///elsewhere"]\ninsteadOf = {made.url}\n'
        )
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
        monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path / "template"))
        assert documents(connector(made))
        assert not trace.exists()
