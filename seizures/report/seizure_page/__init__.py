"""The page of one seizure that was predicted: what the classifier says, how that came about, may one believe it."""
