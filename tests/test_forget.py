"""A hundred canaries: forgotten at once in every answer, and erased by the next ingestion."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from filelock import FileLock

from index import generations
from ingest.cache import VectorCache
from rag.base import Answer, Question
from rag.confidence import SIGNALS, Calibration
from rag.correct import Policy
from rag.engine import Engine, Limits, Models
from rag.evidence import Weights
from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_slack_export import reply, said, ts
from tests.fake_models import OVERLAP, HashEmbedder, ScriptedModel
from tests.rag.corpus import RANKING
from tests.ui.fake_answers import Ratings, answered
from tests.ui.slack_server import BOT_TOKEN
from ui import settings as settings_file
from ui import wiring
from ui.chat import Chat
from ui.cli import main
from ui.conversation import Shelf

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
EVERYONE = frozenset({"everyone"})
CANARIES = [f"quokka{number:03d}zx" for number in range(100)]
SURE = Weights(np.zeros(len(SIGNALS)), np.ones(len(SIGNALS)), np.zeros(len(SIGNALS)), 5.0)


class Company:
    """A wiki with a page a canary, and all that answers from it."""

    def __init__(self, folder: Path) -> None:
        self.wiki = folder / "wiki"
        self.data = folder / "data"
        self.file = folder / "settings.toml"
        self.wiki.mkdir()
        self.file.write_text(
            '[[sources]]\ntype = "files"\nname = "wiki"\npath = "wiki"\nreaders = ["everyone"]\n'
            '[groups]\ninterns = ["ian@x.org"]\n'
        )
        for canary in CANARIES:
            self.write(canary, "one")
        for number in range(5):
            page = f"# Pumps\n\nThe pump of hall {number} is green."
            (self.wiki / f"hall{number}.md").write_text(page)
        (self.wiki / "quokkabroken.pdf").write_bytes(b"%PDF-1.4 and nothing of a PDF")

    def write(self, canary: str, edition: str) -> None:
        text = f"# Report {canary}\n\nThe shelf of {canary} is edition {edition} in {canary}."
        (self.wiki / f"{canary}.md").write_text(text)

    def run(self, *arguments: str) -> str:
        result = CliRunner().invoke(main, ["--settings", str(self.file), *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    def chat(self) -> Chat:
        embedder = HashEmbedder()
        engine = Engine(
            wiring.store(settings_file.load(self.file), embedder),
            Models(embedder, OVERLAP, ScriptedModel("")),
            Calibration(RANKING, SURE),
            policy=Policy(accept=0.01),
            limits=Limits(),
        )
        return Chat(engine, engine._store, lambda: NOW, Ratings())

    def files_with(self, *words: str) -> set[str]:
        """Return the files of the data directory that hold one of the words, in any case."""
        files = [file for file in self.data.rglob("*") if file.is_file()]
        bodies = [(file.name, file.read_bytes().lower()) for file in files]
        return {name for name, body in bodies if any(w.encode() in body for w in words)}


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setattr(wiring, "embedder", lambda _section: HashEmbedder())
    made = Company(tmp_path)
    made.run("ingest")
    return made


def question(canary: str) -> str:
    return f"Which edition is the shelf of {canary}?"


def everything_shown(chat: Chat, canary: str) -> str:
    """Return all that asking about a canary brings up."""
    shown = [str(screen) for screen in chat.ask(question(canary), Shelf(), EVERYONE)]
    vector = HashEmbedder().embed_query(canary)
    hits = chat.store.search(canary, vector, 200, EVERYONE)
    chunks = chat.store.read(f"wiki:{canary}.md", EVERYONE)
    return f"{shown} {hits} {chunks}".replace(question(canary), "")


def asked(chat: Chat, text: str) -> Answer:
    return chat.answerer.ask(Question(text, EVERYONE))


def test_a_hundred_forgotten_documents_are_nowhere_within_a_second(company: Company) -> None:
    chat = company.chat()
    shelf = Shelf()
    for canary in CANARIES[:3]:
        *_, last = chat.ask(question(canary), shelf, EVERYONE)
        assert last.shelf is not None
        shelf = last.shelf
        assert f"wiki:{canary}.md" in str(asked(chat, question(canary)).citations)
    assert all(canary in str(chat.load(shelf, EVERYONE).evidence) for canary in CANARIES[:3])
    assert sum(canary in everything_shown(chat, canary) for canary in CANARIES) == 100
    company.run("forget", *(f"wiki:{canary}.md" for canary in CANARIES), "--yes")
    started = time.monotonic()
    first = everything_shown(chat, CANARIES[0])
    assert time.monotonic() - started < 1
    assert CANARIES[0] not in first
    assert not [c for c in CANARIES if c in everything_shown(chat, c)]
    seen = chat.load(shelf, EVERYONE)
    words = f"{seen.turns} {seen.evidence}"
    for canary in CANARIES[:3]:
        words = words.replace(question(canary), "")
    assert "quokka" not in words
    assert "green" in asked(chat, "What colour is the pump of hall 3?").text


def test_no_byte_of_a_forgotten_document_is_left_after_the_next_generation(
    company: Company,
) -> None:
    for edition in ("two", "three"):
        for canary in CANARIES[::10]:
            company.write(canary, edition)
        company.run("ingest")
    assert len(generations.names(company.data)) == 3
    assert company.files_with("quokka") >= {"chunks.sqlite", "live.sqlite"}
    ids = [*(f"wiki:{canary}.md" for canary in CANARIES), "wiki:quokkabroken.pdf"]
    company.run("forget", *ids, "--yes")
    assert company.files_with("quokka") >= {"chunks.sqlite", "live.sqlite"}
    assert "100 forgotten documents removed" in company.run("ingest")
    assert company.files_with("quokka", *CANARIES) == set()
    embedder = HashEmbedder()
    cache = VectorCache(company.data / "cache.sqlite", embedder)
    rows = cache._database.execute("SELECT count(*) FROM vectors").fetchone()
    cache.close()
    assert rows == (5,)
    report = company.run("ingest")
    assert "Nothing changed" in report
    assert "5 unchanged" in report


def test_no_byte_of_a_forgotten_thread_is_left_though_its_channel_is_remembered(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    with SlackCompany() as workspace:
        workspace.add_channel("C1", "general")
        for minute in (0, 300, 600):
            workspace.put("C1", said(minute, f"Who saw quokka{minute:03d}zx?"))
            workspace.put("C1", reply(minute + 1, minute, "It left the zoo."))
        company.file.write_text(
            '[[sources]]\ntype = "slack"\nname = "talk"\nreaders = ["everyone"]\n'
            f'api_url = "{workspace.api_url}"\ninclude_files = false\n'
        )
        company.run("ingest")
        thread = ts(300)
        assert company.files_with(thread) == {"chunks.sqlite"}
        company.run("forget", f"talk:C1:{thread}", "--yes")
        for _ in range(2):
            company.run("ingest")
            assert company.files_with(thread, "quokka300zx") == set()
        assert company.files_with("quokka600zx") == {"chunks.sqlite"}
        workspace.calls.clear()
        company.run("ingest")
        assert workspace.count("conversations.replies") == 0
    assert (company.data / "talk.threads.sqlite").exists()


def test_an_erasure_that_broke_off_is_finished_by_the_next_run(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.write(CANARIES[1], "two")
    company.run("ingest")
    company.run("forget", *(f"wiki:{canary}.md" for canary in CANARIES), "--yes")
    company.run("forget", "wiki:quokkabroken.pdf", "--yes")
    with monkeypatch.context() as patched:
        patched.setattr(VectorCache, "keep_only", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            company.run("ingest")
    assert company.files_with("quokka") == {"live.sqlite"}
    assert "Nothing changed" in company.run("ingest")
    assert company.files_with("quokka", *CANARIES) == set()


def test_a_forgotten_document_that_is_let_back_in_is_ingested_again(company: Company) -> None:
    company.run("forget", f"wiki:{CANARIES[7]}.md", "--yes")
    company.run("ingest")
    assert "1 of 1 were forgotten" in company.run("forget", "--undo", f"wiki:{CANARIES[7]}.md")
    assert "1 added" in company.run("ingest")
    assert CANARIES[7] in asked(company.chat(), question(CANARIES[7])).text


def test_what_was_revoked_before_it_was_forgotten_comes_back_only_to_whom_it_was_open(
    company: Company,
) -> None:
    page = f"wiki:{CANARIES[7]}.md"
    company.run("revoke", "group:interns", page)
    company.run("forget", page, "--yes")
    company.run("ingest")
    company.run("forget", "--undo", page)
    assert "1 added" in company.run("ingest")
    store = company.chat().store
    ann, ian = EVERYONE | {"user:ann@x.org"}, EVERYONE | {"user:ian@x.org", "group:interns"}
    assert store.read(page, ann)
    assert store.read(page, ian) == store.read(page, EVERYONE) == []


def test_revoking_from_a_group_that_nobody_defined_says_that_nobody_reads(
    company: Company,
) -> None:
    page = f"wiki:{CANARIES[7]}.md"
    assert "nor can" in company.run("revoke", "group:interns", page).lower()
    assert "Nobody can: group:Interns is not in [groups]" in company.run(
        "revoke", "group:Interns", page
    )
    ann = EVERYONE | {"user:ann@x.org"}
    assert company.chat().store.read(page, ann) == []


def test_a_question_that_is_too_old_goes_with_the_next_ingestion(company: Company) -> None:
    asked = Question("Is the zebra ill?", frozenset({"user:ann@x.org"}))
    journal = wiring.journal(settings_file.load(company.file))
    journal.record(asked, answered("25.", []), datetime.now(UTC) - timedelta(days=91))
    assert company.files_with("zebra", "ann@x.org") == {"live.sqlite"}
    company.run("ingest")
    assert company.files_with("zebra", "ann@x.org") == set()


def test_a_question_that_is_too_old_goes_although_the_ingestion_fails(company: Company) -> None:
    asked = Question("Is the zebra ill?", frozenset({"user:ann@x.org"}))
    journal = wiring.journal(settings_file.load(company.file))
    journal.record(asked, answered("25.", []), datetime.now(UTC) - timedelta(days=91))
    assert company.files_with("zebra", "ann@x.org") == {"live.sqlite"}
    with FileLock(company.data / "LOCK"):
        result = CliRunner().invoke(main, ["--settings", str(company.file), "ingest"])
    assert "Another ingestion is running" in result.output
    assert company.files_with("zebra", "ann@x.org") == set()


def test_forgetting_shows_first_what_would_go(company: Company) -> None:
    shown = company.run("forget", "wiki:hall3.md", "wiki:never")
    assert "wiki:hall3.md  'Pumps'" in shown
    assert "wiki:never  (not in the index" in shown
    assert "--yes" in shown
    assert "green" in asked(company.chat(), "What colour is the pump of hall 3?").text


def test_a_revoked_page_is_gone_for_its_reader_until_that_is_undone(company: Company) -> None:
    chat = company.chat()
    page = f"wiki:{CANARIES[0]}.md"
    company.run("revoke", "everyone", page)
    assert chat.store.read(page, EVERYONE) == []
    assert CANARIES[0] not in everything_shown(chat, CANARIES[0])
    company.run("revoke", "everyone", page, "--undo")
    assert CANARIES[0] in everything_shown(chat, CANARIES[0])


def test_who_is_no_principal_cannot_be_revoked(company: Company) -> None:
    arguments = ["--settings", str(company.file), "revoke", "ann@x.org", "wiki:hall3.md"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "user:<e-mail address>" in result.output
