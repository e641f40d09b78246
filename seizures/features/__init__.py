"""From frames to features, and the HDF5 file that holds them."""
