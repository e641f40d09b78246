"""The stages of the pipeline as Luigi tasks: parameters, requirements, results; the computing is one floor down."""
