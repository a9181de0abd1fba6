"""A stand-in for Confluence on this machine: the REST APIs of Cloud and of Data Center.

Answers have the form that Atlassian documents: version 2 pages by cursor, version 1 by offset,
Cloud's version 1 has no lists of content any more, searches know only what is indexed, and
attachments of Cloud are served by another server, which takes no credentials.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.connectors.web_server import Reply, Request, serving

TOKEN = "atl-token"
USER = "footnote@x.example"
_BASIC = f"Basic {base64.b64encode(f'{USER}:{TOKEN}'.encode()).decode()}"

Json = dict[str, Any]


class Refused(Exception):
    """What the server answers instead."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Content:
    """A page, folder, comment or attachment."""

    id: str
    type: str
    title: str
    space: str  # key
    parent: str | None = None  # of a page; of a comment or attachment, its page
    text: str = ""
    number: int = 1
    when: str = "2026-03-01T10:00:00.000Z"
    status: str = "current"
    restricted: list[tuple[str, str]] = field(default_factory=list)  # ("group", "hr")
    labels: list[str] = field(default_factory=list)
    indexed: bool = True


@dataclass
class Confluence:
    """All state may be changed between requests."""

    cloud: bool
    url: str = ""  # of the start page: what the connector is given
    media_url: str = ""
    page_size: int = 100
    contents: dict[str, Content] = field(default_factory=dict)
    spaces: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # key -> admitted
    users: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> name, address
    groups: dict[str, list[str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)  # paths with queries
    refusals: dict[str, int] = field(default_factory=dict)  # part of an address -> status

    before: Callable[[str], None] = lambda path: None  # called with each request

    def add(self, id: str, title: str, text: str = "<p>Text.</p>", **facts: Any) -> Content:
        """Put a page there, or something else by `type`."""
        facts = {"type": "page", "space": "ENG", **facts}
        self.contents[id] = Content(id, title=title, text=text, **facts)
        return self.contents[id]

    def edit(self, id: str, text: str) -> None:
        """Change a text; that makes a version."""
        content = self.contents[id]
        content.text = text
        content.number += 1
        content.when = f"2026-03-02T10:00:{content.number:02d}.000Z"

    def answer(self, request: Request) -> Reply:
        self.requests.append(request.path)
        self.before(request.path)
        parts = urlsplit(request.path)
        query = {name: ",".join(values) for name, values in parse_qs(parts.query).items()}
        path = unquote(parts.path).removeprefix("/wiki" if self.cloud else "/confluence").strip("/")
        try:
            self._admit(request, path)
            if "download" in path:
                return self._download(path)
            answer = self._cloud(path, query) if self.cloud else self._server(path, query)
        except Refused as refusal:
            body = {"statusCode": refusal.status, "message": str(refusal)}
            return Reply(refusal.status, json.dumps(body).encode())
        return Reply(body=json.dumps(answer).encode())

    def media(self, request: Request) -> Reply:
        """Serve an attachment, as the server of media does: to whoever has the address."""
        if request.headers.get("Authorization"):
            return Reply(400, b"Only one auth mechanism allowed")
        return Reply(body=self.contents[urlsplit(request.path).path[1:]].text.encode())

    def _admit(self, request: Request, path: str) -> None:
        wanted = _BASIC if self.cloud else f"Bearer {TOKEN}"
        if request.headers.get("Authorization") != wanted:
            raise Refused(401, "Unauthorized")
        for part, status in self.refusals.items():
            if part in path:
                raise Refused(status, "Unauthorized; scope does not match")

    def _download(self, path: str) -> Reply:
        if self.cloud:
            id = path.split("/")[-2]
            self._current(id)
            return Reply(302, headers={"Location": f"{self.media_url}/{id}"})
        _, _, page, title = path.split("/")
        for content in self.contents.values():
            if (content.parent, content.title, content.status) == (page, title, "current"):
                return Reply(body=content.text.encode())
        return Reply(404)

    def _cloud(self, path: str, query: Json) -> Any:
        if path.startswith("api/v2/"):
            return self._version_2(path.removeprefix("api/v2/"), query)
        if re.match(r"rest/api/(content|space)(/\d+)?$", path):
            raise Refused(410, "This deprecated endpoint has been removed.")
        return self._version_1(path, query)

    def _version_2(self, path: str, query: Json) -> Any:
        match path.split("/"):
            case ["pages", id]:
                storage = {"storage": {"value": self._any(id).text, "representation": "storage"}}
                return {**self._page_2(self._any(id)), "body": storage}
            case ["attachments", id]:
                return self._attachment_2(self._any(id))
        rows = self._rows_2(path, query)
        if query.get("sort", "").startswith("-"):
            rows.reverse()
        start = int(query.get("cursor", "c0")[1:])
        end = start + min(int(query["limit"]), self.page_size)
        links = {"base": self.url}
        if end < len(rows):
            links["next"] = f"/wiki/api/v2/{path}?limit={query['limit']}&cursor=c{end}"
        return {"results": rows[start:end], "_links": links}

    def _rows_2(self, path: str, query: Json) -> list[Json]:
        match path.split("/"):
            case ["spaces"]:
                keys = query["keys"].split(",") if "keys" in query else list(self.spaces)
                return [self._space_2(key) for key in keys if key in self.spaces]
            case ["spaces", id, "permissions"]:
                return self._permissions_2(self._key(id))
            case ["spaces", id, "pages"]:
                return [self._page_2(page) for page in self._of("page", space=self._key(id))]
            case ["pages", id, "labels"]:
                return [{"name": label} for label in self._current(id).labels]
            case ["pages", id, "ancestors"]:
                return [{"id": above.id, "type": above.type} for above in self._above(id)]
            case ["attachments"]:
                return [self._attachment_2(each) for each in self._of("attachment")]
        raise Refused(404)

    def _permissions_2(self, key: str) -> list[Json]:
        return [
            {
                "principal": {"type": kind, "id": f"g-{who}" if kind == "group" else who},
                "operation": {"key": operation, "targetType": "space"},
            }
            for kind, who in self.spaces[key]
            for operation in ("read", "export")
        ]

    def _server(self, path: str, query: Json) -> Any:
        match path.split("/"):
            case ["rest", "api", "space"]:
                keys = query["spaceKey"].split(",") if "spaceKey" in query else self._global()
                rows = [self._space_1(key) for key in keys if key in self.spaces]
                return self._offset(rows, query)
            case ["rest", "api", "space", key, "permissions"]:
                return [
                    {
                        "operation": {"targetType": "space", "operationKey": "read"},
                        "subject": {"type": kind, "name" if kind == "group" else "userKey": who},
                    }
                    for kind, who in self.spaces[key]
                ]
            case ["rest", "api", "content"]:
                found = self._of(query["type"], space=query["spaceKey"])
                return self._offset([self._content_1(each, query) for each in found], query)
            case ["rest", "api", "content", id, "child", "attachment"]:
                found = self._of("attachment", parent=id)
                return self._offset([self._content_1(each, query) for each in found], query)
            case ["rest", "api", "content", id] if id != "search":
                return self._content_1(self._current(id), query)
        return self._version_1(path, query)

    def _version_1(self, path: str, query: Json) -> Any:
        """Answer what both editions have."""
        match path.split("/"):
            case ["rest", "api", "content", "search"]:
                rows = [self._content_1(each, query) for each in self._searched(query["cql"])]
                return self._offset(rows, query, linked=True)
            case ["rest", "api", "content", id, "restriction", "byOperation", "read"]:
                return self._restriction(self._current(id), query)
            case ["rest", "api", "group", "by-id"]:
                return {"type": "group", "id": query["id"], "name": query["id"][2:]}
            case ["rest", "api", "group", group, "membersByGroupId" | "member"]:
                members = self.groups.get(group.removeprefix("g-"))
                if members is None:
                    raise Refused(404, "Not Found")
                return self._offset([self._user(member) for member in members], query)
            case ["rest", "api", "user"]:
                return self._user(query.get("accountId") or query.get("key") or query["username"])
        raise Refused(404)

    def _searched(self, cql: str) -> list[Content]:
        wanted = dict(re.findall(r'(space|type|container) = "?(\w+)"?', cql))
        return [
            each
            for each in self._of(wanted["type"])
            if each.indexed
            and wanted.get("space", each.space) == each.space
            and wanted.get("container", each.parent) == each.parent
        ]

    def _offset(self, rows: Sequence[Json], query: Json, *, linked: bool = False) -> Json:
        start = int(query.get("start", 0))
        limit = min(int(query["limit"]), self.page_size)
        found = rows[start : start + limit]
        links = {"base": self.url}
        if start + limit < len(rows) and linked:
            links["next"] = f"/rest/api/x?limit={limit}&start={start + limit}"
        return {
            "results": found,
            "start": start,
            "limit": limit,
            "size": len(found),
            "_links": links,
        }

    def _of(self, type: str, *, space: str = "", parent: str = "") -> list[Content]:
        return [
            each
            for each in self.contents.values()
            if (each.type, each.status) == (type, "current")
            and space in ("", each.space)
            and parent in ("", each.parent)
        ]

    def _global(self) -> list[str]:
        return [key for key in self.spaces if not key.startswith("~")]

    def _any(self, id: str) -> Content:
        if id not in self.contents:
            raise Refused(404, "Not Found")
        return self.contents[id]

    def _current(self, id: str) -> Content:
        content = self._any(id)
        if content.status != "current":
            raise Refused(404, "Not Found")
        return content

    def _above(self, id: str) -> list[Content]:
        parent = self.contents[id].parent
        return [] if parent is None else [*self._above(parent), self.contents[parent]]

    def _key(self, id: str) -> str:
        return list(self.spaces)[int(id) - 1]

    def _space_2(self, key: str) -> Json:
        id = str(list(self.spaces).index(key) + 1)
        kind = "personal" if key.startswith("~") else "knowledge_base"
        return {"id": id, "key": key, "type": kind, "homepageId": "1", "status": "current"}

    def _space_1(self, key: str) -> Json:
        return {"id": 1, "key": key, "name": key, "homepage": {"id": "1"}, "status": "current"}

    def _page_2(self, page: Content) -> Json:
        slug = page.title.replace(" ", "+")
        return {
            "id": page.id, "status": page.status, "title": page.title,
            "spaceId": self._space_2(page.space)["id"], "parentId": page.parent,
            "version": {"number": page.number, "createdAt": page.when},
            "_links": {"webui": f"/spaces/{page.space}/pages/{page.id}/{slug}"},
        }  # fmt: skip

    def _attachment_2(self, file: Content) -> Json:
        return {
            "id": file.id, "status": file.status, "title": file.title, "pageId": file.parent,
            "mediaType": "text/plain", "version": {"number": file.number, "createdAt": file.when},
        }  # fmt: skip

    def _content_1(self, content: Content, query: Json) -> Json:
        """Return an object of version 1 with what was asked to be expanded, and nothing else."""
        expand = query.get("expand", "")
        row = {"id": content.id, "type": content.type, "status": content.status,
               "title": content.title, "_expandable": {}}  # fmt: skip
        author = {"displayName": "Ann Lee"}
        first = "2026-03-01T09:00:00.000Z"
        facts: dict[str, Any] = {
            "version": {"number": content.number, "when": content.when},
            "space": {"key": content.space},
            "ancestors": [{"id": each.id, "type": each.type} for each in self._above(content.id)],
            "container": {"id": content.parent, "type": "page"},
            "history": {"createdBy": author, "createdDate": first},
            "body": {"storage": {"value": content.text, "representation": "storage"}},
            "metadata": {"labels": {"results": [{"name": each} for each in content.labels]},
                         "mediaType": "text/plain"},
            "restrictions": {"read": self._restriction(content, {"limit": "3"})},
        }  # fmt: skip
        if "children.attachment" in expand:
            files = [self._content_1(file, {"expand": "version"})
                     for file in self._of("attachment", parent=content.id)]  # fmt: skip
            facts["children"] = {"attachment": self._offset(files, {"limit": "2"})}
        wanted = {part.partition(".")[0] for part in expand.split(",")}
        return row | {name: fact for name, fact in facts.items() if name in wanted}

    def _restriction(self, content: Content, query: Json) -> Json:
        def listed(kind: str) -> Json:
            rows = [key for of_kind, key in content.restricted if of_kind == kind]
            objects = [self._group(key) if kind == "group" else self._user(key) for key in rows]
            return self._offset(objects, query)

        return {"operation": "read", "restrictions": {k: listed(k) for k in ("user", "group")}}

    def _group(self, name: str) -> Json:
        return {"type": "group", "name": name} | ({"id": f"g-{name}"} if self.cloud else {})

    def _user(self, id: str) -> Json:
        if id not in self.users:
            raise Refused(404, f"No user {id}")
        name, address = self.users[id]
        if self.cloud:
            return {"accountId": id, "displayName": name, "publicName": name, "email": address}
        return {"username": id, "userKey": id, "displayName": name}


@contextmanager
def confluence(*, cloud: bool) -> Iterator[Confluence]:
    """Start a Confluence with one space ENG for the group staff, and nothing in it."""
    server = Confluence(cloud)
    server.spaces["ENG"] = [("group", "staff")]
    for id, name in (("ann", "Ann Lee"), ("bo", "Bo Ek"), ("cy", "Cy Ray")):
        server.users[id] = (name, f"{id}@x.example")
    server.groups = {"staff": ["ann", "bo", "cy"], "hr": ["bo"]}
    with serving(server.answer) as site, serving(server.media) as media:
        server.url = site.url + ("/wiki" if cloud else "/confluence")
        server.media_url = media.url
        yield server
