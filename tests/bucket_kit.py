"""An S3 service of the tests' own: moto's, on a free port of this machine, and a bucket of it to put files into."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from servers import serving

KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}

SETTINGS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
"""What the environment says of credentials."""


@contextmanager
def service() -> Iterator[str]:
    """The address of the service, until the block ends. It does one thing at a time, as S3 seems to for one key."""
    app, alone = DomainDispatcherApplication(create_backend_app), Lock()

    def in_turn(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with alone:
            return list(app(environ, start_response))

    with serving(in_turn) as address:
        yield address


class Bucket:
    """A bucket of the service, as whoever fills it sees it."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.client = boto3.client("s3", endpoint_url=endpoint, **KEYS)
        self.client.create_bucket(Bucket=name)
        self.name, self.address = name, f"s3://{name}"

    def put(self, key: str, data: bytes) -> None:
        """Write an object, over any that is there."""
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def upload(self, folder: str) -> str:
        """Put a folder's files into the bucket under its name; gives the address."""
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                self.put(os.fspath(path), path.read_bytes())
        return f"{self.address}/{folder}"

    def get(self, key: str) -> bytes:
        """An object's bytes."""
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that begin so."""
        found = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", [])]
