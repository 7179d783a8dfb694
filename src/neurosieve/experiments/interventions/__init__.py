"""Does the network use these neurons? Edits of a running model, what it then says, and matched controls."""
