"""The [[sources]] tables of the settings: what each kind of source needs to be read."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Kind


class Section(BaseModel):
    """A table of the settings file; an unknown key is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]  # the prefix of its ids

DriveId = Annotated[str, Field(pattern=r"^[\w-]+$")]  # as it stands in a Google Drive address


class ReaderRule(Section):
    """Documents whose path matches have readers of their own."""

    path: str  # glob relative to the source's folder: "HR/**"
    readers: frozenset[str]


class SourceSection(Section):
    """One [[sources]] table."""

    name: SourceName

    def secrets(self) -> tuple[str, ...]:
        """Return the names of the environment variables that reading this source needs."""
        return ()

    def within(self, folder: Path) -> Self:
        """Return the same with every path resolved against a folder."""
        paths = {name: folder / value for name, value in self if isinstance(value, Path)}
        return self.model_copy(update=paths)


class FilesSource(SourceSection):
    """A folder of documents."""

    type: Literal["files"]
    path: Path
    readers: frozenset[str]  # no default: opening access is a decision
    kind: Kind = "drive"
    base_url: str | None = None  # where readers open these files; None: in Footnote itself
    rules: tuple[ReaderRule, ...] = ()


class SlackExportSource(SourceSection):
    """A Slack export, as a folder or a ZIP."""

    type: Literal["slack_export"]
    path: Path
    workspace_url: Annotated[str, Field(pattern=r"^https://\S+$")]  # "https://acme.slack.com"
    readers: frozenset[str]  # of public channels; private ones are for their members


class SlackSource(SourceSection):
    """A Slack workspace, read live: the channels that the app is in, never direct messages."""

    type: Literal["slack"]
    readers: frozenset[str]  # of public channels; private ones are for their members
    token_env: str = "SLACK_BOT_TOKEN"  # the variable that holds it: xoxb-…
    include: tuple[str, ...] = ("*",)  # names of channels, with * and ?
    exclude: tuple[str, ...] = ()
    allow_shared: frozenset[str] = frozenset()  # channels read although other companies do too
    allow_guests: frozenset[str] = frozenset()  # addresses of guests who read what they are in
    include_files: bool = False  # the files that people share: two calls for each
    reread_days: int = Field(default=7, ge=0)  # an edited reply in an old thread shows within
    patience_h: float = Field(default=4, gt=0)  # waited for Slack's rate limits in one run
    api_url: str = "https://slack.com/api/"
    files_url: str = "https://files.slack.com"  # the only place files are fetched from

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the bot's token."""
        return (self.token_env,)


class MediaWikiSource(SourceSection):
    """A MediaWiki, by its API."""

    type: Literal["mediawiki"]
    api_url: Annotated[str, Field(pattern=r"^https?://\S+/api\.php$")]
    readers: frozenset[str]  # of the whole wiki: MediaWiki has no rights for single pages
    user: str | None = None  # None: the wiki is public
    password_env: str = "MEDIAWIKI_PASSWORD"  # the variable that holds it
    files_url: str | None = None  # where the files are, if on another server
    namespaces: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0, 6)

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the password, if it signs in."""
        return (self.password_env,) if self.user is not None else ()


class DokuWikiSource(SourceSection):
    """A DokuWiki, by its XML-RPC API."""

    type: Literal["dokuwiki"]
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]  # of the folder that holds doku.php
    user: str  # a superuser, unless `readers` is given
    password_env: str = "DOKUWIKI_PASSWORD"
    readers: frozenset[str] | None = None  # None: whom the wiki's own rules admit
    user_domain: str | None = None  # "acme.example" makes the wiki's "ann" user:ann@acme.example
    everyone_groups: frozenset[str] = frozenset()  # the wiki's groups that hold every employee

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the password."""
        return (self.password_env,)


class GoogleDriveSource(SourceSection):
    """Google Drive: folders, shared drives, or all that a service account sees."""

    type: Literal["gdrive"]
    key_file: Path | None = None  # the service account's key, as Google gives it: JSON
    key_env: str = "GOOGLE_SERVICE_ACCOUNT_KEY"  # the variable that holds it, without key_file
    subject: str | None = None  # the user it acts for: domain-wide delegation; None: itself
    folders: tuple[DriveId, ...] = ()
    drives: tuple[DriveId, ...] = ()  # shared drives; neither: all that the account sees
    domains: frozenset[str] = frozenset()  # the company's own: "acme.example"
    organisation: frozenset[str] = frozenset()  # who reads what is shared with these domains
    readers: frozenset[str] | None = None  # None: whom Drive itself lets read
    relist_days: float = Field(default=7, gt=0)  # all is listed again, whatever the feed says
    api_url: str = "https://www.googleapis.com"

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the key, if it is in no file."""
        return (self.key_env,) if self.key_file is None else ()


class SharePointSource(SourceSection):
    """SharePoint sites and OneDrives, by Microsoft Graph."""

    type: Literal["sharepoint"]
    tenant: str  # the directory: its id or one of its domains
    client_id: str  # of the app
    secret_env: str = "SHAREPOINT_CLIENT_SECRET"  # the variable that holds the app's secret
    sites: tuple[Annotated[str, Field(pattern=r"^https://[^/\s]+(/\S*)?$")], ...] = ()
    users: tuple[str, ...] = ()  # people whose OneDrive is read, as they sign in
    download_urls: frozenset[str] = frozenset()  # servers of files besides those of the sites
    organisation: frozenset[str] = frozenset()  # whom "Everyone except external users" means
    readers: frozenset[str] | None = None  # None: whom SharePoint itself lets read
    relist_days: float = Field(default=7, gt=0)  # all is listed again, whatever the feed says
    login_url: str = "https://login.microsoftonline.com"
    api_url: str = "https://graph.microsoft.com"

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the app's secret."""
        return (self.secret_env,)


class JsonLinesSource(SourceSection):
    """A file with one document a line: {"id", "title"?, "text" or "html"}."""

    type: Literal["jsonl"]
    path: Path
    readers: frozenset[str]
    kind: Kind = "wiki"


LocalSource = FilesSource | SlackExportSource | JsonLinesSource  # those with a path
Source = Annotated[
    LocalSource
    | SlackSource
    | MediaWikiSource
    | DokuWikiSource
    | GoogleDriveSource
    | SharePointSource,
    Field(discriminator="type"),
]
