"""``python -m agent`` is the command ``lamplighter``."""

from agent.cli.main import main

main()
