"""ELMo and transformer-ELMo from their released files: whole words in, both directions side by side out."""
