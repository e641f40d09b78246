"""Folds, sequences of features, and the classifiers trained on them."""
