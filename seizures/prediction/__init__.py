"""What a trained classifier says of a seizure: when, why, and how far it may be believed."""
