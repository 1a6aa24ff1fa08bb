"""An S3 service of the tests' own: moto's, on a free port of this machine, and how to put files into it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "calls"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
}


@contextmanager
def service() -> Iterator[str]:
    """The address of the service, until the block ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class Bucket:
    """A bucket of the service, as whoever fills it sees it."""

    def __init__(self, endpoint: str, name: str) -> None:
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        self.client = boto3.client("s3", endpoint_url=endpoint, **keys)
        self.client.create_bucket(Bucket=name)
        self.name = name

    def put(self, key: str, data: bytes) -> None:
        """Write an object, over any that is there."""
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def upload(self, folder: str) -> str:
        """Put a folder's files into the bucket under its name; gives the address."""
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                self.put(os.fspath(path), path.read_bytes())
        return f"s3://{self.name}/{folder}"

    def get(self, key: str) -> bytes:
        """An object's bytes."""
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that begin so."""
        return [
            each["Key"] for each in self.client.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])
        ]
