"""A real, private MediaWiki of a test, installed into a folder of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import mwclient

from tests.servers.php import PACKAGES, free_port, require_packages, run_php, served

ADMIN = ("Admin", "correct-horse-9")
READER = ("Footnote", "staple-battery-7")  # may read, no more
BOT = ("Footnote@nightly", "a" * 32)  # the same account by a bot password
_ROOT = PACKAGES / "usr/share/mediawiki"
_SETTINGS = """
$wgServer = WebRequest::detectServer();  // it is reached directly and through proxies
$wgCacheDirectory = "{folder}/cache";
$wgSQLiteDataDir = "{folder}/state/db";
foreach ( [ &$wgObjectCaches[CACHE_DB]['server'], &$wgLocalisationCacheConf['storeServer'],
    &$wgJobTypeConf['default']['server'] ] as &$server ) {{
    $server['dbDirectory'] = $wgSQLiteDataDir;
}}
$wgEnableUploads = true;
$wgFileExtensions = [ 'pdf', 'txt', 'png', 'csv' ];
$wgVerifyMimeType = false;
$wgStrictFileExtensions = false;
$wgUploadDirectory = "{folder}/state/images";
$wgUploadPath = "/img_auth.php";
$wgGroupPermissions['*']['read'] = false;
$wgGroupPermissions['*']['edit'] = false;
$wgEnableBotPasswords = true;
$wgJobRunRate = 0;
$wgRateLimits = [];
$wgRCWatchCategoryMembership = false;
$wgExtraNamespaces[3000] = "Handbook";
"""


@dataclass
class MediaWiki:
    """A running wiki; `folder`/state is all that it keeps."""

    folder: Path
    url: str  # of the server, without a path

    @property
    def api_url(self) -> str:
        return f"{self.url}/api.php"

    @cached_property
    def editor(self) -> mwclient.Site:
        """Somebody who may do everything, signed in."""
        site = mwclient.Site(self.url.removeprefix("http://"), path="/", scheme="http")
        site.login(*ADMIN)
        return site

    def save(self, title: str, text: str) -> int:
        """Write a page; return its id."""
        self.editor.pages[title].save(text, summary="a test")
        return int(self.editor.pages[title].pageid)

    def upload(self, name: str, body: bytes) -> None:
        self.editor.upload(BytesIO(body), name, "A file.", ignore=True, comment="a test")

    def maintain(self, script: str, *arguments: str) -> str:
        return _maintain(self.folder, script, *arguments)


@contextmanager
def mediawiki(folder: Path) -> Iterator[MediaWiki]:
    """Install a wiki into an empty folder and serve it."""
    require_packages()
    for name in ("state/db", "state/images", "cache"):
        (folder / name).mkdir(parents=True)
    run_php(
        *("maintenance/install.php", "--dbtype", "sqlite", "--dbpath", str(folder / "state/db")),
        *("--confpath", str(folder), "--server", "http://127.0.0.1", "--scriptpath", ""),
        *("--pass", ADMIN[1], "Acme Wiki", ADMIN[0]),
        cwd=_ROOT,
        env={},
    )
    with (folder / "LocalSettings.php").open("a", encoding="utf-8") as settings:
        settings.write(_SETTINGS.format(folder=folder))
    _maintain(folder, "createAndPromote", *READER)
    bot = ("--appid", "nightly", "--grants", "basic", READER[0], BOT[1])
    _maintain(folder, "createBotPassword", *bot)
    port = free_port()
    with served(_ROOT, port, folder / "server.log", env=_environment(folder)):
        yield MediaWiki(folder, f"http://127.0.0.1:{port}")


def _maintain(folder: Path, script: str, *arguments: str) -> str:
    return run_php(f"maintenance/{script}.php", *arguments, cwd=_ROOT, env=_environment(folder))


def _environment(folder: Path) -> dict[str, str]:
    return {"MW_CONFIG_FILE": str(folder / "LocalSettings.php")}
