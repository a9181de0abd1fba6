"""A relay before a server of this machine, for protocols that no proxy understands.

It lets so many of the server's bytes through, then cuts the connection or falls silent.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Passes bytes on, as long as it may."""

    upstream: int
    port: int = 0
    passed: int = 0  # bytes of the server so far
    _fault: str = "none"
    _after: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def begin(self, fault: str, after: int) -> None:
        """Count anew. fault: "none", "cut" or "silent", once so many bytes have passed."""
        self.close()
        self._fault, self._after, self.passed = fault, after, 0

    def serve(self, client: socket.socket) -> None:
        """Relay one connection."""
        server = socket.create_connection(("127.0.0.1", self.upstream))
        self._open += [client, server]
        threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
        threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(2**16):
                if counted:
                    self.passed += len(data)
                    if self._fault != "none" and self.passed > self._after:
                        if self._fault == "cut":
                            break
                        continue
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(upstream: int) -> Iterator[Relay]:
    """Relay a free port of 127.0.0.1 to another."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        relay = Relay(upstream, listening.getsockname()[1])

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    relay.serve(listening.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            relay.close()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
