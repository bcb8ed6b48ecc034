"""HTTP for people and their tools: `control`, insight for the administrator on a local socket, served by `serving`."""
