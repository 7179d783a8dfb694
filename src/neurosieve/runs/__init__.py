"""Whole runs: a study from text to the page, a run's folder opened again, and runs side by side."""
