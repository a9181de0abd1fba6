"""`footnote receipt`: how one answer came about, and whether another index would change it."""

import json

import click

from ui.auth import principals_of
from ui.failures import reports_failure
from ui.settings import load


@click.command()
@click.argument("answer", required=False)
@click.option("--user", help="E-mail address of who looks; without it, an admin, who may see all.")
@click.option("--replay", metavar="N", help="Ask again, of generation N, and show what changes.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
@reports_failure
def receipt(
    context: click.Context, answer: str | None, user: str | None, replay: str | None, as_json: bool
) -> None:
    """Show how ANSWER came about: passages with scores, attempts, the verdict on every sentence.

    ANSWER is an answer's id or how it begins; without it, the last answer. Documents are shown as
    its asker may read them now. A replay asks with the asker's rights of today, never the larger
    model, and leaves out what was taken from them since.

    Example: footnote --settings demo/settings.toml receipt --replay 12
    """
    from ui import receipts, receipts_text
    from ui import replay as replaying

    settings = load(context.obj)
    eyes = principals_of(user, settings.groups) if user else None
    record = receipts.find(settings, answer, eyes)
    facts = receipts.facts(settings, record)
    if replay is not None:
        facts["replay"] = replaying.run(settings, record, replay)
    click.echo(
        json.dumps(facts, indent=1, ensure_ascii=False) if as_json else receipts_text.text(facts)
    )
