"""What shapes a run: option > environment > project file > profile > user's file > default, with origins."""

from cartesia_cli.settings.files import PROJECT_FILE, config_path
from cartesia_cli.settings.keys import SETTINGS, Setting
from cartesia_cli.settings.values import Settings

__all__ = ["PROJECT_FILE", "SETTINGS", "Setting", "Settings", "config_path"]
