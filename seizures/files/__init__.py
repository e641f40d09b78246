"""Files of any kind: archives unpacked safely, HDF5 written whole or not at all, pages from templates, text."""
