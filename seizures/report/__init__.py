"""The pages and figures that people read."""
