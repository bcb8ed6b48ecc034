"""The settings file: its model, how it is read, and the pages made from it. Read by `agent.app` and `agent.cli` only.

settings = load_settings(Path("lamplighter.yaml"), os.environ)     # or UserError with every problem
"""

from agent.settings.loading import LoadedSettings, load_settings, read_settings
from agent.settings.model import Settings

__all__ = ["LoadedSettings", "Settings", "load_settings", "read_settings"]
