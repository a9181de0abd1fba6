"""The main job on the demo company with the real models: documents in, cited answers out."""

import json
import shlex
import shutil
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ui import doctor
from ui.cli import main

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]

DEMO = Path(__file__).parent.parent / "demo"


class Company:
    """A copy of the demo company that a test may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(DEMO, folder)
        self.settings = folder / "settings.toml"
        text = self.settings.read_text().replace("../data/demo", "data")
        self.settings.write_text(text)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["--settings", str(self.settings), *arguments])

    def ask(self, question: str, *arguments: str) -> dict[str, object]:
        result = self.run("ask", question, "--json", *arguments)
        assert result.exit_code == 0, result.output
        answer: dict[str, object] = json.loads(result.stdout)
        return answer

    def ingest(self) -> dict[str, object]:
        result = self.run("ingest", "--json")
        assert result.exit_code == 0, result.output
        report: dict[str, object] = json.loads(result.stdout)
        return report


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    made = Company(tmp_path_factory.mktemp("company") / "demo")
    made.ingest()
    return made


def documents(citations: object) -> list[str]:
    assert isinstance(citations, list)
    return [citation["document_id"] for citation in citations]


def test_a_question_gets_a_cited_answer(company: Company) -> None:
    answer = company.ask("At what hours may I charge my e-bike battery in the bike shed in Ghent?")
    assert answer["status"] == "answered"
    assert "7:00 and 19:00" in str(answer["text"])
    assert "[1]" in str(answer["text"])
    assert documents(answer["citations"])[0] == "drive:minutes/works-council-ghent-2026-06-18.docx"


def test_make_demo_shows_three_cited_answers_and_one_refusal(company: Company) -> None:
    listed = (DEMO.parent / "Makefile").read_text().partition("QUESTIONS := ")[2]
    *answered, refused = shlex.split(listed.partition("\n\n")[0].replace("\\\n", ""))
    assert len(answered) == 3
    for question in answered:
        assert company.ask(question)["citations"], question
    assert company.ask(refused)["status"] == "abstained"


def test_who_asks_how_to_do_something_gets_every_step(company: Company) -> None:
    answer = company.ask("How do I set up the VPN on my phone?")
    lines = str(answer["text"]).splitlines()
    assert [line[:2] for line in lines] == ["1.", "2.", "3."]
    assert all(line.endswith("[1]") for line in lines)


def test_a_question_off_the_subject_is_refused(company: Company) -> None:
    answer = company.ask("Who won the football world cup in 1998?")
    assert answer["status"] == "abstained"
    assert answer["citations"] == []


def test_a_restricted_page_answers_only_its_readers(company: Company) -> None:
    question = "What are the salary bands, what does level 3 earn?"
    for user in ([], ["--user", "stranger@fernhill.example"]):
        answer = company.ask(question, *user)
        shown = documents(answer["citations"]) + documents(answer["closest"])
        assert not [id for id in shown if "hr-only" in id or "HR/" in id]
    answer = company.ask(question, "--user", "marta.figueira@fernhill.example")
    shown = documents(answer["citations"]) + documents(answer["closest"])
    assert "wiki:people/hr-only/salary-bands.md" in shown


def test_ingestion_reports_the_scan_and_the_broken_file(company: Company) -> None:
    report = company.ingest()
    assert report["generation"] is None
    assert report["embedded_windows"] == 0
    sources = report["sources"]
    assert isinstance(sources, list)
    failures = {f["document"]: f["code"] for source in sources for f in source["failures"]}
    assert failures == {
        "drive:facilities/scans/leeds-rent-review-2026-02.pdf": "needs-ocr",
        "drive:manuals/drafts/dewpoint-wall-mount-draft.docx": "damaged",
    }


def test_hidden_instructions_are_in_no_chunk(company: Company) -> None:
    generation = next((company.folder / "data" / "generations").iterdir())
    body = (generation / "chunks.sqlite").read_bytes()
    assert b"snack" in body
    assert b"fernhill-rewards.example" not in body
    assert b"fernhill-helpdesk.example" not in body


def test_a_deleted_page_is_gone_after_the_next_run(company: Company) -> None:
    question = "What day do I have to add wishes to the office snack order by?"
    assert "wiki:facilities/snacks-and-larder.md" in documents(company.ask(question)["citations"])
    (company.folder / "wiki/facilities/snacks-and-larder.md").unlink()
    company.ingest()
    answer = company.ask(question)
    shown = documents(answer["citations"]) + documents(answer["closest"])
    assert "wiki:facilities/snacks-and-larder.md" not in shown


def test_status_and_doctor_say_that_all_is_well(company: Company) -> None:
    status = company.run("status")
    assert status.exit_code == 0
    assert "generation 00000" in status.stdout
    assert "needs-ocr" in status.stdout
    checks = company.run("doctor", "--offline")
    assert checks.exit_code == 0, checks.stdout
    assert "outside connections attempted: none" in checks.stdout


def test_doctor_sees_a_connection_that_leaves_the_machine(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def phones_home(_settings: object) -> str:
        socket.create_connection(("192.0.2.1", 443), timeout=1)
        return "never"

    monkeypatch.setattr(doctor, "_question", phones_home)
    result = company.run("doctor", "--offline")
    assert result.exit_code == 1
    assert "192.0.2.1" in result.stdout
