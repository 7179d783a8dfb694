"""Language models: pre-tokenised words in, one vector per word and layer out. The door is `load.load_model`."""
