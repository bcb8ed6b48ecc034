"""3CX V20 by its Call Control API. See README.md."""
