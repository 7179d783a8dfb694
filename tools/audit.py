"""Look the pinned packages up among known weaknesses, by pip-audit; say clearly where the advisories cannot be reached.

The exit code is 1 if a package has a known weakness, and 0 if none has or if nothing could be looked up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PINS = Path(__file__).parents[1] / "constraints.txt"
SERVICES = ("pypi", "osv")


def audited(pins: Path, service: str) -> list[dict[str, Any]]:
    """What a service says of each package; empty if it cannot be asked."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(pins), "--no-deps", "--disable-pip", "-s", service]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return []
    return found


def verdict(found: list[dict[str, Any]]) -> tuple[list[str], int]:
    """What to print, and the exit code."""
    asked = [package for package in found if "skip_reason" not in package]
    if not asked:
        text = "pip-audit: SKIPPED, the advisories cannot be reached from here (PyPI's or OSV's): nothing was looked up"
        return [text], 0
    bad = [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in {', '.join(weakness['fix_versions']) or 'no version'}"
        for package in asked
        for weakness in package["vulns"]
    ]
    unknown = [package["name"] for package in found if "skip_reason" in package]
    more = f"; not known there: {', '.join(unknown)}" if unknown else ""
    return [*bad, f"pip-audit: {len(asked)} packages looked up, {len(bad)} known weaknesses{more}"], int(bool(bad))


def main() -> None:
    """Ask the services in turn until one answers."""
    found: list[dict[str, Any]] = []
    for service in SERVICES:
        found = audited(PINS, service)
        if any("skip_reason" not in package for package in found):
            break
    lines, code = verdict(found)
    print("\n".join(lines))
    sys.exit(code)


if __name__ == "__main__":
    main()
