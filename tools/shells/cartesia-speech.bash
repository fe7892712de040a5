# Completion of cartesia-speech, the same program under another name.
source "${BASH_SOURCE[0]%-speech*}${BASH_SOURCE[0]##*-speech}"
