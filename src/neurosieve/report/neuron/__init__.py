"""The page of one neuron: its answer in a sentence, its weights, its values by label, words in context, and what it follows."""
