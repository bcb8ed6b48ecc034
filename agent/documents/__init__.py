"""Presence documents, one file per format, each reading what real clients send and writing what is valid.

`pidf` is the frame; `data_model`, `rpid`, `timed_status`, `cipid`, `caps`, `geopriv` and `lamplighter` are what
stands in it, found by tag in `elements`; `foreign` keeps what nobody here knows. `dialog_info` is for busy lamps.
Values are never changed after they are made; nothing here does I/O or reads the clock. What every PUBLISH passes
through is not declared frozen, because making a frozen value costs four times as much.
"""
