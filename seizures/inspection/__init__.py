"""What a film is, and whether it can be used, before anything is computed."""
