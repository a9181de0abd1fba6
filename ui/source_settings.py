"""The [[sources]] tables of the settings: what each kind of source needs to be read."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.base import Kind
from index.access import principal


class Section(BaseModel):
    """A table of the settings file; an unknown key is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]  # the prefix of its ids

DriveId = Annotated[str, Field(pattern=r"^[\w-]+$")]  # as it stands in a Google Drive address


Readers = frozenset[Annotated[str, AfterValidator(principal)]]  # none: nobody


class ReaderRule(Section):
    """Documents whose path matches have readers of their own."""

    path: str  # glob relative to the source's folder: "HR/**"
    readers: Readers


class SourceSection(Section):
    """One [[sources]] table."""

    name: SourceName
    local_only: bool = False  # true: [model.large] never sees its documents

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
    readers: Readers  # no default: opening access is a decision
    kind: Kind = "drive"
    base_url: str | None = None  # where readers open these files; None: in Footnote itself
    rules: tuple[ReaderRule, ...] = ()


class SlackExportSource(SourceSection):
    """A Slack export, as a folder or a ZIP."""

    type: Literal["slack_export"]
    path: Path
    workspace_url: Annotated[str, Field(pattern=r"^https://\S+$")]  # "https://acme.slack.com"
    readers: Readers  # of public channels; private ones are for their members


class SlackSource(SourceSection):
    """A Slack workspace, read live: the channels that the app is in, never direct messages."""

    type: Literal["slack"]
    readers: Readers  # of public channels; private ones are for their members
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
    readers: Readers  # of the whole wiki: MediaWiki has no rights for single pages
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
    readers: Readers | None = None  # None: whom the wiki's own rules admit
    user_domain: str | None = None  # "acme.example" makes the wiki's "ann" user:ann@acme.example
    everyone_groups: frozenset[str] = frozenset()  # the wiki's groups that hold every employee

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the password."""
        return (self.password_env,)


class ConfluenceSource(SourceSection):
    """A Confluence, Cloud or Data Center, by its REST API."""

    type: Literal["confluence"]
    edition: Literal["cloud", "data_center"]
    url: Annotated[
        str, Field(pattern=r"^https?://\S+$")
    ]  # Cloud: "https://acme.atlassian.net/wiki"
    api_url: str | None = None  # for a token with scopes: api.atlassian.com/ex/confluence/<id>/wiki
    user: str | None = None  # address of the account whose token it is; None: a token alone
    token_env: str = "CONFLUENCE_TOKEN"
    spaces: tuple[str, ...] = ()  # keys; none: all but personal ones
    readers: Readers | None = None  # of every space; None: whom Confluence's own rules admit
    user_domain: str | None = None  # Data Center: "acme.example" makes "ann" user:ann@acme.example
    media_url: str = "https://api.media.atlassian.com"  # where Cloud keeps attachments

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the token."""
        return (self.token_env,)


class NotionSource(SourceSection):
    """A Notion workspace, as far as it is shared with a connection."""

    type: Literal["notion"]
    readers: Readers  # of all that is shared: Notion's API does not say who may read what
    token_env: str = "NOTION_TOKEN"  # the variable that holds it: ntn_…
    comments: bool = True  # a call for each page
    include_files: bool = True  # that Notion keeps for blocks and properties
    api_url: str = "https://api.notion.com"
    files_url: str = "https://prod-files-secure.s3.us-west-2.amazonaws.com"  # where it keeps them

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the token."""
        return (self.token_env,)


class GoogleDriveSource(SourceSection):
    """Google Drive: folders, shared drives, or all that a service account sees."""

    type: Literal["gdrive"]
    key_file: Path | None = None  # the service account's key, as Google gives it: JSON
    key_env: str = "GOOGLE_SERVICE_ACCOUNT_KEY"  # the variable that holds it, without key_file
    subject: str | None = None  # the user it acts for: domain-wide delegation; None: itself
    folders: tuple[DriveId, ...] = ()
    drives: tuple[DriveId, ...] = ()  # shared drives; neither: all that the account sees
    domains: frozenset[str] = frozenset()  # the company's own: "acme.example"
    organisation: Readers = frozenset()  # who reads what is shared with these domains
    readers: Readers | None = None  # None: whom Drive itself lets read
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
    site_pages: bool = False  # read the sites' own pages beside their libraries
    download_urls: frozenset[str] = frozenset()  # servers of files besides those of the sites
    organisation: Readers = frozenset()  # whom "Everyone except external users" means
    readers: Readers | None = None  # None: whom SharePoint itself lets read
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
    readers: Readers
    kind: Kind = "wiki"


class GitWikiSource(SourceSection):
    """A wiki that is a git repository."""

    type: Literal["gitwiki"]
    repository: Annotated[str, Field(pattern=r"^(file:///|https://|ssh://)[^\s]+$")]
    layout: Literal["github", "gitlab", "gollum"]
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]  # where people read it
    readers: Readers  # of the whole wiki: git has no rights for single pages
    branch: Annotated[str, Field(pattern=r"^[\w][\w./-]*$")] | None = None  # None: its own
    user: str | None = None  # for https; None: the repository is public
    password_env: str = "GITWIKI_TOKEN"  # the variable that holds a token or a password

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the token, if it signs in."""
        return (self.password_env,) if self.user is not None else ()


class DriveSection(SourceSection):
    """A tree of files on another machine."""

    readers: Readers
    rules: tuple[ReaderRule, ...] = ()
    base_url: str | None = None  # where readers open these files; None: at the server's own address


class S3Source(DriveSection):
    """A bucket of Amazon S3, or of another store that speaks its language."""

    type: Literal["s3"]
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,62}$")]
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    prefix: str = ""  # "handbook": only what lies in it
    endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None  # None: Amazon's
    access_key: str | None = None  # None: the bucket is public
    secret_env: str = "S3_SECRET_KEY"  # the variable that holds its secret key

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the secret key, if it signs in."""
        return (self.secret_env,) if self.access_key is not None else ()


class WebDavSource(DriveSection):
    """A folder of a WebDAV server, such as a Nextcloud."""

    type: Literal["webdav"]
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]  # of the folder
    user: str | None = None  # None: everybody may read it
    password_env: str = "WEBDAV_PASSWORD"  # the variable that holds it; Nextcloud: an app password

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the password, if it signs in."""
        return (self.password_env,) if self.user is not None else ()


class SmbSource(DriveSection):
    """A folder of an SMB share."""

    type: Literal["smb"]
    server: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    share: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    folder: Annotated[str, Field(pattern=r"^[^\\]*$")] = ""  # with "/" between names
    port: int = Field(default=445, ge=1, le=65535)
    user: str  # "ACME\\footnote" or "footnote@acme.example"
    password_env: str = "SMB_PASSWORD"

    def secrets(self) -> tuple[str, ...]:
        """Return the name of the variable of the password."""
        return (self.password_env,)


LocalSource = FilesSource | SlackExportSource | JsonLinesSource  # those with a path
Source = Annotated[
    LocalSource
    | SlackSource
    | MediaWikiSource
    | DokuWikiSource
    | ConfluenceSource
    | NotionSource
    | GitWikiSource
    | S3Source
    | WebDavSource
    | SmbSource
    | GoogleDriveSource
    | SharePointSource,
    Field(discriminator="type"),
]
