"""Real git repositories of a test, and git's own web server before one."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.connectors.web_server import Reply, Request

_COMMITS_AT_S = 1_772_323_200  # 2026-03-01 00:00 UTC; every further commit a day later


@dataclass
class Wiki:
    """A bare repository, and a working copy from which it is written."""

    bare: Path
    work: Path
    commits: int = 0

    @property
    def url(self) -> str:
        return self.bare.as_uri()

    def write(self, path: str, text: str | bytes) -> None:
        file = self.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def move(self, path: str, to: str) -> None:
        (self.work / to).parent.mkdir(parents=True, exist_ok=True)
        (self.work / path).rename(self.work / to)

    def remove(self, path: str) -> None:
        (self.work / path).unlink()

    def commit(self, message: str = "a test") -> None:
        """Record what was written, and push it by force."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.push()

    def push(self) -> None:
        self.git("push", "--quiet", "--force", self.url, "HEAD:main")

    def git(self, *arguments: str) -> str:
        """Run git in the working copy."""
        self.commits += arguments[0] in ("commit", "merge")
        date = f"{_COMMITS_AT_S + 86_400 * (self.commits - 1)} +0000"
        return _git(self.work, *arguments, env={"GIT_COMMITTER_DATE": date})


def wiki(folder: Path, files: Mapping[str, str]) -> Wiki:
    """Make a repository of one commit on the branch "main"."""
    made = Wiki(folder / "wiki.git", folder / "work")
    made.work.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(made.bare))
    _git(made.work, "init", "--quiet", "--initial-branch=main", ".")
    for path, text in files.items():
        made.write(path, text)
    made.commit()
    return made


def answered(bare: Path, request: Request) -> Reply:
    """Answer as git's own CGI program does, for the repository at "/wiki.git"."""
    path, _, query = request.path.partition("?")
    headers = request.headers
    done = subprocess.run(
        ["git", "http-backend"],
        input=request.body,
        capture_output=True,
        timeout=60,
        env=_environment(
            {
                "GIT_PROJECT_ROOT": str(bare.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": request.method,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(request.body)),
                "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            }
        ),
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
    return Reply(int(fields.pop("Status", "200").split()[0]), body, fields)


def _git(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(env or {}))
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    person = {"NAME": "Ann", "EMAIL": "ann@acme.example"}
    people = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in person.items()}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return {"PATH": os.defpath, **people, **quiet, **more}
