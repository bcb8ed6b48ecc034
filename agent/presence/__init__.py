"""What a presence server decides, without I/O: rows and requests in, outcomes out.

`packages` names the event packages, `publication` is the event state compositor's side of RFC 3903, `subscription` the
notifier's side of RFC 6665, `composition` makes one document of several publications, `records` are the
rows that a store keeps.
"""
