"""The command line: one verb a job. People's output on stdout, progress and logs on stderr."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from connectors.base import ConnectorError
from index.base import StoreError
from rag.base import ModelError
from ui import settings as settings_file
from ui.auth import principals_of
from ui.settings import Settings, SettingsError

FAILURES = (SettingsError, StoreError, ModelError, ConnectorError)


class CurrentStderr(logging.Handler):
    """Writes to whatever sys.stderr is then: a progress bar or a test may replace it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        click.echo(self.format(record), err=True)


def reports_failure(command: Callable[..., None]) -> Callable[..., None]:
    """Turn the errors that an admin can mend into one line and exit code 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except FAILURES as error:
            raise click.ClickException(str(error)) from error

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("settings.toml"),
    show_default=True,
    help="The settings file; paths in it are relative to it.",
)
@click.version_option(package_name="footnote")
@click.pass_context
def main(context: click.Context, file: Path) -> None:
    """Answer employees' questions from the company's own documents, citing every sentence."""
    settings_file.stay_offline()
    logging.basicConfig(
        level=logging.WARNING,
        handlers=[CurrentStderr()],
        format="%(asctime)s %(levelname)s %(message)s",
    )
    context.obj = file


def loaded(context: click.Context) -> Settings:
    """Read the settings file that the command line names."""
    file: Path = context.obj
    return settings_file.load(file)


@main.command()
@click.argument("questions", nargs=-1, required=True)
@click.option("--user", help="E-mail address of who asks; without it, what everyone may read.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a question.")
@click.pass_context
@reports_failure
def ask(
    context: click.Context, questions: tuple[str, ...], user: str | None, as_json: bool
) -> None:
    """Answer one question, or several one after the other.

    Example: footnote --settings demo/settings.toml ask "How many days off do I get?"
    """
    from rag.base import Question
    from ui import render, wiring

    if not all(question.strip() for question in questions):
        raise click.UsageError("A question is empty.")
    settings = loaded(context)
    engine = wiring.answering(settings).engine
    for question in questions:
        answer = engine.ask(Question(question, principals_of(user, settings.groups)))
        if as_json:
            click.echo(json.dumps(render.to_json(answer), ensure_ascii=False))
            continue
        if len(questions) > 1:
            click.secho(f"\n▸ {question}\n", bold=True)
        click.echo(render.to_terminal(answer, datetime.now(UTC)))


@main.command()
@click.option("--rebuild", is_flag=True, help="Start from nothing instead of the last generation.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
@reports_failure
def ingest(context: click.Context, rebuild: bool, as_json: bool) -> None:
    """Bring the index up to date with every source.

    What has not changed is neither fetched nor embedded again. A document that cannot be read is
    a row of the report; a source that cannot be listed keeps what it had, and the exit code is 1.

    Example: footnote --settings demo/settings.toml ingest
    """
    from ui import ingestion

    report = ingestion.run(loaded(context), rebuild=rebuild)
    click.echo(json.dumps(report, indent=1) if as_json else ingestion.text(report))
    if ingestion.broken_sources(report):
        context.exit(1)


@main.command()
@click.option("--host", help="Address to listen on; default: [web] host of the settings.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: [web] port.")
@click.pass_context
@reports_failure
def serve(context: click.Context, host: str | None, port: int | None) -> None:
    """Serve the web page.

    Example: footnote --settings demo/settings.toml serve --port 7860
    """
    from ui import processes

    settings = loaded(context)
    processes.serve_web(settings, host or settings.web.host, port or settings.web.port)


@main.command()
@click.pass_context
@reports_failure
def slack(context: click.Context) -> None:
    """Run the Slack bot (Socket Mode; tokens from the environment).

    Example: SLACK_BOT_TOKEN=xoxb-… SLACK_APP_TOKEN=xapp-… footnote slack
    """
    from ui import processes

    processes.serve_slack(loaded(context))


@main.command()
@click.pass_context
@reports_failure
def scheduler(context: click.Context) -> None:
    """Ingest every night at the time in [schedule], one run at a time.

    Example: footnote --settings settings.toml scheduler
    """
    from ui import processes

    processes.run_scheduler(loaded(context))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
@reports_failure
def status(context: click.Context, as_json: bool) -> None:
    """Show the published index, the last run and its errors.

    Example: footnote --settings demo/settings.toml status
    """
    from ui import ingestion

    facts = ingestion.status(loaded(context))
    click.echo(json.dumps(facts, indent=1) if as_json else ingestion.status_text(facts))


@main.command()
@click.argument("documents", nargs=-1, required=True, metavar="DOCUMENT...")
@click.option("--yes", is_flag=True, help="Do it; without this, only show what would go.")
@click.option("--undo", is_flag=True, help="Let the documents back in instead.")
@click.pass_context
@reports_failure
def forget(context: click.Context, documents: tuple[str, ...], yes: bool, undo: bool) -> None:
    """Take documents out of every answer at once, and for good.

    DOCUMENT is an id as citations and `footnote ask --json` show it. A forgotten document is
    never read again, although its source still lists it.

    Example: footnote forget wiki:people/old-salaries.md --yes
    """
    from ui import forgetting

    settings = loaded(context)
    if undo:
        click.echo(forgetting.recall(settings, documents))
    elif yes:
        click.echo(forgetting.forget(settings, documents, datetime.now(UTC)))
    else:
        click.echo(forgetting.preview(settings, documents))


@main.command()
@click.argument("principal")
@click.argument("document")
@click.option("--undo", is_flag=True, help="Take the revocation back.")
@click.pass_context
@reports_failure
def revoke(context: click.Context, principal: str, document: str, undo: bool) -> None:
    """Take one document from a person, a group or everyone, at once.

    Example: footnote revoke group:interns wiki:people/salary-bands.md
    """
    from ui import forgetting

    settings = loaded(context)
    if undo:
        click.echo(forgetting.restore(settings, principal, document))
    else:
        click.echo(forgetting.revoke(settings, principal, document, datetime.now(UTC)))


@main.command("forget-user")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do it.")
@click.pass_context
@reports_failure
def forget_user(context: click.Context, email: str, yes: bool) -> None:
    """Remove a person's questions and feedback from the journal.

    Example: footnote forget-user ann@x.org --yes
    """
    from ui import wiring

    journal = wiring.journal(loaded(context))
    if not yes:
        click.echo(f"{journal.count(email)} rows of {email} would go: run it again with --yes.")
        return
    click.echo(f"{journal.forget_person(email)} rows of {email} are removed.")


@main.command()
@click.option("--offline", is_flag=True, help="Also prove that a question needs no network.")
@click.pass_context
@reports_failure
def doctor(context: click.Context, offline: bool) -> None:
    """Check models, index and versions, and say how to mend what is broken.

    Example: footnote --settings demo/settings.toml doctor --offline
    """
    from ui import doctor as checks

    results = checks.run(loaded(context), offline=offline)
    for result in results:
        click.echo(f"{'ok  ' if result.ok else 'FAIL'}  {result.name}: {result.detail}")
    if not all(result.ok for result in results):
        context.exit(1)


@main.group()
def sources() -> None:
    """Look at where documents come from.

    Example: footnote --settings demo/settings.toml sources check
    """


@sources.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
@reports_failure
def check(context: click.Context, name: str | None, as_json: bool) -> None:
    """Connect to every source, or to NAME; show ten documents and who may read them.

    Nothing is ingested. What is missing (a secret, a scope, a right) is said source by source.

    Example: footnote --settings demo/settings.toml sources check handbook
    """
    from ui import sources as checks

    results = checks.check(loaded(context), name)
    click.echo(checks.to_json(results) if as_json else checks.text(results))
    if any(result.error for result in results):
        context.exit(1)


@main.command("eval")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON here.")
@click.option("--limit", type=click.IntRange(1), help="Ask only the first N questions.")
@click.option("--retrieval-only", is_flag=True, help="Search only; ask no model.")
@click.pass_context
@reports_failure
def evaluate(
    context: click.Context,
    folder: Path,
    json_file: Path | None,
    limit: int | None,
    retrieval_only: bool,
) -> None:
    """Ask every question of FOLDER and measure the answers.

    FOLDER holds questions.jsonl and either corpus.jsonl or documents/, or is the folder of a
    settings.toml with sources. It is indexed privately, and again only when it changed.

    Example: footnote eval demo
    """
    from ui import evaluation

    click.echo(evaluation.run(folder, json_file, limit=limit, retrieval_only=retrieval_only))


@main.group()
def tune() -> None:
    """Fit what ships to labelled questions."""


@tune.command()
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The JSON to write.")
@reports_failure
def calibrate(folders: tuple[Path, ...], out: Path) -> None:
    """Fit the sentence ranking and the confidence on the questions of FOLDERS.

    The reader must not have been tuned on these questions: it is too sure of them.

    Example: footnote tune calibrate sets/handbook_a sets/handbook_b --out rag/calibration.json
    """
    from ui import tuning

    click.echo(tuning.calibrate(folders, out))


@tune.command()
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Adapter folder.")
@click.option(
    "--rows",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help='More rows: {"question", "candidates": [{"text", "answers"}]} a line.',
)
@click.option(
    "--start",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Adapter folder to go on from.",
)
@reports_failure
def reader(folders: tuple[Path, ...], out: Path, rows: Path | None, start: Path | None) -> None:
    """Tune the reader on the questions of FOLDERS: which of the sentences found answer them.

    Example: footnote tune reader sets/handbook_a sets/handbook_b --out data/reader
    """
    logging.getLogger("rag").setLevel(logging.INFO)
    from ui import tuning

    click.echo(tuning.reader(folders, rows, out, start))


if __name__ == "__main__":
    main()
