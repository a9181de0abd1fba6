"""A bucket of an S3 store: Amazon's, or another that speaks its language.

boto3 words, signs and reads the requests; it is the polite client that sends them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import Session

from connectors.base import ConnectorError
from connectors.client import LIMITS, SYSTEM_CLOCK, Account, Client, Clock, HttpError, Limits
from connectors.drive import Content, Item, time_of
from connectors.origin import shown

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
# botocore lets the last two through when an answer is no S3's.
_BROKEN = (BotoCoreError, ResponseParserError, ValueError, LookupError)


# A signature is good for 15 minutes, and waiting is not signing again.
_PATIENT = replace(LIMITS, patience_s=600)


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


class S3Drive:
    """The objects beneath a prefix, listed in pages of 1,000 without a look at each.

    A version is the ETag, which is another whenever the bytes are, and by which an object is known
    again where it was moved to: S3 copies it there. One that was uploaded in parts or is encrypted
    by KMS may get another ETag, and is another document then. Keys and addresses come from the
    settings alone: neither the machine's profile nor the cloud's metadata service is asked.
    """

    def __init__(self, bucket: Bucket, client: Client) -> None:
        """Take what to read, and a client as `polite` makes it."""
        self.address = f"s3://{bucket.name}/{bucket.prefix}"
        self._bucket = bucket
        with self._understood(self.address):
            self._s3 = _speaker(bucket)
        self._s3.meta.events.register("before-send.s3", _Sender(client))

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
            body = answer["Body"].read(max_bytes + 1)
        return Content(body, answer["ETag"], time_of(answer["LastModified"].timestamp()))

    def _item(self, each: dict[str, Any]) -> Item:
        path = each["Key"].removeprefix(self._bucket.prefix)
        return Item(path, each["ETag"], key=each["ETag"])

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


class _Sender:
    """Sends what boto3 would send, by the polite client, and gives it what came back."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        # Packed on the way, an object would have another ETag than in the listing.
        headers = {**request.headers, "Accept-Encoding": "identity"}
        try:
            # A signature is good for one address: another bucket's or region's is not followed.
            answer = self._client.request(
                request.method, request.url, headers=headers, allow_redirects=False
            )
        except HttpError as error:
            if not error.body:
                raise
            return AWSResponse(request.url, error.status, {}, _Bytes(error.body))
        headers = {**answer.headers, "Content-Length": str(len(answer.content))}
        return AWSResponse(request.url, answer.status_code, headers, _Bytes(answer.content))


class _Bytes(BytesIO):
    """An answer that came whole, as botocore reads one that comes by and by."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def polite(bucket: Bucket, *, limits: Limits = _PATIENT, clock: Clock = SYSTEM_CLOCK) -> Client:
    """Return a client for the store. Raises ConnectorError for what is no web address.

    It signs nothing: boto3 does, for each request.
    """
    right = "s3:ListBucket for the bucket and s3:GetObject for its files"
    account = Account(secret=bucket.secret, right=right)
    return Client(bucket.endpoint, account, limits=limits, clock=clock)


def _speaker(bucket: Bucket) -> Any:
    """Return boto3's client, deaf to the environment and to the files of the machine's users."""
    deaf = {name: (None, None, *rest) for name, (_, _, *rest) in VARIABLES.items()}
    deaf |= dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    key, secret = bucket.login or (None, None)
    session = boto3.session.Session(key, secret, botocore_session=Session(deaf))
    return session.client(
        "s3",
        region_name=bucket.region,
        endpoint_url=bucket.endpoint,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1},  # the client does it
            signature_version=UNSIGNED if bucket.login is None else "s3v4",
            response_checksum_validation="when_required",  # what came unpacked has another
            s3={"addressing_style": "path"},
        ),
    )
