"""A Google Drive on this machine: real HTTP, real signatures, the JSON that Drive documents."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from connectors.gdrive_errors import SCOPE
from tests.connectors.web_server import Reply, Request, serving, without_authorities

EMAIL = "footnote@acme.iam.gserviceaccount.com"
GOOGLE = "application/vnd.google-apps."
FOLDER, DOC = f"{GOOGLE}folder", f"{GOOGLE}document"

Json = dict[str, Any]
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_PRIVATE = _KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
_PUBLIC = (
    _KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


@dataclass
class Fault:
    """What happens to answers of one kind of request: after so many, so many times."""

    change: Callable[[Reply], Reply]
    after: int = 0
    times: int = 1

    def met(self) -> bool:
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass
class GoogleDrive:
    """Files by id; what tests change is told in the logs of changes, as Drive does."""

    url: str = ""
    page_size: int = 1000
    files: dict[str, Json] = field(default_factory=dict)
    content: dict[str, bytes] = field(default_factory=dict)
    exports: dict[tuple[str, str], bytes] = field(default_factory=dict)  # by id and media type
    grants: dict[str, list[Json]] = field(default_factory=dict)  # given at a file or a drive itself
    drives: list[str] = field(default_factory=list)
    logs: dict[str, list[Json]] = field(default_factory=dict)  # by drive; "": the user's
    faults: dict[str, Fault] = field(default_factory=dict)  # by kind of request
    calls: list[str] = field(default_factory=list)  # kinds of the requests that came
    delegated: frozenset[str] = frozenset({"admin@acme.example"})
    sees: bool = True  # whether the scope lets the account see any file
    expired: bool = False  # whether cursors of changes have become invalid
    can_share: bool = True  # whether the account may see who may read

    @property
    def key(self) -> str:
        """The key of the service account, as Google gives it."""
        return json.dumps(
            {
                "type": "service_account",
                "client_email": EMAIL,
                "private_key_id": "k1",
                "private_key": _PRIVATE,
                "token_uri": f"{self.url}/token",
            }
        )

    def folder(self, id: str, *parents: str, **facts: Any) -> None:
        """Make a folder."""
        self.put(id, None, *parents, mimeType=FOLDER, **facts)

    def put(self, id: str, content: bytes | None, *parents: str, **facts: Any) -> None:
        """Make or change a file; what is not said of it stays."""
        old = self.files.get(id, {"id": id, "name": id, "mimeType": "text/plain", "trashed": False})
        raw = {**old, "modifiedTime": "2026-03-01T08:00:00.000Z", **facts}
        raw["parents"] = list(parents) or old.get("parents", [])
        raw["webViewLink"] = f"https://drive.google.com/file/d/{id}/view?usp=drivesdk"
        if content is not None and not raw["mimeType"].startswith(GOOGLE):
            raw |= {"md5Checksum": f"{hash(content):x}", "size": str(len(content))}
        if content is not None:
            self.content[id] = content
        self.files[id] = raw
        self.told(id)

    def document(self, id: str, html: str, *parents: str, **facts: Any) -> None:
        """Make or change a Google document."""
        self.exports[id, "text/html"] = html.encode()
        self.put(id, None, *parents, mimeType=DOC, **facts)

    def share(self, id: str, *grants: Json) -> None:
        """Say who may read a file, a folder or a drive besides those who may by inheritance."""
        self.grants[id] = [
            {"role": "reader", "id": grant.get("emailAddress", grant["type"]), **grant}
            for grant in grants
        ]
        if id in self.files:
            self.told(id)
        else:
            self.logs[id].append({"changeType": "drive", "driveId": id})

    def delete(self, id: str) -> None:
        """Delete a file for good."""
        drive = self.files.pop(id).get("driveId", "")
        self._log(drive, {"changeType": "file", "fileId": id, "removed": True})

    def told(self, id: str) -> None:
        """Write into the log that a file changed."""
        change = {"changeType": "file", "fileId": id, "removed": False}
        self._log(self.files[id].get("driveId", ""), change)

    def count(self, kind: str) -> int:
        return self.calls.count(kind)

    def answer(self, request: Request) -> Reply:
        parts = urlsplit(request.path)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/token":
            kind, reply = "token", self._token(request)
        elif request.headers["Authorization"] != "Bearer ya29.good":
            kind, reply = "?", refusal(401, "authError", "Invalid Credentials")
        else:
            kind, reply = self._asked(parts.path.removeprefix("/drive/v3/"), asked)
        self.calls.append(kind)
        fault = self.faults.get(kind)
        return fault.change(reply) if fault and fault.met() else reply

    def _token(self, request: Request) -> Reply:
        form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        try:
            claims = jwt.decode(form["assertion"], certs=_PUBLIC, audience=f"{self.url}/token")
        except ValueError as error:
            return _json({"error": "invalid_grant", "error_description": str(error)}, 400)
        assert (claims["iss"], claims["scope"]) == (EMAIL, SCOPE)
        if claims.get("sub") not in {None, *self.delegated}:
            said = "Client is unauthorized to retrieve access tokens using this method"
            return _json({"error": "unauthorized_client", "error_description": said}, 401)
        return _json({"access_token": "ya29.good", "expires_in": 3599, "token_type": "Bearer"})

    def _asked(self, path: str, asked: dict[str, str]) -> tuple[str, Reply]:
        match path.split("/"):
            case ["about"]:
                return "about", _json({"user": {"emailAddress": EMAIL}})
            case ["drives"]:
                rows = [{"id": id} for id in self.drives]
                return "drives", self._page("drives", rows, asked)
            case ["changes", "startPageToken"]:
                return "cursor", self._cursor(asked)
            case ["changes"]:
                return "changes", self._changes(asked)
            case ["files", *rest]:
                return self._about_files(rest, asked)
        return "?", refusal(404, "notFound", "Not Found")

    def _about_files(self, path: list[str], asked: dict[str, str]) -> tuple[str, Reply]:
        match path:
            case []:
                return "files", self._listed(asked)
            case [id, "permissions"]:
                return "permissions", self._permissions(id, asked)
            case [id, "export"]:
                return "export", self._export(id, asked["mimeType"])
            case [id]:
                return ("content" if "alt" in asked else "file"), self._file(id, asked)
        return "?", refusal(404, "notFound", "Not Found")

    def _listed(self, asked: dict[str, str]) -> Reply:
        folders = set(re.findall(r"'([^']+)' in parents", asked["q"]))
        drive = asked.get("driveId")
        assert "trashed = false" in asked["q"]
        rows = [
            self._shown(id)
            for id, raw in self.files.items()
            if self.sees and not self._trashed(id) and raw.get("driveId") == drive
            if not folders or folders & {*raw["parents"]}
        ]
        return self._page("files", rows, asked, incompleteSearch=False)

    def _cursor(self, asked: dict[str, str]) -> Reply:
        log = self.logs.setdefault(asked.get("driveId", ""), [])
        return _json({"startPageToken": str(len(log))})

    def _changes(self, asked: dict[str, str]) -> Reply:
        if self.expired:
            return refusal(400, "invalid", "Invalid Value")
        log = self.logs[asked.get("driveId", "")]
        start = int(asked["pageToken"])
        end = start + self.page_size
        rows = []
        for change in log[start:end]:
            id = change.get("fileId")
            gone = change.get("removed") or id not in self.files or not self.sees
            rows.append(
                change
                if id is None
                else {**change, "removed": gone, **({} if gone else {"file": self._shown(id)})}
            )
        more = {"nextPageToken": str(end)} if end < len(log) else {}
        return _json(
            {"changes": rows, **(more or {"newStartPageToken": str(max(start, len(log)))})}
        )

    def _file(self, id: str, asked: dict[str, str]) -> Reply:
        if id in self.drives:
            return _json({"id": id, "name": "Drive", "mimeType": FOLDER, "driveId": id})
        if id not in self.files or not self.sees:
            return refusal(404, "notFound", f"File not found: {id}.")
        if "alt" in asked:
            return Reply(body=self.content[id])
        return _json(self._shown(id))

    def _export(self, id: str, media_type: str) -> Reply:
        body = self.exports.get((id, media_type))
        if body is None:
            return refusal(403, "exportSizeLimitExceeded", "This file is too large to be exported.")
        return Reply(body=body)

    def _permissions(self, id: str, asked: dict[str, str]) -> Reply:
        if not self.can_share:
            said = "The user does not have sufficient permissions for this file."
            return refusal(403, "insufficientFilePermissions", said)
        return self._page("permissions", self._granted(id), asked)

    def _granted(self, id: str) -> list[Json]:
        """Return who may read: permissions propagate downward."""
        raw = self.files.get(id, {})
        above = [*raw.get("parents", []), *([raw["driveId"]] if "driveId" in raw else [])]
        rows = [row for parent in above for row in self._granted(parent)]
        return [*self.grants.get(id, []), *rows]

    def _shown(self, id: str) -> Json:
        raw = {**self.files[id], "trashed": self._trashed(id)}
        granted = self._granted(id)
        if "driveId" in raw:
            raw["permissionIds"] = sorted({grant["id"] for grant in granted})
        elif self.can_share:
            raw |= {"permissions": granted, "permissionIds": [grant["id"] for grant in granted]}
        return raw

    def _trashed(self, id: str) -> bool:
        raw = self.files.get(id, {})
        return bool(raw.get("trashed")) or any(map(self._trashed, raw.get("parents", [])))

    def _page(self, key: str, rows: list[Json], asked: dict[str, str], **more: Any) -> Reply:
        start = int(asked.get("pageToken", 0))
        end = start + self.page_size
        following = {"nextPageToken": str(end)} if end < len(rows) else {}
        return _json({key: rows[start:end], **more, **following})

    def _log(self, drive: str, change: Json) -> None:
        self.logs.setdefault(drive, []).append(change)


@contextmanager
def google_drive() -> Iterator[GoogleDrive]:
    """Serve an empty Drive."""
    drive = GoogleDrive()
    with serving(drive.answer) as server, without_authorities():
        drive.url = server.url
        yield drive


def refusal(status: int, reason: str, message: str, retry_after_s: int | None = None) -> Reply:
    """Return an error as Drive words it."""
    error = {"code": status, "message": message, "errors": [{"reason": reason}]}
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return Reply(status, json.dumps({"error": error}).encode(), headers)


def cut(key: str) -> Callable[[Reply], Reply]:
    """Return what takes half of a page away and says that it was the last."""

    def change(reply: Reply) -> Reply:
        page = json.loads(reply.body)
        last = {"newStartPageToken": "1"} if key == "changes" else {}
        return _json({key: page[key][: len(page[key]) // 2], **last})

    return change


def person(address: str, **facts: Any) -> Json:
    return {"type": "user", "emailAddress": address, **facts}


def group(address: str) -> Json:
    return {"type": "group", "emailAddress": address}


def _json(facts: Json, status: int = 200) -> Reply:
    return Reply(status, json.dumps(facts).encode(), {"Content-Type": "application/json"})
