"""A bucket of an S3 store: Amazon's, or another that speaks its language."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from connectors.base import ConnectorError
from connectors.drive import Content, Item, time_of
from connectors.origin import origin, shown

_FOREIGN_KEYS = "Check access_key, and the secret in {secret}."
_REMEDIES = {
    "AccessDenied": "Give the account s3:ListBucket for the bucket and s3:GetObject for its files.",
    "AllAccessDisabled": "Give the account s3:ListBucket and s3:GetObject.",
    "InvalidAccessKeyId": _FOREIGN_KEYS,
    "SignatureDoesNotMatch": _FOREIGN_KEYS,
    "InvalidObjectState": "It is archived; restore it, or move it out of the folder.",
    "NoSuchBucket": "Mend bucket, region or endpoint in the settings.",
    "NoSuchKey": "It is gone; run the ingestion again to drop it.",
    "PermanentRedirect": "Mend region or endpoint in the settings.",
}
# botocore lets the last two through when an answer breaks off or is no S3's.
_BROKEN = (BotoCoreError, ResponseParserError, HTTPError, ValueError, LookupError)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What to read of which store."""

    name: str
    prefix: str  # "handbook/", or "" for all of it
    endpoint: str  # "https://s3.eu-central-1.amazonaws.com"
    region: str
    login: tuple[str, str] | None  # access key and secret key; None: the bucket is public
    secret: str = "no variable: the bucket is read as the public"  # where the secret comes from
    page: int = 1000  # keys a request, the most that S3 gives


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one request may take."""

    connect_s: float = 10
    read_s: float = 60  # between two pieces of an answer
    attempts: int = 5


LIMITS = Limits()


class S3Drive:
    """The objects beneath a prefix, listed in pages of 1,000 without a look at each.

    A version is the ETag, which is another whenever the bytes are. Keys and addresses come from the
    settings alone: neither the machine's profile nor the cloud's metadata service is asked.
    """

    def __init__(self, bucket: Bucket, limits: Limits = LIMITS) -> None:
        """Take what to read. Raises ConnectorError for an endpoint that is no web address."""
        origin(bucket.endpoint)
        self.address = f"s3://{bucket.name}/{bucket.prefix}"
        self._bucket = bucket
        with self._understood(self.address):
            self._s3 = _client(bucket, limits)

    def files(self) -> Iterator[Item]:
        """Yield every object, page by page; a page that does not say how it ends is an error."""
        asked = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket.name,
            Prefix=self._bucket.prefix,
            PaginationConfig={"PageSize": self._bucket.page},
        )
        with self._understood(self.address):
            more = True
            for page in asked:
                found = page.get("Contents", [])
                more = page["IsTruncated"]
                if page["Name"] != self._bucket.name or page["KeyCount"] != len(found):
                    raise self._incomplete(f"{len(found)} of {page['KeyCount']} keys came")
                if more and not page["NextContinuationToken"]:
                    raise self._incomplete("it does not say where it goes on")
                yield from (self._item(each) for each in found if not each["Key"].endswith("/"))
            if more:
                raise self._incomplete("its last page is missing")

    def read(self, path: str, max_bytes: int) -> Content:
        """Return an object with the ETag that came with its bytes."""
        with self._understood(f"{self.address}{path}"):
            answer = self._s3.get_object(Bucket=self._bucket.name, Key=self._bucket.prefix + path)
            with answer["Body"] as stream:
                body = stream.read(max_bytes + 1)
            if len(body) != min(answer["ContentLength"], max_bytes + 1):
                raise ConnectorError(
                    f"{self.address}{path} broke off while it was read. It is tried again with the "
                    "next run."
                )
        return Content(body, answer["ETag"], time_of(answer["LastModified"].timestamp()))

    def _item(self, each: dict[str, Any]) -> Item:
        return Item(each["Key"].removeprefix(self._bucket.prefix), each["ETag"])

    @contextmanager
    def _understood(self, what: str) -> Iterator[None]:
        """Turn a refusal, or what no S3 store would answer, into a ConnectorError."""
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "no code")
            remedy = _REMEDIES.get(code, "Look at the store's own log for the reason.")
            raise ConnectorError(
                f"{what} cannot be read at {shown(self._bucket.endpoint)}: {code}. "
                f"{remedy.format(secret=self._bucket.secret)}"
            ) from error
        except _BROKEN as error:
            raise ConnectorError(
                f"{shown(self._bucket.endpoint)} did not answer for {what} as an S3 store does: "
                f"{type(error).__name__}. Check endpoint and region, and that this machine reaches "
                "the store."
            ) from error

    def _incomplete(self, why: str) -> ConnectorError:
        return ConnectorError(
            f"{self.address} gave an incomplete listing: {why}. Nothing of this source is changed; "
            "run the ingestion again, and look at the store's own log if it lasts."
        )


def _client(bucket: Bucket, limits: Limits) -> Any:
    key, secret = bucket.login or (None, None)
    return boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret).client(
        "s3",
        region_name=bucket.region,
        endpoint_url=bucket.endpoint,
        config=Config(
            connect_timeout=limits.connect_s,
            read_timeout=limits.read_s,
            retries={"mode": "standard", "total_max_attempts": limits.attempts},
            signature_version=UNSIGNED if bucket.login is None else "s3v4",
            s3={"addressing_style": "path"},
            proxies={},
        ),
    )
