"""[[sources]] type = "slack": from a line of the settings file to documents."""

from pathlib import Path

import pytest

from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_slack_export import reply, said, ts
from tests.ui.slack_server import BOT_TOKEN
from ui import connections
from ui.settings import Settings, SettingsError, load


def settings(folder: Path, company: SlackCompany, more: str = "") -> Settings:
    file = folder / "settings.toml"
    file.write_text(
        f"""
[[sources]]
type = "slack"
name = "talk"
readers = ["group:staff"]
token_env = "TALK_TOKEN"
api_url = "{company.api_url}"
files_url = "{company.files_origin}"
{more}
""",
        encoding="utf-8",
    )
    return load(file)


def test_a_slack_source_is_read_with_the_token_of_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALK_TOKEN", BOT_TOKEN)
    with SlackCompany() as company:
        company.add_channel("C1", "general")
        company.add_channel("C2", "random")
        company.put("C1", said(0, "When do we move?", user="U0BOT2"))
        plan = company.share("F1", b"The move is on Friday.")
        company.put("C1", reply(1, 0, "See the plan", files=[plan]))
        company.put("C2", said(0, "Nobody wants to know about this"))
        chosen = settings(tmp_path, company, 'exclude = ["rand*"]\ninclude_files = true')
        source = connections.connector(chosen.sources[0], chosen.data_dir)
        entries = {entry.id: entry for entry in source.entries()}
        assert sorted(entries) == ["talk:file:F1", f"talk:general:{ts(0)}"]
        assert {entry.readers for entry in entries.values()} == {frozenset({"group:staff"})}
        assert source.fetch(entries["talk:file:F1"]).body == b"The move is on Friday."
    assert (tmp_path / "data" / "talk.threads.sqlite").exists()


def test_what_is_kept_of_threads_holds_no_word_that_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALK_TOKEN", BOT_TOKEN)
    with SlackCompany() as company:
        company.add_channel("C1", "general")
        company.put("C1", said(0, "Is the canary singing?"))
        company.put("C1", reply(1, 0, "The canary is singing"))
        chosen = settings(tmp_path, company)
        assert len(list(connections.connector(chosen.sources[0], chosen.data_dir).entries())) == 1
    assert b"canary" not in (tmp_path / "data" / "talk.threads.sqlite").read_bytes()


def test_a_token_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALK_TOKEN", raising=False)
    with SlackCompany() as company:
        chosen = settings(tmp_path, company)
    with pytest.raises(SettingsError, match="TALK_TOKEN is not set"):
        connections.connector(chosen.sources[0], chosen.data_dir)


def test_who_reads_public_channels_is_never_assumed(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[[sources]]\ntype = "slack"\nname = "talk"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="readers: Field required"):
        load(file)
