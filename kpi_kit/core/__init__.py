"""Domain words, the table contract, and safe files. Every other room may import from here."""
