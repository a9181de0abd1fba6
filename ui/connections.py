"""[[sources]] tables into connectors. Imports are lazy: each costs."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import assert_never
from weakref import finalize

from connectors.base import Connector
from ui.settings import secret
from ui.source_settings import (
    ConfluenceSource,
    DokuWikiSource,
    FilesSource,
    GitWikiSource,
    GoogleDriveSource,
    JsonLinesSource,
    LocalSource,
    MediaWikiSource,
    NotionSource,
    S3Source,
    SharePointSource,
    SlackExportSource,
    SlackSource,
    SmbSource,
    Source,
    WebDavSource,
)


def connector(source: Source, data_dir: Path) -> Connector:
    """Return the connector of one [[sources]] table.

    data_dir: where a connector may keep what makes its next listing cheaper.
    """
    match source:
        case FilesSource() | SlackExportSource() | JsonLinesSource():
            return _local(source)
        case SlackSource():
            return _slack(source, data_dir)
        case MediaWikiSource():
            return _mediawiki(source)
        case DokuWikiSource():
            return _dokuwiki(source, data_dir)
        case ConfluenceSource() | NotionSource():
            return (
                _confluence(source, data_dir)
                if source.type == "confluence"
                else _notion(source, data_dir)
            )
        case GitWikiSource() | S3Source() | WebDavSource() | SmbSource():
            from ui.file_connections import connection

            return connection(source, data_dir)
        case GoogleDriveSource() | SharePointSource():
            from ui.cloud_connections import drive

            return drive(source, data_dir)
        case _:
            assert_never(source)


def onlooker(source: Source, data_dir: Path) -> Connector:
    """Return a connector that knows what the source's own does, and leaves that as it is.

    It begins with a copy, which lasts as long as the connector: an ingestion may be at work.
    """
    from connectors import memory_file

    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="footnote-")))
        memory_file.copy(source.name, data_dir, folder)
        made = connector(source, folder)
        finalize(made, stack.pop_all().close)
    return made


def _local(source: LocalSource) -> Connector:
    match source:
        case FilesSource():
            from connectors.files import FilesConnector

            return FilesConnector(
                source.name,
                source.path,
                kind=source.kind,
                readers=source.readers,
                rules=[(rule.path, rule.readers) for rule in source.rules],
                base_url=source.base_url,
            )
        case SlackExportSource():
            from connectors.slack_export import SlackExportConnector

            return SlackExportConnector(
                source.name,
                source.path,
                workspace_url=source.workspace_url,
                readers=source.readers,
            )
        case JsonLinesSource():
            from connectors.jsonl import JsonLinesConnector

            return JsonLinesConnector(
                source.name, source.path, kind=source.kind, readers=source.readers
            )
        case _:
            assert_never(source)


def _slack(source: SlackSource, data_dir: Path) -> Connector:
    from connectors.client import Account, Client
    from connectors.slack import SlackConnector
    from connectors.slack_api import SlackApi
    from connectors.slack_files import Files
    from connectors.slack_memory import Memory
    from connectors.slack_roster import Selection

    token = secret(source.token_env)
    api = SlackApi(token, url=source.api_url, patience_s=source.patience_h * 3600)
    account = Account(
        headers={"Authorization": f"Bearer {token}"},
        secret=f"the bot token in {source.token_env}",
        right="the scope files:read",
    )
    files = Files(api, Client(source.files_url, account)) if source.include_files else None
    selection = Selection(
        readers=source.readers,
        include=source.include,
        exclude=source.exclude,
        shared=source.allow_shared,
        guests=frozenset(map(str.lower, source.allow_guests)),
    )
    memory = Memory(data_dir / f"{source.name}.threads.sqlite", reread_days=source.reread_days)
    return SlackConnector(source.name, api, selection, memory, files=files)


def _mediawiki(source: MediaWikiSource) -> Connector:
    from connectors.mediawiki import MediaWikiConnector, Wiki, polite

    login = None if source.user is None else (source.user, secret(source.password_env))
    place = f"the password in {source.password_env}" if login else "nobody: no user is set"
    wiki = Wiki(source.api_url, login, source.namespaces, secret=place)
    client = polite(source.api_url, place, files_url=source.files_url)
    return MediaWikiConnector(source.name, wiki, client, readers=source.readers)


def _dokuwiki(source: DokuWikiSource, data_dir: Path) -> Connector:
    from connectors.dokuwiki import DokuWikiConnector, polite
    from connectors.dokuwiki_acl import Names

    login = (source.user, secret(source.password_env))
    return DokuWikiConnector(
        source.name,
        source.url,
        polite(source.url, login, f"the password in {source.password_env}"),
        names=Names(source.user_domain, source.everyone_groups),
        readers=source.readers,
        memory=data_dir / f"{source.name}.pages.json",
    )


def _confluence(source: ConfluenceSource, data_dir: Path) -> Connector:
    from connectors.confluence import ConfluenceConnector
    from connectors.confluence_api import polite
    from connectors.confluence_cloud import CloudSite
    from connectors.confluence_server import ServerSite
    from connectors.confluence_site import Site

    address = source.api_url or source.url
    cloud = source.edition == "cloud"
    client = polite(
        address,
        (source.user, secret(source.token_env)),
        f"the token in {source.token_env}",
        media_url=source.media_url if cloud else None,
    )
    site: Site = (
        CloudSite(address, client, home=source.url)
        if cloud
        else ServerSite(address, client, home=source.url, user_domain=source.user_domain)
    )
    return ConfluenceConnector(
        source.name,
        site,
        spaces=source.spaces,
        admitted=source.readers,
        memory=data_dir / f"{source.name}.attachments.json",
    )


def _notion(source: NotionSource, data_dir: Path) -> Connector:
    from connectors.notion import Included, NotionConnector
    from connectors.notion_api import NotionApi, polite

    client = polite(
        secret(source.token_env),
        f"the token in {source.token_env}",
        url=source.api_url,
        files_url=source.files_url,
    )
    return NotionConnector(
        source.name,
        NotionApi(client, source.api_url),
        readers=source.readers,
        included=Included(comments=source.comments, files=source.include_files),
        memory=data_dir / f"{source.name}.attachments.json",
    )
