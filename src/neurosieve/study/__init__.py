"""The whole chain from one file: settings, stages, findings, a run's folder."""
