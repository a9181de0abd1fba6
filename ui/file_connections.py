"""[[sources]] tables of git wikis and of files on other machines into connectors."""

from pathlib import Path
from typing import assert_never
from urllib.parse import quote

from connectors.base import Connector
from connectors.drive import Drive, DriveConnector
from connectors.path_rules import PathRules
from ui.settings import secret
from ui.source_settings import DriveSection, GitWikiSource, S3Source, SmbSource, WebDavSource

FileSource = GitWikiSource | S3Source | WebDavSource | SmbSource


def connection(source: FileSource, data_dir: Path) -> Connector:
    """Return the connector of one table. data_dir: where the last listing is kept."""
    match source:
        case GitWikiSource():
            return _gitwiki(source, data_dir)
        case S3Source():
            return _s3(source, data_dir)
        case WebDavSource():
            return _webdav(source, data_dir)
        case SmbSource():
            return _smb(source, data_dir)
        case _:
            assert_never(source)


def _gitwiki(source: GitWikiSource, data_dir: Path) -> Connector:
    from connectors.git import Git, Remote, polite
    from connectors.gitwiki import GitWikiConnector, Site

    login = None if source.user is None else (source.user, secret(source.password_env))
    place = f"the token in {source.password_env}" if login else "nobody: no user is set"
    remote = Remote(source.repository, source.branch, login, place)
    return GitWikiConnector(
        source.name,
        Git(remote, client=polite(remote)),
        Site(source.layout, source.url),
        data_dir / f"{source.name}.gitwiki.json",
        readers=source.readers,
    )


def _s3(source: S3Source, data_dir: Path) -> Connector:
    from connectors.s3 import Bucket, S3Drive, polite

    endpoint = source.endpoint or f"https://s3.{source.region}.amazonaws.com"
    prefix = f"{source.prefix.strip('/')}/" if source.prefix.strip("/") else ""
    place = (source.bucket, prefix, endpoint, source.region)
    if source.access_key is None:
        bucket = Bucket(*place, login=None)
    else:
        login = (source.access_key, secret(source.secret_env))
        bucket = Bucket(*place, login, f"the secret key in {source.secret_env}")
    address = f"{endpoint}/{source.bucket}/{quote(prefix)}"
    return _drive(source, S3Drive(bucket, polite(bucket)), address, data_dir)


def _webdav(source: WebDavSource, data_dir: Path) -> Connector:
    from connectors.webdav import WebDavDrive, polite

    login = None if source.user is None else (source.user, secret(source.password_env))
    place = f"the password in {source.password_env}" if login else "nobody: no user is set"
    drive = WebDavDrive(source.url, polite(source.url, login, place))
    return _drive(source, drive, source.url, data_dir)


def _smb(source: SmbSource, data_dir: Path) -> Connector:
    from connectors.smb import Share, SmbDrive

    login = (source.user, secret(source.password_env))
    place = f"the password in {source.password_env}"
    share = Share(source.server, source.share, source.folder, login, place, source.port)
    folder = quote(f"{source.share}/{source.folder}".strip("/"))
    return _drive(source, SmbDrive(share), f"file:////{source.server}/{folder}", data_dir)


def _drive(source: DriveSection, drive: Drive, address: str, data_dir: Path) -> Connector:
    rules = PathRules(source.readers, [(rule.path, rule.readers) for rule in source.rules])
    memory = data_dir / f"{source.name}.drive.json"
    url = source.base_url or address
    return DriveConnector(source.name, drive, rules, base_url=url, memory=memory)
