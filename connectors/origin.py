"""Where a source's requests may go: origins of web addresses, and what a name may lead to."""

import ipaddress
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from connectors.base import ConnectorError

_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> str:
    """Return "scheme://host:port". Raises ConnectorError for what is no plain web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError as error:
        raise ConnectorError(f"{url!r} is not a web address: {error}.") from error
    if port is None or not parts.hostname:
        raise ConnectorError(f"{shown(url)!r} is not a web address. Write https://host/path.")
    if "@" in parts.netloc:
        raise ConnectorError(
            f"{shown(url)!r} has a user name or a password in it. Take it out; secrets come from "
            "environment variables that the settings name."
        )
    return f"{parts.scheme}://{parts.hostname.rstrip('.')}:{port}"


def shown(url: str) -> str:
    """Return a URL as it may be shown: without query and user, where secrets may be."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class _GuardedConnection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _check_peer(self)


class _GuardedTlsConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _check_peer(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _GuardedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}  # for urllib3's PoolManager


def _check_peer(connection: HTTPConnection) -> None:
    """Refuse a name that leads where no wiki lives: this very machine, or a cloud's metadata.

    Company servers do have private addresses, so those are fine. Checked on the connection itself,
    before anything is sent: a second look-up of the name could have another answer.
    """
    peer = ipaddress.ip_address(connection.sock.getpeername()[0].partition("%")[0])
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped
    local = connection.host == "localhost" or _is_address(connection.host)
    if peer.is_link_local or (peer.is_loopback and not local):
        connection.close()
        raise ConnectorError(
            f"The name {connection.host!r} leads to {peer}, which is no server of the company. "
            "Mend the name's DNS entry; a server on this very machine is http://localhost."
        )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
