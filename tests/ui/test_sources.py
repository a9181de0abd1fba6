"""`footnote sources check`: what an admin learns before the first night."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.servers.dokuwiki import ADMIN, READER, dokuwiki
from ui.cli import main


def check(
    folder: Path, settings: str, *arguments: str, env: dict[str, str] | None = None
) -> tuple[int, str]:
    file = folder / "settings.toml"
    file.write_text(settings, encoding="utf-8")
    command = ["--settings", str(file), "sources", "check", *arguments]
    result = CliRunner().invoke(main, command, env=env)
    return result.exit_code, result.output


@pytest.fixture
def files(tmp_path: Path) -> str:
    (tmp_path / "docs/hr").mkdir(parents=True)
    for number in range(12):
        (tmp_path / f"docs/{number:02d}.md").write_text("# Leave\n26 days.")
    (tmp_path / "docs/a-first.md").write_text("x")
    return """
[groups]
staff = ["ann@acme.example"]

[[sources]]
type = "files"
name = "docs"
path = "docs"
readers = ["group:staff"]
rules = [{path = "03.md", readers = ["group:hr"]}, {path = "04.md", readers = []}]
"""


def test_ten_documents_are_shown_with_who_may_read_them(tmp_path: Path, files: str) -> None:
    code, output = check(tmp_path, files)
    assert code == 0
    lines = output.splitlines()
    assert "ok    docs (files): its first 10 documents" in lines[0]
    assert lines[1].split() == ["docs:00.md", "group:staff"]
    assert lines[4].split() == ["docs:03.md", "group:hr"]
    assert lines[5].split() == ["docs:04.md", "nobody"]
    assert lines[11].split()[:2] == ["opened:", "00"]
    assert len(lines) == 14


def test_a_group_that_the_settings_do_not_have_is_named(tmp_path: Path, files: str) -> None:
    _, output = check(tmp_path, files)
    assert "note  group:hr is not in [groups] of the settings: nobody reads" in output
    assert "group:staff is not" not in output


def test_nothing_is_ingested(tmp_path: Path, files: str) -> None:
    check(tmp_path, files)
    assert not (tmp_path / "data").exists()


def test_a_name_that_no_source_has_is_refused_with_the_names_there_are(
    tmp_path: Path, files: str
) -> None:
    code, output = check(tmp_path, files, "dosc")
    assert code == 1
    assert "No source is named 'dosc'; the settings name: docs." in output


def test_one_failing_source_does_not_hide_the_others(tmp_path: Path, files: str) -> None:
    broken = files + '[[sources]]\ntype = "files"\nname = "gone"\npath = "gone"\nreaders = []\n'
    code, output = check(tmp_path, broken, "--json")
    assert code == 1
    ok, failed = json.loads(output)
    assert (ok["name"], ok["error"], len(ok["documents"])) == ("docs", None, 10)
    assert failed["name"] == "gone"
    assert "gone" in failed["error"]


def test_a_secret_that_is_not_set_is_named(tmp_path: Path) -> None:
    settings = """
[[sources]]
type = "mediawiki"
name = "wiki"
api_url = "https://wiki.acme.example/w/api.php"
user = "Footnote"
password_env = "ACME_WIKI_PASSWORD"
readers = ["everyone"]
"""
    code, output = check(tmp_path, settings)
    assert code == 1
    assert "FAIL  wiki (mediawiki): The environment variable ACME_WIKI_PASSWORD" in output


@pytest.mark.parametrize(
    "line", ['password = "s3cret"', 'api_url = "https://ann:pw@wiki.example/"', "namespaces = []"]
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, line: str) -> None:
    settings = '[[sources]]\ntype = "mediawiki"\nname = "wiki"\nreaders = []\n' + line
    code, output = check(tmp_path, settings)
    assert code == 1
    assert f"sources.0.mediawiki.{line.partition(' ')[0]}" in output


@pytest.mark.server
class TestRealWiki:
    SETTINGS = """
[[sources]]
type = "dokuwiki"
name = "doku"
url = "{url}"
user = "{user}"
password_env = "DOKU"
"""

    def test_the_wikis_own_readers_and_denials_are_shown(self, tmp_path: Path) -> None:
        with dokuwiki(tmp_path / "wiki") as wiki:
            wiki.set_rules({"*": {"@ALL": 1}, "wiki:*": {"@interns": 0}})
            settings = self.SETTINGS.format(url=wiki.url, user=ADMIN[0])
            code, output = check(tmp_path, settings, env={"DOKU": ADMIN[1]})
        assert code == 0
        assert "everyone but not group:interns" in output
        assert "group:interns is not in [groups] of the settings: nobody reads what" in output

    def test_a_missing_right_is_said_in_an_admins_words(self, tmp_path: Path) -> None:
        with dokuwiki(tmp_path / "wiki") as wiki:
            settings = self.SETTINGS.format(url=wiki.url, user=READER[0])
            code, output = check(tmp_path, settings, env={"DOKU": READER[1]})
            wrong, said = check(tmp_path, settings, env={"DOKU": "wrong"})
        assert code == wrong == 1
        assert "superuser rights" in output
        assert "does not accept the credentials. Check the password in DOKU" in said
