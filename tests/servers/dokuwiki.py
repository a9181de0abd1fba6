"""A real DokuWiki of a test, with a folder of its own for all that it keeps."""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dokuwiki as client

from tests.servers.php import PACKAGES, free_port, require_packages, served

ADMIN = ("root", "correct-horse-9")
READER = ("reader", "staple-battery-7")  # no superuser: may read what everyone may
_CONFIGURATION = """<?php
$conf['useacl'] = 1;
$conf['superuser'] = '@admin';
$conf['remote'] = 1;
$conf['remoteuser'] = '@admin,@user';
$conf['savedir'] = '{folder}/state/data';
$conf['updatecheck'] = 0;
"""
_PLACES = """<?php
define('DOKU_MAIN_CONF', '{folder}/state/conf/');
define('DOKU_CONF', '{folder}/state/conf/');
"""


@dataclass
class DokuWiki:
    """A running wiki; `folder`/state is all that it keeps."""

    folder: Path
    url: str

    @cached_property
    def editor(self) -> Any:
        """Somebody who may do everything, signed in."""
        return client.DokuWiki(self.url, *ADMIN)

    def save(self, id: str, text: str) -> None:
        """Write a page; an empty text deletes it."""
        self.editor.pages.set(id, text)

    def upload(self, id: str, body: bytes) -> None:
        file = self.folder / "upload"
        file.write_bytes(body)
        self.editor.medias.add(id, str(file), overwrite=True)

    def set_rules(self, acl: Mapping[str, Mapping[str, int]]) -> None:
        """Replace the access rules."""
        lines = [f"{scope}\t{who}\t{acl[scope][who]}\n" for scope in acl for who in acl[scope]]
        path = self.folder / "state/conf/acl.auth.php"
        path.write_text("# <?php exit()?>\n" + "".join(lines), encoding="utf-8")


@contextmanager
def dokuwiki(folder: Path) -> Iterator[DokuWiki]:
    """Put a wiki's configuration and data into an empty folder, and serve it."""
    require_packages()
    conf = folder / "state/conf"
    shutil.copytree(PACKAGES / "etc/dokuwiki", conf, ignore=shutil.ignore_patterns("*.auth.php"))
    shutil.copytree(PACKAGES / "var/lib/dokuwiki/data", folder / "state/data")
    (conf / "local.php").write_text(_CONFIGURATION.format(folder=folder))
    (conf / "mime.local.conf").write_text("txt text/plain\n")
    users = [(*ADMIN, "admin,user"), (*READER, "user")]
    (conf / "users.auth.php").write_text(
        "".join(
            f"{name}:{hashlib.md5(password.encode()).hexdigest()}:{name}:{name}@x.example:{groups}\n"
            for name, password, groups in users
        )
    )
    (folder / "places.php").write_text(_PLACES.format(folder=folder))
    port = free_port()
    wiki = DokuWiki(folder, f"http://127.0.0.1:{port}")
    wiki.set_rules({"*": {"@ALL": 1, "@user": 8}})
    options = ("-d", f"auto_prepend_file={folder}/places.php")
    root = PACKAGES / "usr/share/dokuwiki"
    with served(root, port, folder / "server.log", *options, env={}):
        yield wiki
