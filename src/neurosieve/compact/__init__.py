"""Few neurons as features: a model that is run no further than they lie, and what chooses them beside a minimal set."""
