"""Secrets at rest: authenticated encryption of single values in the store, and the keys for it.

keyring (keys and their ids) -> sealing (one value in its place) -> rows (all that the store has) -> rotation
sources (where keys are kept) is the only file here that touches the disk.
"""
