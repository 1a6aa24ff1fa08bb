"""What is known against the packages that a lock pins: ``audit.py [LOCK] [--osv-url URL]``.

pip-audit asks the public advisory service, or another that speaks OSV, about every pin, also those for other systems
and other versions of Python. Exit codes are callqa's: 0 nothing is known, 1 a package has an advisory, 3 not audited.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements-dev.txt"
Pin = tuple[str, str]
"""A package's name and its version."""


def asked(pins: dict[str, str], options: list[str]) -> list[dict[str, str]]:
    """What pip-audit says of each pin; raises SystemExit with code 3 when it could not ask about all of them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pins.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip", "--requirement", file]
        command += ["--format", "json", "--progress-spinner", "off", "--vulnerability-service", "osv", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"not audited: the advisory service did not answer ({reason})")
        raise SystemExit(3)
    return json.loads(done.stdout)["dependencies"]


def main() -> int:
    """Ask about each pin, tell what is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lock", nargs="?", type=Path, default=LOCK)
    parser.add_argument("--osv-url", help="another service than the public one")
    told = parser.parse_args()
    options = ["--osv-url", told.osv_url] if told.osv_url else []
    pins = re.findall(r"(?m)^([\w.-]+)(?:\[.*?\])?==([^\s;]+)", told.lock.read_text(encoding="utf-8"))
    if not pins:
        print(f"not audited: {told.lock} pins no package")
        return 3
    known: dict[Pin, list[str]] = {}
    for chosen in (dict(pins), dict(reversed(pins))):  # a name that is pinned twice has its versions told apart
        for package in asked(chosen, options):
            known[package["name"], package["version"]] = [
                f"{advisory['id']}, fixed in {', '.join(advisory['fix_versions']) or 'no version yet'}"
                for advisory in package["vulns"]
            ]
    if missing := set(pins) - set(known):
        print(f"not audited: no answer about {', '.join(sorted('=='.join(pin) for pin in missing))}")
        return 3
    found = [f"{name} {version}: {advisory}" for (name, version), all_ in sorted(known.items()) for advisory in all_]
    print(*found, f"{len(known)} pinned packages audited, {len(found)} advisories", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
