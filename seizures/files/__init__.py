"""Files of any kind: archives that are unpacked with care, HDF5 that lands whole."""
