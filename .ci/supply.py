"""What a user would install, tried as one: wheel and sdist, each with the lowest and the newest versions it may meet.

Each goes into an empty environment and judges the worked rule book's calls there, from the command line and with
pytest on two workers; all must come to the same verdicts. Beside them, in ``build/supply``: the bill of materials
(CycloneDX) and the licences of what a user gets.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build/supply"
HERE = Path(sys.executable).parent
RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}
CALLS = "specs/calls/3.1_opening.en.jsonl"


def run(*command: str | Path, cwd: Path = ROOT, codes: tuple[int, ...] = (0,)) -> str:
    """What a command printed; the whole of it is shown when it ends otherwise than it should."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, text=True, capture_output=True, check=False)
    if done.returncode not in codes:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def install(package: Path, resolution: str, place: Path) -> Path:
    """A new environment with the package, and pytest-xdist as a user's tests may use it; gives its programs' folder."""
    run(HERE / "uv", "venv", "--quiet", "--python", sys.executable, place)
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    workers = next(line for line in extras["dev"] if line.startswith("pytest-xdist"))
    target = ["--python", place / "bin/python", "--resolution", RESOLUTIONS[resolution]]
    run(HERE / "uv", "pip", "install", "--quiet", *target, package, workers)
    return place / "bin"


def verdicts(ledger: Path) -> dict[str, str]:
    """The verdicts of each call in a ledger."""
    lines = map(json.loads, ledger.read_text(encoding="utf-8").splitlines())
    return {line["call"]: line["verdicts"] for line in lines if line.get("kind") == "call"}


def judged(programs: Path, place: Path) -> list[dict[str, str]]:
    """What the package says of the worked rule book's calls, by its command and as a plugin."""
    run(programs / "callqa", "init", "specs", cwd=place)
    run(programs / "callqa", "check", "specs/calls", "--ledger", "one.jsonl", cwd=place, codes=(1,))
    run(programs / "callqa", "check", CALLS, "--book", "specs", "--ledger", "two.jsonl", cwd=place, codes=(1,))
    plugin = ["pytest", "-q", "-n", "2", "specs", "--calls", CALLS, "--callqa-ledger", "three.jsonl"]
    run(programs / "python", "-m", *plugin, cwd=place, codes=(1,))
    found = [verdicts(place / name) for name in ("one.jsonl", "two.jsonl", "three.jsonl")]
    assert found[0], "no call was judged"
    assert found[1] == found[2], "the command and the plugin differ"
    return found


def main() -> None:
    """Build, install, judge, compare, list."""
    shutil.rmtree(OUT, ignore_errors=True)
    run(HERE / "python", "-m", "hatchling", "build", "-d", OUT)
    said = {}
    for package in sorted([*OUT.glob("*.whl"), *OUT.glob("*.tar.gz")]):
        for resolution in RESOLUTIONS:
            place = OUT / f"{package.suffix.strip('.')}-{resolution}"
            said[place.name] = judged(install(package, resolution, place), place)
            print(f"{package.name}, {resolution} versions: {len(said[place.name][0])} calls judged")
    first, *others = said.values()
    assert all(other == first for other in others), "verdicts differ between environments"
    newest = OUT / "whl-newest/bin/python"
    run(HERE / "cyclonedx-py", "environment", "--output-reproducible", "--output-file", OUT / "sbom.json", newest)
    licences = run(HERE / "pip-licenses", "--python", newest, "--format", "markdown")
    (OUT / "licences.md").write_text(licences, encoding="utf-8")
    print(f"The bill of materials and the licences are in {OUT.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
