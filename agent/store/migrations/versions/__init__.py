"""One file per schema version, named after its number. A released one is never edited."""
