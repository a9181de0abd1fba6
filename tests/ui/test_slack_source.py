"""[[sources]] type = "slack": from a line of the settings file to documents."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_slack_export import reply, said, ts
from tests.ui.slack_server import BOT_TOKEN
from ui import connections
from ui.cli import main
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
        assert sorted(entries) == [f"talk:C1:{ts(0)}", "talk:file:F1"]
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


@pytest.mark.parametrize(
    ("command", "fetched"), [(["ingest", "--dry-run"], 0), (["sources", "check"], 1)]
)
def test_a_look_uses_what_is_remembered_and_leaves_it_to_the_ingestion_that_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], fetched: int
) -> None:
    monkeypatch.setenv("TALK_TOKEN", BOT_TOKEN)
    memory = tmp_path / "data" / "talk.threads.sqlite"
    with SlackCompany() as company:
        company.add_channel("C1", "general")
        company.put("C1", said(0, "Is the canteen open?"))
        company.put("C1", reply(1, 0, "From noon on."))
        chosen = settings(tmp_path, company, "reread_days = 1")
        at_work = connections.connector(chosen.sources[0], chosen.data_dir)
        assert len(list(at_work.entries())) == 1
        company.put("C1", said(200, "Where is the new badge office?"))
        company.calls.clear()
        with closing(sqlite3.connect(memory)) as writing:
            writing.execute("BEGIN IMMEDIATE")
            before = memory.read_bytes()
            arguments = ["--settings", str(tmp_path / "settings.toml"), *command]
            result = CliRunner().invoke(main, arguments)
            assert memory.read_bytes() == before
        assert (result.exit_code, result.exception) == (0, None)
        assert f"talk:C1:{ts(200)}" in result.output
        assert company.count("conversations.replies") == fetched
        assert len(list(at_work.entries())) == 2
    assert {file.name for file in memory.parent.iterdir()} == {memory.name}


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
