"""Microsoft Graph on this machine: real HTTP, the JSON that Microsoft documents."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.connectors.google_drive import Fault
from tests.connectors.web_server import Reply, Request, WebServer, serving, without_authorities

HOST = "acme.sharepoint.com"
SITE = f"https://{HOST}/sites/hr"
GROUP = "group:sites/hr/"
DRIVE = "b!1"
PAGES = "b!pages"  # the drive of the site's pages
SECRET = "s3cret"

Json = dict[str, Any]


@dataclass
class Graph:
    """One site with one library, and OneDrives; a change is told in the feed of its drive."""

    url: str = ""
    downloads: WebServer | None = None
    page_size: int = 1000
    items: dict[str, dict[str, Json]] = field(default_factory=dict)  # by drive, by id
    content: dict[str, bytes] = field(default_factory=dict)
    grants: dict[str, list[Json]] = field(default_factory=dict)  # at an item itself
    log: dict[str, list[str]] = field(default_factory=dict)  # by drive: ids, as they changed
    users: dict[str, str] = field(default_factory=dict)  # whose OneDrive is which drive
    roles: tuple[str, ...] = ("Sites.Read.All",)
    faults: dict[str, Fault] = field(default_factory=dict)  # by kind of request
    calls: list[str] = field(default_factory=list)  # kinds of the requests that came
    hidden: frozenset[str] = frozenset()  # items whose permissions the app may not see
    put_off: int = 0  # how many parts of batches are answered 429 first
    expired: bool = False  # whether the feeds want to begin anew
    pages: dict[str, Json] = field(default_factory=dict)  # what Graph says of a page beside a file

    def drive(self, id: str, user: str | None = None) -> None:
        """Make a drive: a library of the site, or somebody's OneDrive."""
        root: Json = {"id": f"{id}-root", "name": "root", "root": {}, "folder": {}, "eTag": "0"}
        self.items[id] = {root["id"]: root}
        self.log[id] = [f"{id}-root"]
        if user is not None:
            self.users[user] = id

    def folder(self, id: str, parent: str | None = None, drive: str = DRIVE, **facts: Any) -> None:
        """Make, rename or move a folder."""
        self._put(id, parent, drive, {"folder": {}, **facts})

    def put(
        self,
        id: str,
        content: bytes | None = None,
        parent: str | None = None,
        drive: str = DRIVE,
        **facts: Any,
    ) -> None:
        """Make or change a file; what is not said of it stays."""
        if content is not None:
            self.content[id] = content
        size = len(self.content.get(id, b""))
        self._put(id, parent, drive, {"file": {"mimeType": "text/plain"}, "size": size, **facts})

    def page(self, id: str, title: str, *webparts: Json, level: str = "published") -> None:
        """Make or change a page of the site: a section with two columns, the last part beside."""
        self.put(id, drive=PAGES, name=f"{title}.aspx", file={"mimeType": "text/html"})
        above, beside = list(webparts[:-1]), list(webparts[-1:])
        columns = [{"webparts": above[:1]}, {"webparts": above[1:]}]
        self.pages[f"guid-{id}"] = {
            "id": f"guid-{id}",
            "title": title,
            "publishingState": {"level": level},
            "canvasLayout": {
                "horizontalSections": [{"columns": columns}],
                "verticalSection": {"webparts": beside} if beside else None,
            },
        }

    def share(self, id: str, *grants: Json) -> None:
        """Say who may read an item besides those who may by inheritance; no feed tells of it."""
        self.grants[id] = [{"id": str(n), "roles": ["read"], **g} for n, g in enumerate(grants)]

    def delete(self, id: str, drive: str = DRIVE) -> None:
        """Put an item in the bin, with all that is in it; the feed tells of the item alone."""
        del self.items[drive][id]
        self.log[drive].append(id)

    def count(self, kind: str) -> int:
        return self.calls.count(kind)

    def answer(self, request: Request) -> Reply:
        parts = urlsplit(request.path)
        path = unquote(parts.path)
        if path.endswith("/oauth2/v2.0/token"):
            kind, reply = "token", self._token(path, request)
        elif request.headers["Authorization"] != f"Bearer {self._jwt()}":
            kind, reply = "?", refusal(401, "InvalidAuthenticationToken", "Access token is empty.")
        elif path == "/v1.0/$batch":
            kind, reply = "batch", self._batch(json.loads(request.body))
        else:
            kind, reply = self._asked(path.removeprefix("/v1.0/"), parts.query)
        self.calls.append(kind)
        fault = self.faults.get(kind)
        return fault.change(reply) if fault and fault.met() else reply

    def download(self, request: Request) -> Reply:
        """Answer for the server of the bytes, which wants no credentials."""
        assert request.headers["Authorization"] is None
        return Reply(body=self.content[parse_qs(urlsplit(request.path).query)["id"][0]])

    def _put(self, id: str, parent: str | None, drive: str, facts: Json) -> None:
        items = self.items[drive]
        old = items.get(id, {"id": id, "name": id, "parentReference": {"id": f"{drive}-root"}})
        raw = {**old, "lastModifiedDateTime": "2026-03-01T08:00:00Z", **facts}
        if parent is not None:
            raw["parentReference"] = {"driveId": drive, "id": parent}
        raw["webUrl"] = f"{SITE}/Shared%20Documents/{self._path(raw, items)}"
        self.log[drive].append(id)
        raw["eTag"] = f'"{{{id}}},{self.log[drive].count(id)}"'
        items[id] = raw

    def _path(self, raw: Json, items: dict[str, Json]) -> str:
        above = items.get(raw.get("parentReference", {}).get("id", ""), {})
        return f"{self._path(above, items)}/{raw['name']}" if "root" not in above else raw["name"]

    def _jwt(self) -> str:
        claims = base64.urlsafe_b64encode(json.dumps({"roles": self.roles}).encode()).decode()
        return f"e30.{claims.rstrip('=')}.sig"

    def _token(self, path: str, request: Request) -> Reply:
        form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        assert (path.split("/")[1], form["client_id"]) == ("acme.example", "app-1")
        assert form["scope"] == "https://graph.microsoft.com/.default"
        if form["client_secret"] != SECRET:
            said = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"
            return _json({"error": "invalid_client", "error_description": said}, 401)
        return _json({"token_type": "Bearer", "expires_in": 3599, "access_token": self._jwt()})

    def _asked(self, path: str, query: str) -> tuple[str, Reply]:
        asked = {key: values[0] for key, values in parse_qs(query).items()}
        match path.split("/"):
            case ["sites", *rest]:
                return self._of_site(rest, asked)
            case ["drives", _, "items", id] if "sharepointIds" in asked.get("$select", ""):
                ids = {"siteId": "guid-hr", "listItemUniqueId": f"guid-{id}"}
                return "ids", _json({"id": id, "sharepointIds": ids})
            case ["users", user, "drive"]:
                return "user", _json({"id": self.users[user]})
            case ["drives", drive, "root", "delta"]:
                return "delta", self._delta(drive, asked)
            case ["drives", drive, "items", id]:
                return "item", self._item(drive, id)
            case ["drives", drive, "items", id, "permissions"]:
                rows = self._granted(drive, id)
                return "permissions", self._page(path, rows, asked)
        return "?", refusal(404, "itemNotFound", "The resource could not be found.")

    def _of_site(self, path: list[str], asked: dict[str, str]) -> tuple[str, Reply]:
        match path:
            case ["acme.sharepoint.com:", "sites", "hr"]:
                return "site", _json({"id": f"{HOST},1,2", "webUrl": SITE})
            case [_, "drives"]:
                shown = self.items.keys() - self._personal() - {PAGES}
                rows = [{"id": id, "webUrl": SITE} for id in shown]
                return "drives", self._page("sites/1/drives", sorted(rows, key=str), asked)
            case [_, "lists"]:
                lists: list[Json] = [{"id": "docs", "list": {"template": "documentLibrary"}}]
                if PAGES in self.items:
                    lists.append({"id": "pages", "list": {"template": "webPageLibrary"}})
                return "lists", self._page("sites/1/lists", lists, asked)
            case [_, "lists", "pages", "drive"]:
                return "library", _json({"id": PAGES, "webUrl": f"{SITE}/SitePages"})
            case ["guid-hr", "pages", id, "microsoft.graph.sitePage"] if id in self.pages:
                return "page", _json(self.pages[id])
        return "?", refusal(404, "itemNotFound", "The resource could not be found.")

    def _personal(self) -> set[str]:
        return {*self.users.values()}

    def _delta(self, drive: str, asked: dict[str, str]) -> Reply:
        log, items = self.log[drive], self.items[drive]
        since = int(asked.get("token", 0))
        if self.expired and since:
            return refusal(410, "resyncChangesApplyDifferences", "Resync required.")
        ids = list(dict.fromkeys(log[since:])) if since else list(items)
        start = int(asked.get("skip", 0))
        end = start + self.page_size
        rows = [self._told(drive, id) for id in ids[start:end]]
        base = f"{self.url}/v1.0/drives/{drive}/root/delta?token"
        if end < len(ids):
            return _json({"value": rows, "@odata.nextLink": f"{base}={since}&skip={end}"})
        return _json({"value": rows, "@odata.deltaLink": f"{base}={len(log)}"})

    def _told(self, drive: str, id: str) -> Json:
        raw = self.items[drive].get(id)
        if raw is None:
            return {"id": id, "deleted": {"state": "deleted"}}
        if "folder" not in raw:
            return raw
        above = [item.get("parentReference", {}).get("id") for item in self.items[drive].values()]
        return {**raw, "folder": {"childCount": above.count(id)}}

    def _item(self, drive: str, id: str) -> Reply:
        raw = self.items.get(drive, {}).get(id)
        while raw is not None and "root" not in raw:  # in the bin with its folder?
            raw = self.items[drive].get(raw["parentReference"]["id"])
        if raw is None:
            return refusal(404, "itemNotFound", "The resource could not be found.")
        raw = self.items[drive][id]
        assert self.downloads is not None
        url = f"{self.downloads.url}/download.aspx?id={id}&tempauth=t0ken"
        return _json({**raw, "cTag": "c", "@microsoft.graph.downloadUrl": url})

    def _granted(self, drive: str, id: str) -> list[Json]:
        """Return who may read: permissions propagate downward."""
        raw = self.items[drive].get(id, {})
        above = raw.get("parentReference", {}).get("id")
        inherited = self._granted(drive, above) if above and "root" not in raw else []
        return [*self.grants.get(id, []), *inherited]

    def _batch(self, body: Json) -> Reply:
        assert len(body["requests"]) <= 20
        answers = []
        for part in reversed(body["requests"]):  # in any order
            id = part["url"].split("/")[-2]
            headers: dict[str, str] = {}
            if self.put_off > 0:
                self.put_off -= 1
                reply = refusal(429, "activityLimitReached", "Too many requests.")
                headers = {"Retry-After": "120"}
            elif id in self.hidden:
                reply = refusal(403, "accessDenied", "Access denied")
            else:
                _, reply = self._asked(part["url"].lstrip("/"), "")
            answers.append(
                {
                    "id": part["id"],
                    "status": reply.status,
                    "headers": headers,
                    "body": json.loads(reply.body),
                }
            )
        return _json({"responses": answers})

    def _page(self, path: str, rows: list[Json], asked: dict[str, str]) -> Reply:
        start = int(asked.get("skip", 0))
        end = start + self.page_size
        more = {"@odata.nextLink": f"{self.url}/v1.0/{path}?skip={end}"} if end < len(rows) else {}
        return _json({"value": rows[start:end], **more})


@contextmanager
def graph() -> Iterator[Graph]:
    """Serve a site with an empty library, and the server that its files are downloaded from."""
    made = Graph()
    with (
        serving(made.answer) as server,
        serving(made.download) as downloads,
        without_authorities(),
    ):
        made.url, made.downloads = server.url, downloads
        made.drive(DRIVE)
        yield made


def refusal(status: int, code: str, message: str, retry_after_s: int | None = None) -> Reply:
    """Return an error as Graph words it."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return _json({"error": {"code": code, "message": message}}, status, headers)


def cut(more: Json) -> Callable[[Reply], Reply]:
    """Return what takes half of a page away and says that it was the last."""

    def change(reply: Reply) -> Reply:
        page = json.loads(reply.body)
        return _json({"value": page["value"][: len(page["value"]) // 2], **more})

    return change


def person(address: str, **facts: Any) -> Json:
    login = {"loginName": f"i:0#.f|membership|{address.lower()}", "displayName": "P"}
    user = {"id": "u-1", "displayName": "P", "email": address}
    return {"grantedToV2": {"user": user, "siteUser": login}, **facts}


def site_group(name: str) -> Json:
    return {"grantedToV2": {"siteGroup": {"id": "5", "displayName": name, "loginName": name}}}


def link(scope: str, *people: str) -> Json:
    """Return a sharing link that names people."""
    named = [person(address)["grantedToV2"] for address in people]
    return {"link": {"scope": scope, "type": "view"}, "grantedToIdentitiesV2": named}


def _json(facts: Json, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(facts).encode(), headers or {})
