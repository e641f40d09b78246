"""The stages of the pipeline, one subject a file."""
