"""The long-running commands: web page, Slack bot, nightly scheduler."""

import logging
from datetime import UTC, datetime

import click

from ui import ingestion, ingestion_text, wiring
from ui.auth import principals_of
from ui.middleware import LOOPBACK
from ui.settings import Settings, SettingsError, secret

log = logging.getLogger(__name__)


def serve_web(settings: Settings, host: str, port: int) -> None:
    """Serve the web page until told to stop. Raises SettingsError for an address beyond loopback.

    There is no sign-in yet: everyone who reaches the page reads what everyone may.
    """
    if host not in LOOPBACK:
        raise SettingsError(
            f"Serving on {host} would open the page to the network, and there is no sign-in yet. "
            "Serve on 127.0.0.1 and put a signing-in proxy before it."
        )
    from rag.journal import Journaled
    from ui import web

    made = wiring.answering(settings)
    journal = wiring.journal(settings)
    everyone = principals_of(None, settings.groups)
    app = web.build(
        Journaled(made.engine, journal, _now),
        made.store,
        principals=lambda _request: everyone,
        now=_now,
        rate=journal.rate,
        site=web.Site(settings.web.examples, settings.web.hosts),
    )
    click.echo(f"Footnote is at http://{host}:{port} (Ctrl+C ends it)")
    web.serve(app, host=host, port=port)


def serve_slack(settings: Settings) -> None:
    """Run the Slack bot until told to stop. Raises SettingsError if a token is not set."""
    bot_token = secret(settings.slack.bot_token_env)
    app_token = secret(settings.slack.app_token_env)
    from rag.journal import Journaled
    from ui import slack

    made = wiring.answering(settings)
    journal = wiring.journal(settings)
    slack.run(
        Journaled(made.engine, journal, _now),
        principals=lambda email: principals_of(email, settings.groups),
        rate=journal.rate,
        bot_token=bot_token,
        app_token=app_token,
        api_url=settings.slack.api_url,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def run_scheduler(settings: Settings) -> None:
    """Ingest every night until told to stop."""
    from ui import scheduler

    def job() -> None:
        report = ingestion.run(settings, rebuild=False)
        click.echo(ingestion_text.report(report))

    scheduler.run_nightly(job, at=settings.schedule.at, timezone=settings.schedule.timezone)
