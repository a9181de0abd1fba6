"""What a Confluence holds, in the same terms for Cloud and Data Center."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from connectors.confluence_access import Layer
from connectors.confluence_api import Api
from connectors.confluence_people import People, Restrictions


@dataclass(frozen=True, slots=True)
class Space:
    """A space of pages."""

    id: str  # by which pages name it: a number in Cloud, the key in Data Center
    key: str
    has_home: bool


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file at a page."""

    id: str
    page: str
    title: str
    number: int  # of its version
    updated_at: datetime
    media_type: str


@dataclass(frozen=True, slots=True)
class Page:
    """A current page, without its text."""

    id: str
    space: str
    title: str
    number: int  # of its version
    updated_at: datetime
    above: frozenset[str]  # ids of everything it lies in, whose restrictions hold for it too
    labels: tuple[str, ...]
    url: str
    attachments: tuple[Attachment, ...] = ()  # where a page's listing has them


class Site(Protocol):
    """One edition of Confluence. Lists are complete, or they raise ConnectorError."""

    home: str  # where people open it; no slash at its end
    api: Api
    people: People
    restrictions: Restrictions

    def spaces(self, keys: Sequence[str]) -> list[Space]:
        """Return the spaces of these keys, or all but personal ones where there are none."""
        ...

    def admitted(self, space: Space) -> Layer:
        """Return who may see a space."""
        ...

    def pages(self, space: Space) -> list[Page]:
        """Return the current pages of a space."""
        ...

    def page(self, id: str) -> tuple[Page, str]:
        """Return a page and its text in storage format; HttpError 404 if it is not current."""
        ...

    def attachments(self, pages: Mapping[str, Page]) -> Iterator[Attachment]:
        """Yield the current attachments of these pages."""
        ...

    def attachment(self, id: str) -> Attachment:
        """Return a current attachment; HttpError 404 if there is none."""
        ...

    def content(self, attachment: Attachment) -> bytes:
        """Return the bytes of an attachment as it is now."""
        ...

    def anchor(self, title: str, heading: str) -> str:
        """Return the id that a heading has in the page's own HTML."""
        ...


def at(text: str) -> datetime:
    """Read a time; without a zone it is UTC."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
