"""`footnote sources check` for a git wiki."""

from pathlib import Path

import pytest

from tests.servers.git import wiki
from tests.ui.test_sources import check

SETTINGS = """
[[sources]]
type = "gitwiki"
name = "wiki"
repository = "{repository}"
layout = "gollum"
url = "https://wiki.acme.example"
readers = ["everyone"]
"""


@pytest.mark.server
def test_a_repository_is_listed_and_its_first_page_opened(tmp_path: Path) -> None:
    made = wiki(tmp_path / "git", {"Home.md": "# Home", "IT/vpn.md": "Use TCP 443."})
    code, output = check(tmp_path, SETTINGS.format(repository=made.url))
    assert code == 0
    assert "wiki:IT/vpn.md  everyone" in output
    assert "opened: Home (https://wiki.acme.example/Home)" in output


def test_a_token_that_is_not_set_is_named(tmp_path: Path) -> None:
    settings = SETTINGS.format(repository="https://git.acme.example/x.wiki.git") + 'user = "x"\n'
    code, output = check(tmp_path, settings)
    assert code == 1
    assert "The environment variable GITWIKI_TOKEN is not set" in output


@pytest.mark.parametrize(
    "line",
    ['branch = "-x"', 'repository = "git@github.com:acme/x.wiki.git"', 'layout = "gitea"'],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, line: str) -> None:
    key = line.partition(" ")[0]
    given = SETTINGS.format(repository="https://git.acme.example/x.wiki.git").splitlines()
    settings = "\n".join([*(each for each in given if not each.startswith(f"{key} ")), line])
    code, output = check(tmp_path, settings)
    assert code == 1
    assert f"sources.0.gitwiki.{key}" in output


def test_a_password_in_the_address_is_refused(tmp_path: Path) -> None:
    settings = SETTINGS.format(repository="https://ann:pw@git.acme.example/x.wiki.git")
    code, output = check(tmp_path, settings)
    assert code == 1
    assert "has a user name or a password in it" in output
    assert "pw@" not in output
