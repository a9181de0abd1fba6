"""A real WebDAV server of a test: WsgiDAV before a folder of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cheroot.wsgi import Server
from wsgidav.fs_dav_provider import FileResource, FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp

LOGIN = ("ann", "webdav-secret-9")


class _NumberedFile(FileResource):  # type: ignore[misc]  # untyped
    """A file with a number that stays when it moves, under the name that Nextcloud has for it."""

    def get_property_value(self, name: str) -> Any:
        if name == "{http://owncloud.org/ns}fileid":
            return str(Path(self._file_path).stat().st_ino)
        return super().get_property_value(name)


class _Numbered(FilesystemProvider):  # type: ignore[misc]  # untyped
    def get_resource_inst(self, path: str, environ: dict[str, Any]) -> Any:
        found = super().get_resource_inst(path, environ)
        if isinstance(found, FileResource):
            return _NumberedFile(path, environ, found._file_path)
        return found


@contextmanager
def webdav(root: Path, *, with_ids: bool = False) -> Iterator[str]:
    """Serve a folder at /dav on a free port of 127.0.0.1; yield the server's address.

    with_ids: whether it tells of each file what Nextcloud tells, `oc:fileid`.
    """
    user, password = LOGIN
    provider = (_Numbered if with_ids else FilesystemProvider)(str(root), fs_opts={})
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/dav": provider},
            "simple_dc": {"user_mapping": {"*": {user: {"password": password}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False},
            "verbose": 1,
            "logging": {"enable": False},
        }
    )
    server = Server(("127.0.0.1", 0), app)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.bind_addr[1]}"
    finally:
        server.stop()
        thread.join()
