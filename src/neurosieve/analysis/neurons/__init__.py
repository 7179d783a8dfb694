"""What single neurons do: their values beside labels, words, contexts and other features of the text."""
