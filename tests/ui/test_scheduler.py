"""When the nightly run comes, and that nothing makes it come twice or stop coming."""

import logging
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from ui.scheduler import Nightly, run_nightly, run_scheduled
from ui.settings import SettingsError

ROOT = Path(__file__).parents[2]
BRUSSELS = ZoneInfo("Europe/Brussels")
SOON = timedelta(milliseconds=20)


def utc(day: str, at: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{at}:00+00:00")


def nights(at: str, start: datetime, count: int) -> list[datetime]:
    """Return the next runs as APScheduler asks for them."""
    trigger = Nightly(clock_time.fromisoformat(at), BRUSSELS)
    runs: list[datetime] = []
    for _ in range(count):
        previous = runs[-1] if runs else None
        runs.append(trigger.get_next_fire_time(previous, previous or start))
    return runs


class Listed(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A trigger that fires at the moments it is given."""

    def __init__(self, moments: list[datetime]) -> None:
        self.moments = moments

    def get_next_fire_time(self, previous: datetime | None, _now: datetime) -> datetime | None:
        later = [each for each in self.moments if previous is None or each > previous]
        return later[0] if later else None


def soon() -> IntervalTrigger:
    return IntervalTrigger(seconds=SOON.total_seconds(), start_date=datetime.now(UTC))


def told_after(runs: int, work: Callable[[int], None]) -> Callable[[], None]:
    """Return a job that works with its number, and ends the scheduler in its `runs`th run."""
    done: list[int] = []

    def job() -> None:
        done.append(len(done) + 1)
        if len(done) == runs:
            signal.raise_signal(signal.SIGTERM)
        work(len(done))

    return job


def test_a_night_is_a_time_of_the_wall_clock_in_winter_and_summer() -> None:
    assert nights("02:00", utc("2026-01-10", "12:00"), 1) == [utc("2026-01-11", "01:00")]
    assert nights("02:00", utc("2026-07-10", "12:00"), 1) == [utc("2026-07-11", "00:00")]


def test_a_run_that_is_due_today_comes_today() -> None:
    assert nights("23:30", utc("2026-01-10", "12:00"), 1) == [utc("2026-01-10", "22:30")]


def test_the_moment_of_a_run_is_followed_by_the_next_day() -> None:
    assert nights("02:00", utc("2026-01-11", "01:00"), 1) == [utc("2026-01-12", "01:00")]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # on 29 March the clocks of Brussels jump from 02:00 to 03:00
        ("02:00", [("2026-03-28", "01:00"), ("2026-03-29", "01:00"), ("2026-03-30", "00:00")]),
        ("02:30", [("2026-03-28", "01:30"), ("2026-03-29", "01:30"), ("2026-03-30", "00:30")]),
        ("03:00", [("2026-03-28", "02:00"), ("2026-03-29", "01:00"), ("2026-03-30", "01:00")]),
    ],
)
def test_each_night_has_one_run_where_the_clocks_jump_ahead(
    at: str, expected: list[tuple[str, str]]
) -> None:
    assert nights(at, utc("2026-03-27", "12:00"), 3) == [utc(*each) for each in expected]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # on 25 October they show 02:00 to 03:00 twice
        ("02:00", [("2026-10-24", "00:00"), ("2026-10-25", "00:00"), ("2026-10-26", "01:00")]),
        ("02:30", [("2026-10-24", "00:30"), ("2026-10-25", "00:30"), ("2026-10-26", "01:30")]),
        ("03:00", [("2026-10-24", "01:00"), ("2026-10-25", "02:00"), ("2026-10-26", "02:00")]),
    ],
)
def test_each_night_has_one_run_where_the_clocks_are_put_back(
    at: str, expected: list[tuple[str, str]]
) -> None:
    assert nights(at, utc("2026-10-23", "12:00"), 3) == [utc(*each) for each in expected]


def test_every_day_of_ten_years_has_exactly_one_run() -> None:
    runs = nights("02:00", utc("2026-01-01", "12:00"), 3652)
    days = [run.astimezone(BRUSSELS).date() for run in runs]

    assert days == [date(2026, 1, 2) + timedelta(days=each) for each in range(3652)]


def test_the_next_run_is_printed_at_the_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.scheduler.run_scheduled", lambda *_, **__: None)
    run_nightly(lambda: None, at="02:00", timezone="Etc/GMT-14")

    tomorrow = datetime.now(ZoneInfo("Etc/GMT-14"))
    day = tomorrow.date() + timedelta(days=tomorrow.hour >= 2)
    assert capsys.readouterr().out == f"Next run: {day} 02:00 +14 (Etc/GMT-14)\n"


@pytest.mark.parametrize(
    "name", ["Europe/Atlantis", "../etc/passwd", "", "Europe", "Europe/Brussels/x"]
)
def test_an_unknown_time_zone_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=r"\[schedule\] timezone .* is not known"):
        run_nightly(lambda: None, at="02:00", timezone=name)


def test_a_failing_job_is_logged_with_its_error_and_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ran: list[int] = []

    def work(number: int) -> None:
        ran.append(number)
        raise ValueError("the wiki is down")

    with caplog.at_level(logging.ERROR):
        run_scheduled(told_after(3, work), soon(), grace_s=60)

    assert ran == [1, 2]
    errors = [record for record in caplog.records if record.name == "ui.scheduler"]
    assert [record.message for record in errors if record.levelno == logging.ERROR] == [
        "nightly_failed",
        "nightly_failed",
    ]
    assert "ValueError: the wiki is down" in caplog.text


def test_two_runs_never_overlap_and_missed_ones_become_one() -> None:
    running, most, ran = 0, 0, 0

    def work(_number: int) -> None:
        nonlocal running, most, ran
        running += 1
        most = max(most, running)
        time.sleep(5 * SOON.total_seconds())
        running -= 1
        ran += 1

    started = time.monotonic()
    run_scheduled(told_after(4, work), soon(), grace_s=60)

    assert most == 1
    assert ran == 3
    assert time.monotonic() - started >= 15 * SOON.total_seconds()


@pytest.mark.parametrize(("grace_s", "waited"), [(300, True), (500, False)])
def test_only_a_run_that_is_too_late_waits_for_the_next_one(grace_s: int, waited: bool) -> None:
    started = datetime.now(UTC)
    next_run = started + timedelta(seconds=0.2)
    ran: list[datetime] = []

    def job() -> None:
        ran.append(datetime.now(UTC))
        signal.raise_signal(signal.SIGTERM)

    run_scheduled(job, Listed([started - timedelta(seconds=400), next_run]), grace_s=grace_s)

    assert [moment >= next_run for moment in ran] == [waited]


def test_a_signal_unwinds_the_job_it_interrupts() -> None:
    cleaned: list[str] = []

    def job() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
            cleaned.append("not reached")
        finally:
            cleaned.append("temporary folder removed")

    run_scheduled(job, soon(), grace_s=60)

    assert cleaned == ["temporary folder removed"]


def test_a_job_that_catches_every_exception_is_still_ended() -> None:
    def job() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception as error:
            raise AssertionError("the signal looked like a failure") from error

    run_scheduled(job, soon(), grace_s=60)


def test_signals_mean_what_they_meant_before_once_it_has_ended() -> None:
    before = signal.getsignal(signal.SIGTERM)
    run_scheduled(told_after(1, lambda _number: None), soon(), grace_s=60)

    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_between_runs_ends_the_process_with_zero(sign: signal.Signals) -> None:
    program = """
        from ui.scheduler import run_nightly
        run_nightly(lambda: None, at="02:00", timezone="Europe/Brussels")
        print("ended", flush=True)
    """
    with subprocess.Popen(
        [sys.executable, "-u", "-c", textwrap.dedent(program)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Next run: ")
            time.sleep(0.2)
            process.send_signal(sign)
            assert process.wait(5) == 0
            assert process.stdout.read() == "ended\n"
        finally:
            process.kill()
