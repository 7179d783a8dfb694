"""Rankings of neurons: one file a method, each giving a `NeuronRanking`."""
