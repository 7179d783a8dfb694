"""Activation stores: words x neurons on disk, written by `extract` and read by everything after it."""
