# Completion of cartesia-speech, the same program under another name.
complete -c cartesia-speech -w cartesia
