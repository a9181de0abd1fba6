"""The nightly run: one job, once each day by the wall clock, never twice at a time.

It knows nothing of what the job does.
"""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from apscheduler.events import EVENT_JOB_SUBMITTED
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger

from ui.settings import SettingsError

GRACE_S: Final = 6 * 3600  # a run that is later than this waits for the next night

log = logging.getLogger(__name__)


def run_nightly(job: Callable[[], None], *, at: str, timezone: str, grace_s: int = GRACE_S) -> None:
    """Run a job every night until SIGTERM or SIGINT, then return.

    at: "HH:MM" by the clocks of `timezone`. A run that fails is logged, and the next one comes.
    Raises SettingsError for a time zone that is not known.
    """
    trigger = Nightly(time.fromisoformat(at), _zone(timezone))
    first = trigger.next_after(datetime.now(UTC)).astimezone(trigger.zone)
    click.echo(f"Next run: {first:%Y-%m-%d %H:%M %Z} ({timezone})")
    run_scheduled(job, trigger, grace_s=grace_s)


def run_scheduled(job: Callable[[], None], trigger: BaseTrigger, *, grace_s: int) -> None:
    """Run a job whenever the trigger says, in this thread, until SIGTERM or SIGINT.

    A signal ends a job in the middle by an exception that unwinds it.
    """
    # In this thread, the second run cannot begin before the first one ended, and a signal's
    # exception reaches the job; a pool's thread would keep the process alive until its end.
    scheduler = BlockingScheduler(timezone=UTC, executors={"default": DebugExecutor()})
    stopped_in_job = False

    def once() -> None:
        nonlocal stopped_in_job
        try:
            job()
        except _Told:
            stopped_in_job = True
            log.warning("nightly_stopped in the middle; the next run starts over")
        except Exception:
            log.exception("nightly_failed")

    def leave(_event: Any) -> None:
        if stopped_in_job:  # APScheduler swallows what a job raises, and goes on
            scheduler.shutdown(wait=False)

    scheduler.add_job(
        once,
        trigger,
        name="nightly",
        coalesce=True,
        max_instances=1,
        misfire_grace_time=grace_s,
    )
    scheduler.add_listener(leave, EVENT_JOB_SUBMITTED)  # comes when the job is done
    with _until_told():
        scheduler.start()


class Nightly(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Once each calendar day, at a time of the wall clock.

    Where the clocks skip that time it runs as long after midnight as on other days; where they
    show it twice, the first time. APScheduler's own cron trigger never ends on such a night: after
    the second 02:00 it names that same moment as the next, for ever (seen in 3.11.3).
    """

    def __init__(self, at: time, zone: ZoneInfo) -> None:
        self.at = at
        self.zone = zone

    def __str__(self) -> str:
        return f"nightly at {self.at:%H:%M} {self.zone.key}"

    def next_after(self, moment: datetime) -> datetime:
        """Return the first run after a moment, in UTC."""
        day = moment.astimezone(self.zone).date()
        while (run := datetime.combine(day, self.at, self.zone).astimezone(UTC)) <= moment:
            day += timedelta(days=1)
        return run

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Return the run after `previous`, which may be overdue; the first one is never."""
        return self.next_after((previous or now).astimezone(UTC))


class _Told(BaseException):
    """SIGTERM or SIGINT arrived. No Exception, so that no job takes it for a failure of its own."""


@contextmanager
def _until_told() -> Iterator[None]:
    def tell(*_: object) -> None:
        raise _Told

    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(each, tell) for each in signals]
    try:
        yield
    except _Told:
        pass
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: "Europe", a folder
        raise SettingsError(
            f"[schedule] timezone {name!r} is not known. Use a name like 'Europe/Brussels'."
        ) from error
