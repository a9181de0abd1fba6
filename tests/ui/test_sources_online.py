"""`footnote sources check` of Confluence and Notion: readers, missing rights, plain words."""

from pathlib import Path

import pytest

from tests.connectors.confluence_server import TOKEN, USER, confluence
from tests.connectors.notion_server import TOKEN as NOTION_TOKEN
from tests.connectors.notion_server import notion
from tests.connectors.test_confluence import fill
from tests.connectors.test_notion import fill as fill_notion
from tests.ui.test_sources import check


def settings(url: str, edition: str, more: str = "") -> str:
    return f"""
[[sources]]
type = "confluence"
name = "conf"
edition = "{edition}"
url = "{url}"
token_env = "CONF"
{more}
"""


def notion_settings(url: str) -> str:
    return f"""
[[sources]]
type = "notion"
name = "notes"
readers = ["everyone"]
token_env = "NOTES"
api_url = "{url}"
"""


@pytest.mark.parametrize("cloud", [True, False])
def test_confluences_own_readers_are_shown(tmp_path: Path, cloud: bool) -> None:
    with confluence(cloud=cloud) as server:
        fill(server)
        server.contents["3"].restricted = [("group", "hr")]
        more = f'user = "{USER}"' if cloud else 'user_domain = "x.example"'
        edition = "cloud" if cloud else "data_center"
        text = settings(server.url, edition, more)
        code, output = check(tmp_path, text, env={"CONF": TOKEN})
    assert code == 0
    assert "conf:1              group:staff" in output
    assert "conf:3              user:bo@x.example" in output
    assert f"opened: Home ({server.url}/" in output


def test_a_missing_scope_of_confluence_is_named(tmp_path: Path) -> None:
    with confluence(cloud=True) as server:
        fill(server)
        server.refusals["/permissions"] = 401
        text = settings(server.url, "cloud", f'user = "{USER}"')
        code, output = check(tmp_path, text, env={"CONF": TOKEN})
    assert code == 1
    assert "FAIL  conf (confluence):" in output
    assert "Check the token in CONF." in output
    assert "needs the scope read:space.permission:confluence" in output
    assert TOKEN not in output


def test_the_wrong_edition_is_told(tmp_path: Path) -> None:
    with confluence(cloud=True) as server:
        text = settings(server.url, "data_center", f'user = "{USER}"')
        code, output = check(tmp_path, text, env={"CONF": TOKEN})
    assert code == 1
    assert 'set edition = "cloud" for it in the settings' in output


def test_notions_pages_are_shown_and_a_missing_capability_is_named(tmp_path: Path) -> None:
    with notion() as server:
        fill_notion(server)
        code, output = check(tmp_path, notion_settings(server.url), env={"NOTES": NOTION_TOKEN})
        assert code == 0
        assert "notes:p6  everyone" in output
        server.refusals["blocks"] = 403
        code, output = check(tmp_path, notion_settings(server.url), env={"NOTES": NOTION_TOKEN})
    assert code == 1
    assert "lacks the capability 'Read content'. Tick it at notion.so" in output


def test_tokens_that_are_not_set_are_named(tmp_path: Path) -> None:
    both = settings("https://x.example/wiki", "cloud") + notion_settings("https://n.example")
    code, output = check(tmp_path, both)
    assert code == 1
    assert "FAIL  conf (confluence): The environment variable CONF" in output
    assert "FAIL  notes (notion): The environment variable NOTES" in output
