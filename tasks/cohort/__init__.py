"""The manifest as the pipeline sees it, and where the features of each seizure come from."""
