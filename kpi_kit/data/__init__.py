"""The data folder: read, check, merge imports, take a snapshot."""
