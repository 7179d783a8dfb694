"""Encoders, decoders and encoder-decoders of the Hugging Face libraries: sub-words in, layers and sites out."""
