"""The audit of what is pinned: an advisory stops it, and so does a service that does not answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, request
from tests.servers import answering, sends, serving

AUDIT = Path(__file__).parents[1] / ".ci/audit.py"
LOCK = """\
crumbly==1.4.0 ; python_full_version < '3.12' \\
    --hash=sha256:00
crumbly==2.1.0 ; python_full_version >= '3.12' \\
    --hash=sha256:01
sturdy[all]==3.0 ; sys_platform == 'elsewhere' \\
    --hash=sha256:02
"""
ADVISORY = {
    "id": "PYSEC-2026-1",
    "details": "An invented weakness.",
    "affected": [
        {
            "package": {"name": "crumbly", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0.3"}]}],
        }
    ],
}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock of three pins, of which one system meets at most one."""
    path = tmp_path / "requirements.txt"
    path.write_text(LOCK, encoding="utf-8")
    return path


@pytest.fixture
def known() -> dict[tuple[str, str], list[dict[str, object]]]:
    """The advisories of the service, by package and version."""
    return {}


@pytest.fixture
def service(known: dict[tuple[str, str], list[dict[str, object]]]) -> Iterator[str]:
    """A service that speaks OSV."""
    app = Flask(__name__)

    @app.post("/v1/query")
    def query() -> dict[str, object]:
        asked = request.get_json(force=True)
        advisories = known.get((asked["package"]["name"], asked["version"]))
        return {"vulns": advisories} if advisories else {}

    with serving(app) as address:
        yield f"{address}/v1/query"


def audit(lock: Path, url: str) -> tuple[int, str]:
    """Exit code and words of an audit."""
    command = [sys.executable, AUDIT, lock, "--osv-url", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_an_advisory_fails_the_audit_and_names_the_package_and_what_mends_it(
    lock: Path, service: str, known: dict[tuple[str, str], list[dict[str, object]]]
) -> None:
    known["crumbly", "1.4.0"] = [ADVISORY]
    assert audit(lock, service) == (
        1,
        "crumbly 1.4.0: PYSEC-2026-1, fixed in 2.0.3\n3 pinned packages audited, 1 advisories\n",
    )


def test_an_advisory_that_nothing_mends_fails_it_too(
    lock: Path, service: str, known: dict[tuple[str, str], list[dict[str, object]]]
) -> None:
    known["sturdy", "3.0"] = [{"id": "PYSEC-2026-2", "details": "Another.", "affected": []}]
    code, said = audit(lock, service)
    assert (code, said.splitlines()[0]) == (1, "sturdy 3.0: PYSEC-2026-2, fixed in no version yet")


def test_no_advisory_passes(lock: Path, service: str) -> None:
    assert audit(lock, service) == (0, "3 pinned packages audited, 0 advisories\n")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"], ids=["hangs up", "fails"])
def test_a_service_that_does_not_answer_is_no_clean_audit(lock: Path, answer: bytes) -> None:
    with answering(sends(answer)) as address:
        code, said = audit(lock, address)
    assert code == 3
    assert said.startswith("not audited: the advisory service did not answer (")
    assert len(said.splitlines()) == 1


def test_a_lock_that_pins_nothing_is_no_clean_audit(lock: Path, service: str) -> None:
    lock.write_text("crumbly>=1.4\n", encoding="utf-8")
    assert audit(lock, service) == (3, f"not audited: {lock} pins no package\n")
