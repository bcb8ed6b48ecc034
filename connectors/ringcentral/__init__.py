"""RingCentral: presence notifications by webhook. See README.md."""
