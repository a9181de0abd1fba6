"""The verbs on what is on the disk already: an earlier index, a backup, what must not be there."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ui.failures import reports_failure
from ui.settings import load


@click.command()
@click.option("--to", metavar="N", help="The generation; default: the one before the current.")
@click.option("--yes", is_flag=True, help="Do it; without this, only show what would change.")
@click.pass_context
@reports_failure
def rollback(context: click.Context, to: str | None, yes: bool) -> None:
    """Let an earlier generation of the index answer again.

    Generations are those of `footnote status` and the folders in data/generations. A damaged one
    is refused. The next ingestion goes on from the one that answers.

    Example: footnote --settings demo/settings.toml rollback --to 12 --yes
    """
    from ui import recovery

    click.echo(recovery.go_back(load(context.obj), to, really=yes))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
@reports_failure
def backup(context: click.Context, file: Path) -> None:
    """Write the index and the live state into one new FILE; an ingestion may run meanwhile.

    Example: footnote --settings demo/settings.toml backup footnote.tar
    """
    from ui import recovery

    click.echo(recovery.back_up(load(context.obj), file, datetime.now(UTC)))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
@reports_failure
def restore(context: click.Context, file: Path) -> None:
    """Fill an empty data directory from the backup in FILE, after verifying every byte of it.

    Example: footnote --settings settings.toml restore footnote.tar
    """
    from ui import recovery

    click.echo(recovery.restore(load(context.obj), file))


@click.command()
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

    settings = load(context.obj)
    if undo:
        click.echo(forgetting.recall(settings, documents))
    elif yes:
        click.echo(forgetting.forget(settings, documents, datetime.now(UTC)))
    else:
        click.echo(forgetting.preview(settings, documents))


@click.command()
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

    settings = load(context.obj)
    if undo:
        click.echo(forgetting.restore(settings, principal, document))
    else:
        click.echo(forgetting.revoke(settings, principal, document, datetime.now(UTC)))


@click.command("forget-user")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do it.")
@click.pass_context
@reports_failure
def forget_user(context: click.Context, email: str, yes: bool) -> None:
    """Remove a person's questions and feedback from the journal.

    Example: footnote forget-user ann@x.org --yes
    """
    from ui import wiring

    journal = wiring.journal(load(context.obj))
    if not yes:
        click.echo(f"{journal.count(email)} rows of {email} would go: run it again with --yes.")
        return
    click.echo(f"{journal.forget_person(email)} rows of {email} are removed.")


VERBS: tuple[click.Command, ...] = (rollback, backup, restore, forget, revoke, forget_user)
