"""`footnote sources check` for MediaWiki and DokuWiki, each with a real wiki."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import dokuwiki, mediawiki
from tests.ui.test_sources import check

pytestmark = pytest.mark.server

TABLE = """
[[sources]]
name = "wiki"
"""


def of_mediawiki(folder: Path, password: str) -> tuple[int, str]:
    with mediawiki.mediawiki(folder / "server") as wiki:
        wiki.save("Leave", "Everybody has 26 days.")
        user, secret = mediawiki.READER
        table = f"""
type = "mediawiki"
api_url = "{wiki.api_url}"
user = "{user}"
password_env = "WIKI_PASSWORD"
readers = ["everyone"]
"""
        return check(folder, TABLE + table, env={"WIKI_PASSWORD": password or secret})


def of_dokuwiki(folder: Path, password: str) -> tuple[int, str]:
    with dokuwiki.dokuwiki(folder / "server") as wiki:
        wiki.save("hr:leave", "Everybody has 26 days.")
        wiki.set_rules({"*": {"@ALL": 1, "@user": 8}, "hr:*": {"@ALL": 0, "@user": 0, "@hr": 8}})
        user, secret = dokuwiki.ADMIN
        table = f"""
type = "dokuwiki"
url = "{wiki.url}"
user = "{user}"
password_env = "WIKI_PASSWORD"
"""
        return check(folder, TABLE + table, env={"WIKI_PASSWORD": password or secret})


def rows(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


def test_a_mediawikis_pages_are_listed_and_the_first_is_opened(tmp_path: Path) -> None:
    code, output = of_mediawiki(tmp_path, "")
    assert code == 0, output
    assert any(row[-1:] == ["everyone"] and row[0].startswith("wiki:") for row in rows(output))
    assert "opened: " in output


def test_a_dokuwikis_pages_are_listed_with_the_readers_of_its_rules(tmp_path: Path) -> None:
    code, output = of_dokuwiki(tmp_path, "")
    assert code == 0, output
    assert ["wiki:hr:leave", "group:hr"] in rows(output)


@pytest.mark.parametrize("wiki", [of_mediawiki, of_dokuwiki])
def test_a_wrong_password_is_explained(
    tmp_path: Path, wiki: Callable[[Path, str], tuple[int, str]]
) -> None:
    code, output = wiki(tmp_path, "wrong")
    assert code == 1
    assert "WIKI_PASSWORD" in output
