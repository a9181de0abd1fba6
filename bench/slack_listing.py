"""Listing a Slack workspace of 50,000 messages, twice: speed, calls, memory, documents to fetch.

    python -m bench.slack_listing

The workspace is served by tests/connectors/slack_company.py in a process of its own, without
network delays and rate limits; with Slack's own limit of 50 calls a minute, calls decide.
"""

import argparse
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from bench.conditions import describe
from connectors.slack import SlackConnector
from connectors.slack_api import SlackApi
from connectors.slack_memory import Memory
from connectors.slack_roster import Selection
from tests.connectors.slack_company import SlackCompany
from tests.ui.slack_server import BOT_TOKEN, TEAM

MESSAGES = 50_000
PER_CHANNEL = 2_500
PEOPLE = 300
DAY_S = 86_400
START = 1_700_000_000  # of the first message, in seconds since 1970
NOW = START + 400 * DAY_S  # all threads are old by then
RUNS = (  # and the file that remembers threads, and the day
    ("first", "kept", 0),
    ("again, the same day", "kept", 0),
    ("the next day", "kept", 1),
    ("the file of threads lost", "lost", 1),
)
CALLS_A_MINUTE = 50  # Slack's tier 3
WORDS = "badge door lift canteen invoice gateway firmware meeting Ghent Leeds travel laptop".split()


@dataclass(frozen=True, slots=True)
class Run:
    """One listing, and fetching what it found new."""

    entries: int
    fetched: int
    seconds: float
    calls: int
    peak_mib: float  # of this process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=MESSAGES)
    args = parser.parse_args()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, args.messages)
    )
    server.start()
    url = ours.recv()
    print(describe("footnote", "slack-sdk"))
    print(f"input     {args.messages} messages, {args.messages // PER_CHANNEL} channels\n")
    print("| run | entries | fetched | seconds | entries/s | calls | at 50 a minute | peak MiB |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        known: dict[str, str] = {}
        for name, memory, day in RUNS:
            run, known = listing(url, Path(folder) / memory, known, now=NOW + day * DAY_S)
            minutes = run.calls / CALLS_A_MINUTE
            print(
                f"| {name} | {run.entries} | {run.fetched} | {run.seconds:.1f} "
                f"| {run.entries / run.seconds:.0f} | {run.calls} | {minutes:.0f} min "
                f"| {run.peak_mib:.0f} |"
            )
    ours.send("stop")
    server.join(30)


def listing(
    url: str, memory: Path, known: dict[str, str], *, now: float
) -> tuple[Run, dict[str, str]]:
    """List the workspace as one night does; return also the versions that it found."""
    api = SlackApi(BOT_TOKEN, url=url)
    source = SlackConnector(
        "slack",
        api,
        Selection(frozenset({"everyone"})),
        Memory(memory, reread_days=7),
        now=lambda: now,
    )
    start = time.perf_counter()
    entries = list(source.entries())
    seconds = time.perf_counter() - start
    new = [entry for entry in entries if known.get(entry.id) != entry.version]
    for entry in new:
        source.fetch(entry)
    # macOS counts bytes, Linux KiB
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    run = Run(len(entries), len(new), seconds, api.calls, peak)
    return run, {entry.id: entry.version for entry in entries}


def serve(pipe: Connection, messages: int) -> None:
    """Serve a workspace until told to stop."""
    with SlackCompany(page_size=1000) as company:
        fill(company, messages, random.Random(0))
        pipe.send(company.api_url)
        pipe.recv()


def fill(company: SlackCompany, messages: int, dice: random.Random) -> None:
    """Say `messages` in channels of equal size; a third of them are replies in threads."""
    for number in range(PEOPLE):
        profile = {"email": f"p{number}@x.example", "real_name": f"Person {number}"}
        company.users[f"U{number}"] = {"id": f"U{number}", "team_id": TEAM, "profile": profile}
    for channel in range(messages // PER_CHANNEL):
        id = f"C{channel}"
        company.add_channel(id, f"channel-{channel}")
        thread = ""
        for number in range(PER_CHANNEL):
            ts = f"{START + number * 3000 + dice.randrange(2000)}.{channel:06}"
            text = " ".join(dice.choices(WORDS, k=dice.randrange(5, 60)))
            message = {"type": "message", "ts": ts, "user": f"U{dice.randrange(PEOPLE)}"}
            in_thread = {"thread_ts": thread} if thread and number % 9 in (1, 2, 3) else {}
            company.put(id, {**message, "text": text, **in_thread})
            thread = ts if number % 9 == 0 else thread


if __name__ == "__main__":
    main()
