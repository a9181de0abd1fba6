"""Stand-ins for the seams: small, deterministic, and held to the same contracts."""

from collections.abc import Iterator, Sequence

from connectors.base import ConnectorError, Document, Entry, Kind


class ListConnector:
    """A source whose documents are a list that a test may change; its listing can break off."""

    def __init__(
        self,
        documents: Sequence[Document],
        *,
        name: str = "list",
        kind: Kind = "wiki",
        fails_after: int | None = None,
    ) -> None:
        """Take documents whose ids start with the name.

        fails_after: how many entries a listing yields before it raises; None: it is complete.
        """
        self.name = name
        self.kind: Kind = kind
        self.documents = list(documents)
        self.fails_after = fails_after

    def entries(self) -> Iterator[Entry]:
        yield from [document.entry for document in self.documents[: self.fails_after]]
        if self.fails_after is not None:
            raise ConnectorError(f"source {self.name!r} broke off after {self.fails_after} entries")

    def fetch(self, entry: Entry) -> Document:
        for document in self.documents:
            if document.entry.id == entry.id:
                return document
        raise ConnectorError(f"{entry.id!r} is gone from source {self.name!r}")
