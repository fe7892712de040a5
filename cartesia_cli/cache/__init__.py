"""What need not be asked for twice. A cache that fails is a cache that is empty.

* ``names``  the voices behind names
* ``speech`` speech, by everything that shapes it
"""

from cartesia_cli.cache.names import LIST_NAME, VoiceList, VoiceNames, forget_voices

__all__ = ["LIST_NAME", "VoiceList", "VoiceNames", "forget_voices"]
