"""The `git` program within bounds: one branch of one repository, copied into a folder of its own.

Knows no wiki. Nothing is ever checked out: links, submodules, filters and hooks stay data.
"""

import base64
import os
import re
import resource
import shutil
import signal
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from tempfile import mkdtemp
from urllib.parse import urlsplit
from weakref import finalize

from connectors import client as web
from connectors.base import ConnectorError
from connectors.client import SYSTEM_CLOCK, Account, Client, Clock, HttpError
from connectors.origin import origin

SCHEMES = ("file", "https", "ssh")
MAX_BLOB = 50 * 2**20  # of one file

_HERE = "refs/heads/wiki"  # the branch's name in the copy
_ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# Without a terminal nobody can be asked, and ssh goes only where it has been before.
_SSH = (
    "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=10 -oServerAliveInterval=15"
)
# Renames are sought as git does by default, but that empty files are never each other's new name.
_RENAMES = ("-M50%", "-l1000", "--no-rename-empty", "--no-ext-diff", "--no-textconv")


@dataclass(frozen=True, slots=True)
class Remote:
    """A branch of a repository elsewhere."""

    url: str  # file:///…, https://… or ssh://…
    branch: str | None = None  # None: the one that the repository names as its own
    login: tuple[str, str] | None = None  # user and password, for https
    secret: str = "no password: the repository is read anonymously"  # what a refusal says to check


@dataclass(frozen=True, slots=True)
class Limits:
    """How long git may take, and how much it may keep."""

    silence_s: int = 60
    total_s: float = 900
    max_bytes: int = 2 * 2**30  # of the one file that holds what was received


@dataclass(frozen=True, slots=True)
class Blob:
    """A file of a commit; its id is a hash of its bytes."""

    id: str
    size: int


LIMITS = Limits()


class Git:
    """Reads a remote, over the one protocol of its address.

    Settings of the machine and of its users are not read, redirects are not followed, and the
    password is given to the remote's own origin alone, in the environment of the process.
    """

    def __init__(
        self, remote: Remote, *, client: Client | None = None, limits: Limits = LIMITS
    ) -> None:
        """Take how to reach the remote.

        client: as `polite` makes it, for https. It asks before git does, because git neither waits
        when it is told to nor sees where a name leads.
        """
        self.remote = remote
        self._client = client
        self._limits = limits
        self._environment = _environment(remote, limits)

    def head(self) -> str:
        """Return the id of the branch's last commit."""
        self._knock()
        ref = self._ref()
        listed = self._run("ls-remote", "--", self.remote.url, ref).decode(errors="replace")
        for line in listed.splitlines():
            commit, _, name = line.partition("\t")
            if name == ref and _ID.fullmatch(commit):
                return commit
        raise self._nothing()

    def copied(self) -> "Copy":
        """Copy the branch with its history. The copy is deleted when nobody refers to it."""
        self._knock()
        copy = Copy(self, mkdtemp(prefix="footnote-git-"))
        self._run("init", "--quiet", "--bare", "--template=", "--", copy.folder)
        self._run(
            *(f"--git-dir={copy.folder}", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"),
            *("--recurse-submodules=no", "--", self.remote.url, f"+{self._ref()}:{_HERE}"),
        )
        return copy

    def read(self, folder: str, *command: str) -> bytes:
        """Run a command that only reads a copy."""
        return self._run(f"--git-dir={folder}", *command)

    def _ref(self) -> str:
        return "HEAD" if self.remote.branch is None else f"refs/heads/{self.remote.branch}"

    def _knock(self) -> None:
        """Ask as git will: refusals get their words here, and a busy server its time."""
        if self._client is None:
            return
        url = f"{self.remote.url.rstrip('/')}/info/refs"
        answer = self._client.get(
            url, params={"service": "git-upload-pack"}, headers={"Git-Protocol": "version=2"}
        )
        if answer.headers.get("Content-Type") != _ADVERTISEMENT:
            raise HttpError(
                f"{url} did not answer as git's server does. Check that the address is the one to "
                "clone the wiki from, and that no login page is before it.",
                answer.status_code,
            )

    def _run(self, *arguments: str) -> bytes:
        try:
            process = subprocess.Popen(
                ["git", *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # git has children that hold the connection
            )
        except FileNotFoundError as error:
            raise ConnectorError(
                "The program git is not installed. Install the package git."
            ) from error
        try:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, _largest(self._limits.max_bytes))
            output, said = process.communicate(timeout=self._limits.total_s)
        except subprocess.TimeoutExpired as error:
            raise ConnectorError(
                f"{self.remote.url} was not read within {self._limits.total_s:g} s. Look at the "
                "server, or at the size of the repository."
            ) from error
        finally:
            _end(process)
        if process.returncode:
            raise self._refused(said.decode(errors="replace"))
        return output

    def _refused(self, said: str) -> ConnectorError:
        if "find remote ref" in said:
            return self._nothing()
        if "died of signal 25" in said or "File too large" in said:
            return ConnectorError(
                f"{self.remote.url} is larger than {self._limits.max_bytes >> 20} MiB. Keep films "
                "and archives out of the wiki's repository."
            )
        lines = [line for line in said.splitlines() if line.startswith(("fatal:", "error:"))]
        reason = " ".join(lines or said.splitlines())[:400]
        printable = "".join(c if c.isprintable() else " " for c in reason)
        return ConnectorError(
            f"{self.remote.url} cannot be read: {printable or 'git does not say why'}. Check the "
            "address, that this machine reaches it, and that Footnote's account may read it."
        )

    def _nothing(self) -> ConnectorError:
        if self.remote.branch is None:
            return ConnectorError(
                f"{self.remote.url} is empty: it has no commit on its own branch. Check the "
                "address, or name the branch in the settings."
            )
        return ConnectorError(
            f"{self.remote.url} has no branch {self.remote.branch!r}. Mend its name in the "
            "settings."
        )


class Copy:
    """The history of one branch in a temporary folder."""

    def __init__(self, git: Git, folder: str) -> None:
        """Take a folder, which is removed with this object."""
        self.folder = folder
        self._git = git
        finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @cached_property
    def commit(self) -> str:
        """The id of the branch's last commit."""
        return self._read("rev-parse", "--verify", _HERE).decode().strip()

    def files(self) -> dict[str, Blob]:
        """Return the regular files by path; neither links nor submodules."""
        listed = self._read("ls-tree", "-r", "-z", "--long", "--full-tree", self.commit)
        files = {}
        for line in listed.split(b"\0")[:-1]:
            facts, _, path = line.partition(b"\t")
            mode, _, id, size = facts.decode().split()
            if mode.startswith("100"):
                files[os.fsdecode(path)] = Blob(id, int(size))
        return files

    def log(self) -> Sequence[bytes]:
        """Return the branch's own commits, oldest first, as `gitwiki_history.steps` reads them.

        A merge counts as one change of the branch it was merged into, so that the changes in turn
        make exactly the last commit's files.
        """
        raw = self._read(
            *("log", "--first-parent", "--diff-merges=first-parent", "--reverse"),
            *("--raw", "-z", "--no-abbrev", "--format=%x01%H%x20%ct", *_RENAMES, self.commit, "--"),
        )
        return raw.split(b"\0")[:-1]

    def body(self, blob: Blob) -> bytes:
        """Return a file's bytes."""
        return self._read("cat-file", "blob", blob.id)

    def _read(self, *command: str) -> bytes:
        return self._git.read(self.folder, *command)


def polite(
    remote: Remote, *, limits: web.Limits = web.LIMITS, clock: Clock = SYSTEM_CLOCK
) -> Client | None:
    """Return the client that asks before git does; None where there is no web server to ask."""
    if urlsplit(remote.url).scheme != "https":
        return None
    headers = {} if remote.login is None else {"Authorization": _basic(remote.login)}
    account = Account(headers, remote.secret, "the right to read the wiki's repository")
    return Client(remote.url, account, limits=limits, clock=clock)


def _environment(remote: Remote, limits: Limits) -> dict[str, str]:
    """Return all that git is told besides its arguments, which other users of a machine can see."""
    scheme = urlsplit(remote.url).scheme
    if scheme not in SCHEMES:
        raise ConnectorError(
            f"{remote.url!r} is not read: write file:///path, https://host/path or ssh://host/path."
        )
    settings = {
        "core.askPass": "",
        "core.hooksPath": os.devnull,
        "credential.helper": "",
        "gc.auto": "0",
        "http.followRedirects": "false",
        "http.lowSpeedLimit": "1",
        "http.lowSpeedTime": str(limits.silence_s),
        "maintenance.auto": "false",
    }
    if scheme == "https":
        authorities = ssl.get_default_verify_paths().cafile  # what the client trusts, too
        settings |= {"http.sslCAInfo": authorities} if authorities else {}
        if remote.login:
            settings[f"http.{origin(remote.url)}/.extraHeader"] = (
                f"Authorization: {_basic(remote.login)}"
            )
    numbered: dict[str, str] = {}
    for number, (key, value) in enumerate(settings.items()):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return numbered | {
        "GIT_ALLOW_PROTOCOL": scheme,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_SSH_COMMAND": _SSH,
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "PATH": f"/usr/local/bin:{os.defpath}",
    }


def _basic(login: tuple[str, str]) -> str:
    return f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"


def _largest(max_bytes: int) -> tuple[int, int]:
    """Return the limit for one file, no higher than this process has."""
    own = [limit for limit in resource.getrlimit(resource.RLIMIT_FSIZE) if limit >= 0]
    return (min(max_bytes, *own), min(max_bytes, *own)) if own else (max_bytes, max_bytes)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, with its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
