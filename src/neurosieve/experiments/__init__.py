"""Experiments: lists of probes in, results out."""
