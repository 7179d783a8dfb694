"""The hand-made findings of the figures' tests serve the report as well."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_spec = spec_from_file_location("hand_made_findings", Path(__file__).parents[1] / "figures" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_module = module_from_spec(_spec)
_spec.loader.exec_module(_module)

make_certainty = _module.make_certainty
findings = _module.findings
make_findings = _module.make_findings
