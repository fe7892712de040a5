"""The command line for speech: say, stream, transcribe, in the cloud or on this machine."""

__version__ = "0.1.0"
