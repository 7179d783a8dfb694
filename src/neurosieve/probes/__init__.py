"""Linear probes: the objective, the engine that fits many at once, one file a solver, the scikit-learn estimator."""
