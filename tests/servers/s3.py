"""A real S3 store of a test, as moto serves it on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import requests
from moto.server import ThreadedMotoServer

BUCKET = "acme-drive"
LOGIN = ("AKIAFOOTNOTE", "s3-secret-9")
REGION = "eu-central-1"


class Store:
    """A running store with one bucket."""

    def __init__(self, url: str) -> None:
        self.url = url
        key, secret = LOGIN
        self._s3: Any = boto3.session.Session(key, secret).client(
            "s3", region_name=REGION, endpoint_url=url
        )
        self.clear()

    def clear(self) -> None:
        """Begin anew; moto keeps what it holds in this process."""
        requests.post(f"{self.url}/moto-api/reset", timeout=60)
        place = {"LocationConstraint": REGION}
        self._s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)

    def write(self, key: str, body: bytes, *, encoding: str = "") -> None:
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentEncoding=encoding)

    def keys(self, prefix: str) -> list[str]:
        found = self._s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [each["Key"] for each in found]

    def copy(self, key: str, to: str) -> None:
        self._s3.copy_object(Bucket=BUCKET, Key=to, CopySource={"Bucket": BUCKET, "Key": key})

    def remove(self, key: str) -> None:
        self._s3.delete_object(Bucket=BUCKET, Key=key)

    def close(self) -> None:
        self._s3.close()


@contextmanager
def s3_store() -> Iterator[Store]:
    """Serve an empty bucket on a free port of 127.0.0.1."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    store = Store(f"http://{host}:{port}")
    try:
        yield store
    finally:
        store.close()
        server.stop()
