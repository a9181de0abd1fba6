"""[[sources]] tables of drives into connectors. Imports are lazy: each costs."""

from pathlib import Path

from connectors.base import Connector
from ui.settings import SettingsError, secret
from ui.source_settings import GoogleDriveSource, SharePointSource


def drive(source: GoogleDriveSource | SharePointSource, data_dir: Path) -> Connector:
    """Return the connector of a Google Drive, or of SharePoint and OneDrive.

    data_dir: where a connector keeps what makes its next listing cheaper.
    """
    match source:
        case GoogleDriveSource():
            return _gdrive(source, data_dir)
        case SharePointSource():
            return _sharepoint(source, data_dir)


def _gdrive(source: GoogleDriveSource, data_dir: Path) -> Connector:
    from connectors.cloud_memory import Memory
    from connectors.gdrive import GoogleDriveConnector, Selection
    from connectors.gdrive_account import polite, service_account
    from connectors.gdrive_api import DriveApi
    from connectors.gdrive_file import Sharing

    if source.key_file is None:
        key, place = secret(source.key_env), f"the key in {source.key_env}"
    else:
        key, place = _read(source.key_file), f"the key in {source.key_file}"
    account = service_account(key, secret=place, subject=source.subject)
    selection = Selection(
        folders=source.folders,
        drives=source.drives,
        sharing=Sharing(frozenset(map(str.lower, source.domains)), source.organisation),
        readers=source.readers,
    )
    return GoogleDriveConnector(
        source.name,
        DriveApi(polite(account, source.api_url), account.who, home=source.api_url),
        selection,
        Memory(data_dir / f"{source.name}.drive.sqlite"),
        relist_days=source.relist_days,
    )


def _sharepoint(source: SharePointSource, data_dir: Path) -> Connector:
    from connectors.cloud_memory import Memory
    from connectors.sharepoint import Selection, SharePointConnector
    from connectors.sharepoint_account import App, polite
    from connectors.sharepoint_api import GraphApi

    if not source.sites and not source.users:
        raise SettingsError(f"Source {source.name!r} names neither sites nor users to read.")
    app = App(
        source.tenant,
        source.client_id,
        secret(source.secret_env),
        f"the client secret in {source.secret_env}",
    )
    client = polite(
        app,
        login=source.login_url,
        home=source.api_url,
        also=source.download_urls | {*source.sites},
    )
    selection = Selection(
        sites=source.sites,
        users=source.users,
        site_pages=source.site_pages,
        organisation=source.organisation,
        readers=source.readers,
    )
    return SharePointConnector(
        source.name,
        GraphApi(client, home=source.api_url),
        selection,
        Memory(data_dir / f"{source.name}.drive.sqlite"),
        relist_days=source.relist_days,
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file} cannot be read: {error}. Let Footnote's account read it, or mend its path."
        ) from error
