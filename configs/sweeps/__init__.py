"""Sweeps: a file each, for --mode sweep."""
