"""From positions and regions to named zones: shared by the connectors of location apps. Pure but for `link`.

Coordinates come in, are compared with the zones, and are forgotten. Nothing here keeps, logs or shows them.
"""
