"""`lamplighter demo`: a small organisation on this machine, with a real calendar server, the real service and real
watchers, each a process of its own on the loopback interface."""
