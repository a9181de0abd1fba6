"""The command line: one verb a job. People's output on stdout, progress and logs on stderr."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import click

from ui import settings as settings_file
from ui.auth import principals_of
from ui.cli_index import VERBS
from ui.cli_receipt import receipt
from ui.cli_tune import tune
from ui.failures import reports_failure


class CurrentStderr(logging.Handler):
    """Writes to whatever sys.stderr is then: a progress bar or a test may replace it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        click.echo(self.format(record), err=True)


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
    from rag.journal import Journaled
    from ui import render, wiring

    if not all(question.strip() for question in questions):
        raise click.UsageError("A question is empty.")
    settings = settings_file.load(context.obj)
    answering = wiring.answering(settings).engine
    engine = Journaled(answering, wiring.journal(settings), lambda: datetime.now(UTC))
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
@click.option("--dry-run", is_flag=True, help="Show what would be done and why; change nothing.")
@click.option("--source", "sources", multiple=True, help="Only this source; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the report, or the plan, as JSON.")
@click.pass_context
@reports_failure
def ingest(
    context: click.Context, rebuild: bool, dry_run: bool, sources: tuple[str, ...], as_json: bool
) -> None:
    """Bring the index up to date with every source.

    What has not changed is neither fetched nor embedded again. A document that cannot be read is
    a row of the report. A source that cannot be listed keeps what it had, one that lost too much
    is held until `footnote approve`: then the exit code is 1. A source that is no longer in the
    settings is hidden, and deleted by the second run without it.

    Example: footnote --settings demo/settings.toml ingest --dry-run
    """
    from ui import ingestion, ingestion_text

    if rebuild and (sources or dry_run):
        raise click.UsageError("--rebuild makes the whole index: leave --source and --dry-run out.")
    settings = settings_file.load(context.obj)
    if dry_run:
        plans = ingestion.plans(settings, sources)
        click.echo(json.dumps(plans, indent=1) if as_json else ingestion_text.plans(plans))
        return
    report = ingestion.run(settings, rebuild=rebuild, only=sources)
    click.echo(json.dumps(report, indent=1) if as_json else ingestion_text.report(report))
    if ingestion.needs_a_person(report):
        context.exit(1)


@main.command()
@click.argument("source")
@click.argument("run", type=int)
@click.option("--yes", is_flag=True, help="Do it; without, only show what it would do.")
@click.pass_context
@reports_failure
def approve(context: click.Context, source: str, run: int, yes: bool) -> None:
    """Let the loss of SOURCE that RUN held through: the next ingestion deletes these documents.

    `footnote status` names source and run. Documents that come back before then stay.

    Example: footnote approve wiki 12 --yes
    """
    from ui import ingestion, ingestion_text

    settings = settings_file.load(context.obj)
    loss = ingestion.held(settings, source, run)
    click.echo(ingestion_text.loss(source, sorted(loss.documents), loss.why))
    if not yes:
        raise click.UsageError("Nothing was approved: say --yes to delete them at the next run.")
    ingestion.approve(settings, source, run)
    click.echo("Approved: `footnote ingest` deletes them, or the next nightly run does.")


@main.command()
@click.argument("document")
@click.pass_context
@reports_failure
def retry(context: click.Context, document: str) -> None:
    """Have the next ingestion try DOCUMENT again, however often it failed.

    Example: footnote retry drive:manuals/pump.pdf
    """
    from ui import ingestion

    attempts = ingestion.retry(settings_file.load(context.obj), document).attempts
    click.echo(f"{document} failed {attempts} times; the next ingestion tries it again.")


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

    settings = settings_file.load(context.obj)
    processes.serve_web(settings, host or settings.web.host, port or settings.web.port)


@main.command()
@click.pass_context
@reports_failure
def slack(context: click.Context) -> None:
    """Run the Slack bot (Socket Mode; tokens from the environment).

    Example: SLACK_BOT_TOKEN=xoxb-… SLACK_APP_TOKEN=xapp-… footnote slack
    """
    from ui import processes

    processes.serve_slack(settings_file.load(context.obj))


@main.command()
@click.pass_context
@reports_failure
def scheduler(context: click.Context) -> None:
    """Ingest every night at the time in [schedule], one run at a time.

    Example: footnote --settings settings.toml scheduler
    """
    from ui import processes

    processes.run_scheduler(settings_file.load(context.obj))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
@reports_failure
def status(context: click.Context, as_json: bool) -> None:
    """Show the published index, the run that goes on, the last one, and what needs a person.

    Example: footnote --settings demo/settings.toml status
    """
    from ui import ingestion, ingestion_text

    facts = ingestion.status(settings_file.load(context.obj))
    click.echo(json.dumps(facts, indent=1) if as_json else ingestion_text.status(facts))


@main.command()
@click.option("--offline", is_flag=True, help="Also prove that a question needs no network.")
@click.pass_context
@reports_failure
def doctor(context: click.Context, offline: bool) -> None:
    """Check models, index and versions, and say how to mend what is broken.

    Example: footnote --settings demo/settings.toml doctor --offline
    """
    from ui import doctor as checks

    results = checks.run(settings_file.load(context.obj), offline=offline)
    for result in results:
        click.echo(f"{result.mark}  {result.name}: {result.detail}")
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

    results = checks.check(settings_file.load(context.obj), name)
    click.echo(checks.to_json(results) if as_json else checks.text(results))
    if any(result.error for result in results):
        context.exit(1)


@main.command("eval")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON here.")
@click.option("--limit", type=click.IntRange(1), help="Ask only the first N questions.")
@click.option("--retrieval-only", is_flag=True, help="Search only; ask no model.")
@click.option("--reranker", help="Folder of a CrossEncoder that puts the hits in order.")
@click.pass_context
@reports_failure
def evaluate(
    context: click.Context,
    folder: Path,
    json_file: Path | None,
    limit: int | None,
    retrieval_only: bool,
    reranker: str | None,
) -> None:
    """Ask every question of FOLDER and measure the answers.

    FOLDER holds questions.jsonl and either corpus.jsonl or documents/, or is the folder of a
    settings.toml with sources. It is indexed privately, and again only when it changed.

    Example: footnote eval demo
    """
    from ui import evaluation

    how = evaluation.How(limit, retrieval_only, reranker)
    click.echo(evaluation.run(folder, json_file, how))


for verb in (*VERBS, receipt, tune):
    main.add_command(verb)


if __name__ == "__main__":
    main()
