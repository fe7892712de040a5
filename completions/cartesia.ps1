# Completion of cartesia for PowerShell. Made by tools/draw_completions.py: do not edit.

Register-ArgumentCompleter -Native -CommandName 'cartesia', 'cartesia-speech' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # Of each command: its commands, its options (names, whether a value follows, help), its arguments.
    $table = @{
        '' = @{
            Commands = @('say', 'stream', 'transcribe', 'batch', 'captions', 'voices', 'clone', 'change-voice', 'infill', 'dicts', 'serve', 'auth', 'config', 'doctor', 'devices', 'cache', 'completion', 'man')
            Options = @(
                @(@('--version'), $false, 'Show the version.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'say' = @{
            Commands = @()
            Options = @(
                @(@('--file', '-f'), $true, 'Read the text from FILE; ''-'' is stdin.'),
                @(@('--voice', '-v'), $true, 'Name, ID or alias. [env: CARTESIA_VOICE]'),
                @(@('--voice-embedding'), $true, 'A voice of the older API, as JSON.'),
                @(@('--model', '-m'), $true, 'Model ID. [env: CARTESIA_MODEL]'),
                @(@('--language', '-l'), $true, 'Like en, de, ja. [env: CARTESIA_LANGUAGE]'),
                @(@('--locale'), $true, 'Like en-GB, instead of a language.'),
                @(@('--speed'), $true, 'Pace: a factor, or slow, normal, fast.'),
                @(@('--volume'), $true, 'Loudness, as a factor.'),
                @(@('--emotion'), $true, 'Like calm or excited; repeatable for the older API.'),
                @(@('--dict'), $true, 'Pronunciation dictionary.'),
                @(@('--normalization'), $true, 'How numbers and dates are read.'),
                @(@('--seed'), $true, 'Same seed, same bytes (built-in engine).'),
                @(@('--context-id'), $true, 'Sent along with the request.'),
                @(@('--output', '-o'), $true, 'Write FILE; ''-'' is stdout. Repeatable.'),
                @(@('--format'), $true, 'For ''-o -'' and names without an ending.'),
                @(@('--encoding'), $true, 'How samples are stored (wav, raw; flac in part).'),
                @(@('--sample-rate', '-r'), $true, '8000 16000 22050 24000 44100 48000.'),
                @(@('--bit-rate'), $true, 'MP3: 32000 64000 96000 128000 192000.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--force'), $false, 'Write audio even to a terminal.'),
                @(@('--play'), $false, 'Play it.'),
                @(@('--device'), $true, 'Which sound device.'),
                @(@('--gain'), $true, 'Louder or softer, in decibels.'),
                @(@('--follow'), $false, 'Show the words in time with the sound.'),
                @(@('--interrupt'), $false, 'Silence another cartesia instead of waiting for it.'),
                @(@('--wait'), $true, 'For the others to fall silent. (default: 60)'),
                @(@('--timings'), $true, '.srt .vtt .ass .lrc .json .tsv, or ''-''. Repeatable.'),
                @(@('--timings-format'), $true, 'For ''--timings -'' and names without an ending.'),
                @(@('--phonemes'), $false, 'Phoneme timings too (in .json).'),
                @(@('--captions'), $true, 'netflix, bbc, shorts, or FILE.toml.'),
                @(@('--max-chars'), $true, 'Characters a line.'),
                @(@('--max-lines'), $true, 'Lines a cue.'),
                @(@('--min-duration'), $true, 'Shortest cue.'),
                @(@('--max-duration'), $true, 'Longest cue.'),
                @(@('--cps'), $true, 'Characters a second, at most.'),
                @(@('--gap'), $true, 'Least time between cues.'),
                @(@('--transport'), $true, 'How audio comes: bytes; sse and websocket have timings.'),
                @(@('--events'), $false, 'Print each event as a JSON line.'),
                @(@('--dry-run'), $false, 'Show the request and its credits; send nothing.'),
                @(@('--cache'), $false, 'Take the speech from the cache if it is there; else keep it.'),
                @(@('--curl'), $false, 'Show the same request as a curl command.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--fallback'), $true, 'Use the built-in engine if the cloud fails.'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'stream' = @{
            Commands = @()
            Options = @(
                @(@('--tee'), $false, 'Pass the text on to stdout.'),
                @(@('--split'), $true, 'What is spoken as a whole; none leaves it to the engine.'),
                @(@('--buffer-delay'), $true, 'How long text may wait for more, 0–5000. (default: 3000)'),
                @(@('--markdown'), $false, 'Speak Markdown without its marks, code and URLs.'),
                @(@('--voice', '-v'), $true, 'Name, ID or alias. [env: CARTESIA_VOICE]'),
                @(@('--voice-embedding'), $true, 'A voice of the older API, as JSON.'),
                @(@('--model', '-m'), $true, 'Model ID. [env: CARTESIA_MODEL]'),
                @(@('--language', '-l'), $true, 'Like en, de, ja. [env: CARTESIA_LANGUAGE]'),
                @(@('--locale'), $true, 'Like en-GB, instead of a language.'),
                @(@('--speed'), $true, 'Pace: a factor, or slow, normal, fast.'),
                @(@('--volume'), $true, 'Loudness, as a factor.'),
                @(@('--emotion'), $true, 'Like calm or excited; repeatable for the older API.'),
                @(@('--dict'), $true, 'Pronunciation dictionary.'),
                @(@('--normalization'), $true, 'How numbers and dates are read.'),
                @(@('--seed'), $true, 'Same seed, same bytes (built-in engine).'),
                @(@('--context-id'), $true, 'Sent along with the request.'),
                @(@('--output', '-o'), $true, 'Write FILE; ''-'' is stdout. Repeatable.'),
                @(@('--format'), $true, 'For ''-o -'' and names without an ending.'),
                @(@('--encoding'), $true, 'How samples are stored (wav, raw; flac in part).'),
                @(@('--sample-rate', '-r'), $true, '8000 16000 22050 24000 44100 48000.'),
                @(@('--bit-rate'), $true, 'MP3: 32000 64000 96000 128000 192000.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--force'), $false, 'Write audio even to a terminal.'),
                @(@('--play'), $false, 'Play it.'),
                @(@('--device'), $true, 'Which sound device.'),
                @(@('--gain'), $true, 'Louder or softer, in decibels.'),
                @(@('--follow'), $false, 'Show the words in time with the sound.'),
                @(@('--interrupt'), $false, 'Silence another cartesia instead of waiting for it.'),
                @(@('--wait'), $true, 'For the others to fall silent. (default: 60)'),
                @(@('--timings'), $true, '.srt .vtt .ass .lrc .json .tsv, or ''-''. Repeatable.'),
                @(@('--timings-format'), $true, 'For ''--timings -'' and names without an ending.'),
                @(@('--phonemes'), $false, 'Phoneme timings too (in .json).'),
                @(@('--captions'), $true, 'netflix, bbc, shorts, or FILE.toml.'),
                @(@('--max-chars'), $true, 'Characters a line.'),
                @(@('--max-lines'), $true, 'Lines a cue.'),
                @(@('--min-duration'), $true, 'Shortest cue.'),
                @(@('--max-duration'), $true, 'Longest cue.'),
                @(@('--cps'), $true, 'Characters a second, at most.'),
                @(@('--gap'), $true, 'Least time between cues.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--fallback'), $true, 'Use the built-in engine if the cloud fails.'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'transcribe' = @{
            Commands = @()
            Options = @(
                @(@('--recursive'), $false, 'Folders within folders too.'),
                @(@('--from-file'), $true, 'Read sources from LIST, one a line.'),
                @(@('--encoding'), $true, 'Of samples without a header.'),
                @(@('--sample-rate', '-r'), $true, 'Of samples without a header.'),
                @(@('--language', '-l'), $true, 'Like en, de, ja. [env: CARTESIA_LANGUAGE]'),
                @(@('--model', '-m'), $true, 'Model ID. [env: CARTESIA_STT_MODEL]'),
                @(@('--keyterm'), $true, 'A word to expect. Repeatable; live only.'),
                @(@('--jobs'), $true, 'How many at a time. (default: 4; built-in engine: 1)'),
                @(@('--live'), $false, 'Write down what is said while it is being said.'),
                @(@('--mic'), $false, 'Listen to the microphone, live.'),
                @(@('--device'), $true, 'Which microphone.'),
                @(@('--turns'), $false, 'Live: the turns of a conversation.'),
                @(@('--interim'), $false, 'Live JSON: also what may still change.'),
                @(@('--min-volume'), $true, 'Live: what is fainter is silence.'),
                @(@('--max-silence'), $true, 'Live: the pause that ends an utterance.'),
                @(@('--pace'), $true, 'Live: how fast a file is played. (default: 1)'),
                @(@('--words'), $false, 'When each word is said: START, END, WORD.'),
                @(@('--format'), $true, 'What to write; repeatable with ''-o DIR''.'),
                @(@('--output', '-o'), $true, 'Write FILE, or files in DIR; ''-'' is stdout.'),
                @(@('--skip-existing'), $false, 'Leave out what is there (always so with ''-o DIR'').'),
                @(@('--force'), $false, 'Do it again, even if it is there.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--captions'), $true, 'netflix, bbc, shorts, or FILE.toml.'),
                @(@('--max-chars'), $true, 'Characters a line.'),
                @(@('--max-lines'), $true, 'Lines a cue.'),
                @(@('--min-duration'), $true, 'Shortest cue.'),
                @(@('--max-duration'), $true, 'Longest cue.'),
                @(@('--cps'), $true, 'Characters a second, at most.'),
                @(@('--gap'), $true, 'Least time between cues.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--fallback'), $true, 'Use the built-in engine if the cloud fails.'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'batch' = @{
            Commands = @()
            Options = @(
                @(@('--manifest-format'), $true, 'For ''-'' and names without an ending.'),
                @(@('--shard'), $true, 'Only every N-th line, from the I-th on.'),
                @(@('--output', '-o'), $true, 'Where the files go.'),
                @(@('--name'), $true, 'Of files: {id} {line} {voice} {slug}.'),
                @(@('--format'), $true, 'Of lines that name none. (default: wav)'),
                @(@('--encoding'), $true, 'How samples are stored (wav, raw; flac in part).'),
                @(@('--sample-rate', '-r'), $true, '8000 16000 22050 24000 44100 48000.'),
                @(@('--bit-rate'), $true, 'MP3: 32000 64000 96000 128000 192000.'),
                @(@('--timings'), $true, 'srt vtt ass lrc json tsv, beside it. Repeatable.'),
                @(@('--force'), $false, 'Make also what is there already.'),
                @(@('--journal'), $true, 'What was made. (default: DIR/.cartesia-journal)'),
                @(@('--voice', '-v'), $true, 'Name, ID or alias. [env: CARTESIA_VOICE]'),
                @(@('--voice-embedding'), $true, 'A voice of the older API, as JSON.'),
                @(@('--model', '-m'), $true, 'Model ID. [env: CARTESIA_MODEL]'),
                @(@('--language', '-l'), $true, 'Like en, de, ja. [env: CARTESIA_LANGUAGE]'),
                @(@('--locale'), $true, 'Like en-GB, instead of a language.'),
                @(@('--speed'), $true, 'Pace: a factor, or slow, normal, fast.'),
                @(@('--volume'), $true, 'Loudness, as a factor.'),
                @(@('--emotion'), $true, 'Like calm or excited; repeatable for the older API.'),
                @(@('--dict'), $true, 'Pronunciation dictionary.'),
                @(@('--normalization'), $true, 'How numbers and dates are read.'),
                @(@('--seed'), $true, 'Same seed, same bytes (built-in engine).'),
                @(@('--context-id'), $true, 'Sent along with the request.'),
                @(@('--jobs'), $true, 'At once, at most. (default: 16; locally the cores)'),
                @(@('--transport'), $true, 'How audio comes: bytes; sse and websocket have timings.'),
                @(@('--cluster'), $true, 'On a Dask cluster: tcp://HOST:8786.'),
                @(@('--no-cache'), $false, 'Ask also for what is in the cache.'),
                @(@('--dry-run'), $false, 'Check the manifest and show what it would cost.'),
                @(@('--budget'), $true, 'Stop before more are spent.'),
                @(@('--max-failures'), $true, 'Stop after so many failures.'),
                @(@('--report'), $true, 'What became of the lines: .json, .xml.'),
                @(@('--verify'), $false, 'Decode each file: length, silence, clipping.'),
                @(@('--verify-asr'), $false, 'Transcribe each file and compare the words.'),
                @(@('--captions'), $true, 'netflix, bbc, shorts, or FILE.toml.'),
                @(@('--max-chars'), $true, 'Characters a line.'),
                @(@('--max-lines'), $true, 'Lines a cue.'),
                @(@('--min-duration'), $true, 'Shortest cue.'),
                @(@('--max-duration'), $true, 'Longest cue.'),
                @(@('--cps'), $true, 'Characters a second, at most.'),
                @(@('--gap'), $true, 'Least time between cues.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'After no answer. (default: 5; 2 where sound broke off)'),
                @(@('--json'), $false, 'Print a JSON object for each line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'captions' = @{
            Commands = @('convert', 'lint', 'retime', 'align')
            Options = @(
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'captions convert' = @{
            Commands = @()
            Options = @(
                @(@('--output', '-o'), $true, 'Write OUT; ''-'' is stdout.'),
                @(@('--format'), $true, 'For ''-'', folders and names without an ending.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--from'), $true, 'What IN is, whatever its name; ''-'' needs it.'),
                @(@('--language', '-l'), $true, 'Like en, de, ja. (default: by the script)'),
                @(@('--captions'), $true, 'netflix, bbc, shorts, or FILE.toml.'),
                @(@('--max-chars'), $true, 'Characters a line.'),
                @(@('--max-lines'), $true, 'Lines a cue.'),
                @(@('--min-duration'), $true, 'Shortest cue.'),
                @(@('--max-duration'), $true, 'Longest cue.'),
                @(@('--cps'), $true, 'Characters a second, at most.'),
                @(@('--gap'), $true, 'Least time between cues.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'captions lint' = @{
            Commands = @()
            Options = @(
                @(@('--words'), $true, 'What was said: shows lost words, excuses fast ones.'),
                @(@('--json'), $false, 'Print findings as JSON lines; errors as JSON too.'),
                @(@('--from'), $true, 'What IN is, whatever its name; ''-'' needs it.'),
                @(@('--language', '-l'), $true, 'Like en, de, ja. (default: by the script)'),
                @(@('--captions'), $true, 'netflix, bbc, shorts, or FILE.toml.'),
                @(@('--max-chars'), $true, 'Characters a line.'),
                @(@('--max-lines'), $true, 'Lines a cue.'),
                @(@('--min-duration'), $true, 'Shortest cue.'),
                @(@('--max-duration'), $true, 'Longest cue.'),
                @(@('--cps'), $true, 'Characters a second, at most.'),
                @(@('--gap'), $true, 'Least time between cues.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'captions retime' = @{
            Commands = @()
            Options = @(
                @(@('--output', '-o'), $true, 'Write OUT; ''-'' is stdout.'),
                @(@('--format'), $true, 'For ''-'', folders and names without an ending.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--shift'), $true, 'So much later; like -1.5: earlier.'),
                @(@('--stretch'), $true, 'So many times slower, before the shift.'),
                @(@('--fps'), $true, 'Made for FROM pictures a second, shown at TO: 25:23.976.'),
                @(@('--from'), $true, 'What IN is, whatever its name; ''-'' needs it.'),
                @(@('--language', '-l'), $true, 'Like en, de, ja. (default: by the script)'),
                @(@('--captions'), $true, 'netflix, bbc, shorts, or FILE.toml.'),
                @(@('--max-chars'), $true, 'Characters a line.'),
                @(@('--max-lines'), $true, 'Lines a cue.'),
                @(@('--min-duration'), $true, 'Shortest cue.'),
                @(@('--max-duration'), $true, 'Longest cue.'),
                @(@('--cps'), $true, 'Characters a second, at most.'),
                @(@('--gap'), $true, 'Least time between cues.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'captions align' = @{
            Commands = @()
            Options = @(
                @(@('--language', '-l'), $true, 'Of the captions'' rules. (default: by the script)'),
                @(@('--output', '-o'), $true, 'Write OUT; ''-'' is stdout.'),
                @(@('--format'), $true, 'For ''-'', folders and names without an ending.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--captions'), $true, 'netflix, bbc, shorts, or FILE.toml.'),
                @(@('--max-chars'), $true, 'Characters a line.'),
                @(@('--max-lines'), $true, 'Lines a cue.'),
                @(@('--min-duration'), $true, 'Shortest cue.'),
                @(@('--max-duration'), $true, 'Longest cue.'),
                @(@('--cps'), $true, 'Characters a second, at most.'),
                @(@('--gap'), $true, 'Least time between cues.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'voices' = @{
            Commands = @('list', 'search', 'show', 'preview', 'default', 'alias', 'update', 'delete', 'localize', 'accents', 'mix', 'import')
            Options = @(
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'voices list' = @{
            Commands = @()
            Options = @(
                @(@('--language', '-l'), $true, 'Those that speak it, like en, de, ja.'),
                @(@('--gender'), $true, 'How they sound.'),
                @(@('--mine'), $false, 'Only your own.'),
                @(@('--limit'), $true, 'No more than the first N.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'voices search' = @{
            Commands = @()
            Options = @(
                @(@('--language', '-l'), $true, 'Those that speak it, like en, de, ja.'),
                @(@('--gender'), $true, 'How they sound.'),
                @(@('--mine'), $false, 'Only your own.'),
                @(@('--limit'), $true, 'No more than the first N.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'voices show' = @{
            Commands = @()
            Options = @(
                @(@('--embedding'), $false, 'Its embedding too (older API, and local).'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = 'voices'
        }
        'voices preview' = @{
            Commands = @()
            Options = @(
                @(@('--model', '-m'), $true, 'Model ID. [env: CARTESIA_MODEL]'),
                @(@('--language', '-l'), $true, 'Of the text. (default: that of the voice)'),
                @(@('--output', '-o'), $true, 'Write FILE; ''-'' is stdout. Repeatable.'),
                @(@('--format'), $true, 'For ''-o -'' and names without an ending.'),
                @(@('--encoding'), $true, 'How samples are stored (wav, raw; flac in part).'),
                @(@('--sample-rate', '-r'), $true, '8000 16000 22050 24000 44100 48000.'),
                @(@('--bit-rate'), $true, 'MP3: 32000 64000 96000 128000 192000.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--force'), $false, 'Write audio even to a terminal.'),
                @(@('--play'), $false, 'Play it.'),
                @(@('--device'), $true, 'Which sound device.'),
                @(@('--gain'), $true, 'Louder or softer, in decibels.'),
                @(@('--follow'), $false, 'Show the words in time with the sound.'),
                @(@('--interrupt'), $false, 'Silence another cartesia instead of waiting for it.'),
                @(@('--wait'), $true, 'For the others to fall silent. (default: 60)'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = 'voices'
        }
        'voices default' = @{
            Commands = @()
            Options = @(
                @(@('--unset'), $false, 'Remove it.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = 'voices'
        }
        'voices alias' = @{
            Commands = @()
            Options = @(
                @(@('--unset'), $false, 'Remove it.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'voices update' = @{
            Commands = @()
            Options = @(
                @(@('--name'), $true, 'Its name.'),
                @(@('--description'), $true, 'What it is like.'),
                @(@('--gender'), $true, 'How it sounds; none takes it away.'),
                @(@('--accent'), $true, 'Its own accent; see ''voices accents''.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = 'voices'
        }
        'voices delete' = @{
            Commands = @()
            Options = @(
                @(@('--yes', '-y'), $false, 'Do not ask.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = 'voices'
        }
        'voices localize' = @{
            Commands = @()
            Options = @(
                @(@('--name'), $true, 'Of the new voice.'),
                @(@('--accent'), $true, 'See ''voices accents''.'),
                @(@('--description'), $true, 'What it is like.'),
                @(@('--tagline'), $true, 'In a few words.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = 'voices'
        }
        'voices accents' = @{
            Commands = @()
            Options = @(
                @(@('--add'), $true, 'Learn it; repeatable.'),
                @(@('--remove'), $true, 'Lose it; repeatable.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = 'voices'
        }
        'voices mix' = @{
            Commands = @()
            Options = @(
                @(@('--output', '-o'), $true, 'Write the embedding; ''-'' is stdout.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = 'voices'
        }
        'voices import' = @{
            Commands = @()
            Options = @(
                @(@('--name'), $true, 'Of the new voice.'),
                @(@('--description'), $true, 'What it is like.'),
                @(@('--language', '-l'), $true, 'Like en, de, ja.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print JSON, an object a line; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside the object.'),
                @(@('--no-input'), $false, 'Never ask.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'clone' = @{
            Commands = @()
            Options = @(
                @(@('--trim'), $false, 'Use the best 10 seconds of it, or what speech there is.'),
                @(@('--yes', '-y'), $false, 'The speaker consents, and the clip is good enough: ask nothing.'),
                @(@('--name'), $true, 'What it is called.'),
                @(@('--language', '-l'), $true, 'Of the clip. [env: CARTESIA_LANGUAGE] (default: en)'),
                @(@('--description'), $true, 'What it is like, or for.'),
                @(@('--accent'), $true, 'Of ''cartesia voices accents''.'),
                @(@('--base-voice'), $true, 'A voice to start from.'),
                @(@('--mode'), $true, 'Of the older API: what counts more.'),
                @(@('--enhance'), $false, 'Of the older API: clean the clip first.'),
                @(@('--preview'), $true, 'Say TEXT with it: played, or written with -o.'),
                @(@('--output', '-o'), $true, 'Write FILE; ''-'' is stdout. Repeatable.'),
                @(@('--format'), $true, 'For ''-o -'' and names without an ending.'),
                @(@('--encoding'), $true, 'How samples are stored (wav, raw; flac in part).'),
                @(@('--sample-rate', '-r'), $true, '8000 16000 22050 24000 44100 48000.'),
                @(@('--bit-rate'), $true, 'MP3: 32000 64000 96000 128000 192000.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--force'), $false, 'Write audio even to a terminal.'),
                @(@('--play'), $false, 'Play it.'),
                @(@('--device'), $true, 'Which sound device.'),
                @(@('--gain'), $true, 'Louder or softer, in decibels.'),
                @(@('--interrupt'), $false, 'Silence another cartesia instead of waiting for it.'),
                @(@('--wait'), $true, 'For the others to fall silent. (default: 60)'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'change-voice' = @{
            Commands = @()
            Options = @(
                @(@('--voice', '-v'), $true, 'Name, ID or alias. [env: CARTESIA_VOICE]'),
                @(@('--transport'), $true, 'How the sound comes.'),
                @(@('--output', '-o'), $true, 'Write FILE; ''-'' is stdout. Repeatable.'),
                @(@('--format'), $true, 'For ''-o -'' and names without an ending.'),
                @(@('--encoding'), $true, 'How samples are stored (wav, raw; flac in part).'),
                @(@('--sample-rate', '-r'), $true, '8000 16000 22050 24000 44100 48000.'),
                @(@('--bit-rate'), $true, 'MP3: 32000 64000 96000 128000 192000.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--force'), $false, 'Write audio even to a terminal.'),
                @(@('--play'), $false, 'Play it.'),
                @(@('--device'), $true, 'Which sound device.'),
                @(@('--gain'), $true, 'Louder or softer, in decibels.'),
                @(@('--interrupt'), $false, 'Silence another cartesia instead of waiting for it.'),
                @(@('--wait'), $true, 'For the others to fall silent. (default: 60)'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--fallback'), $true, 'Use the built-in engine if the cloud fails.'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'infill' = @{
            Commands = @()
            Options = @(
                @(@('--file', '-f'), $true, 'Read the text from FILE; ''-'' is stdin.'),
                @(@('--left'), $true, 'The recording before it.'),
                @(@('--right'), $true, 'The recording after it.'),
                @(@('--voice', '-v'), $true, 'Name, ID or alias. [env: CARTESIA_VOICE]'),
                @(@('--voice-embedding'), $true, 'A voice of the older API, as JSON.'),
                @(@('--model', '-m'), $true, 'Model ID. [env: CARTESIA_MODEL]'),
                @(@('--language', '-l'), $true, 'Like en, de, ja. [env: CARTESIA_LANGUAGE]'),
                @(@('--locale'), $true, 'Like en-GB, instead of a language.'),
                @(@('--speed'), $true, 'Pace: a factor, or slow, normal, fast.'),
                @(@('--volume'), $true, 'Loudness, as a factor.'),
                @(@('--emotion'), $true, 'Like calm or excited; repeatable for the older API.'),
                @(@('--dict'), $true, 'Pronunciation dictionary.'),
                @(@('--normalization'), $true, 'How numbers and dates are read.'),
                @(@('--seed'), $true, 'Same seed, same bytes (built-in engine).'),
                @(@('--context-id'), $true, 'Sent along with the request.'),
                @(@('--output', '-o'), $true, 'Write FILE; ''-'' is stdout. Repeatable.'),
                @(@('--format'), $true, 'For ''-o -'' and names without an ending.'),
                @(@('--encoding'), $true, 'How samples are stored (wav, raw; flac in part).'),
                @(@('--sample-rate', '-r'), $true, '8000 16000 22050 24000 44100 48000.'),
                @(@('--bit-rate'), $true, 'MP3: 32000 64000 96000 128000 192000.'),
                @(@('--no-clobber'), $false, 'Never replace an existing file.'),
                @(@('--force'), $false, 'Write audio even to a terminal.'),
                @(@('--play'), $false, 'Play it.'),
                @(@('--device'), $true, 'Which sound device.'),
                @(@('--gain'), $true, 'Louder or softer, in decibels.'),
                @(@('--interrupt'), $false, 'Silence another cartesia instead of waiting for it.'),
                @(@('--wait'), $true, 'For the others to fall silent. (default: 60)'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--fallback'), $true, 'Use the built-in engine if the cloud fails.'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'dicts' = @{
            Commands = @('list', 'show', 'add', 'set', 'rm')
            Options = @(
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'dicts list' = @{
            Commands = @()
            Options = @(
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'dicts show' = @{
            Commands = @()
            Options = @(
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'dicts add' = @{
            Commands = @()
            Options = @(
                @(@('--from'), $true, 'Read more: .csv .tsv .jsonl .json, or lines TEXT=ALIAS.'),
                @(@('--case-sensitive'), $false, 'Only as it is written: Polish is not polish.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'dicts set' = @{
            Commands = @()
            Options = @(
                @(@('--from'), $true, 'Read more: .csv .tsv .jsonl .json, or lines TEXT=ALIAS.'),
                @(@('--case-sensitive'), $false, 'Only as it is written: Polish is not polish.'),
                @(@('--unset'), $true, 'Leave TEXT to the voice again. Repeatable.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'dicts rm' = @{
            Commands = @()
            Options = @(
                @(@('--yes', '-y'), $false, 'Delete without asking.'),
                @(@('--engine'), $true, 'cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence; never the whole.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object at the end; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--stats'), $false, 'Times and counts on stderr, or inside --json.'),
                @(@('--no-input'), $false, 'Never ask, never read keys.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'serve' = @{
            Commands = @()
            Options = @(
                @(@('--host'), $true, 'Where it listens; others need --require-key.'),
                @(@('--port'), $true, '0 takes a free one.'),
                @(@('--open'), $false, 'Show its page in the browser.'),
                @(@('--state'), $true, 'Keep voices, dictionaries, data sets, tokens and usage there. (default: your data folder)'),
                @(@('--require-key'), $false, 'Refuse requests without a key of CARTESIA_SERVE_KEYS.'),
                @(@('--key-file'), $true, 'Further keys, one a line.'),
                @(@('--concurrency'), $true, 'Refuse more at once with 429, as plans do.'),
                @(@('--max-upload'), $true, 'Of a request with a file. (default: 2000)'),
                @(@('--lenient'), $false, 'For test suites: pass over unknown fields, answer unknown IDs with an example.'),
                @(@('--record'), $true, 'Pass everything on to the real API, and keep it.'),
                @(@('--replay'), $true, 'Answer from what was kept, offline.'),
                @(@('--fault'), $true, 'Fail on purpose: [PATH:]KIND[=VALUE][*TIMES][@CHANCE%]. Repeatable.'),
                @(@('--seed'), $true, 'Which requests meet the faults that have a chance.'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'auth' = @{
            Commands = @('login', 'status', 'logout', 'token')
            Options = @(
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'auth login' = @{
            Commands = @()
            Options = @(
                @(@('--insecure-storage'), $false, 'Keep it in a file of mode 0600, not in the keyring.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'auth status' = @{
            Commands = @()
            Options = @(
                @(@('--json'), $false, 'Print one JSON object; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'auth logout' = @{
            Commands = @()
            Options = @(
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'auth token' = @{
            Commands = @()
            Options = @(
                @(@('--expires'), $true, 'Like 90s, 10m or 1h, at most 1h.'),
                @(@('--grant'), $true, 'What it allows; repeatable. (default: tts, stt)'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--base-url'), $true, 'Where the API is. [env: CARTESIA_BASE_URL]'),
                @(@('--timeout'), $true, 'For connecting, the first byte, and silence.'),
                @(@('--retries'), $true, 'Try again after a failure. (default: 2)'),
                @(@('--json'), $false, 'Print one JSON object; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'config' = @{
            Commands = @('get', 'set', 'unset', 'list', 'path', 'edit')
            Options = @(
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'config get' = @{
            Commands = @()
            Options = @(
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--json'), $false, 'Print one JSON object; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'config set' = @{
            Commands = @()
            Options = @(
                @(@('--profile'), $true, 'In [profiles.NAME], not for every run.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'config unset' = @{
            Commands = @()
            Options = @(
                @(@('--profile'), $true, 'In [profiles.NAME], not for every run.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'config list' = @{
            Commands = @()
            Options = @(
                @(@('--show-origin'), $false, 'Where each value comes from.'),
                @(@('--profile'), $true, 'Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]'),
                @(@('--json'), $false, 'Print JSON lines; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'config path' = @{
            Commands = @()
            Options = @(
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'config edit' = @{
            Commands = @()
            Options = @(
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--verbose'), $false, 'Tell more; repeat for details.'),
                @(@('--log-file'), $true, 'Append a detailed log to FILE.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'doctor' = @{
            Commands = @()
            Options = @(
                @(@('--speak'), $false, 'Play a sentence.'),
                @(@('--usage'), $false, 'Ask how many credits were used lately.'),
                @(@('--json'), $false, 'Print one JSON object at the end.'),
                @(@('--color'), $true, 'Colour on the terminal. [env: NO_COLOR]'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'devices' = @{
            Commands = @()
            Options = @(
                @(@('--json'), $false, 'Print one JSON object a line; errors as JSON too.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'cache' = @{
            Commands = @('stats', 'prune', 'clear')
            Options = @(
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'cache stats' = @{
            Commands = @()
            Options = @(
                @(@('--json'), $false, 'Print one JSON object; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'cache prune' = @{
            Commands = @()
            Options = @(
                @(@('--max-size'), $true, 'Keep no more, like 500MB or 2GB.'),
                @(@('--older-than'), $true, 'Delete what was not used for so long, like 12h or 30d.'),
                @(@('--json'), $false, 'Print one JSON object; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'cache clear' = @{
            Commands = @()
            Options = @(
                @(@('--json'), $false, 'Print one JSON object; errors as JSON too.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @()
        }
        'completion' = @{
            Commands = @()
            Options = @(
                @(@('--install'), $false, 'Put the script where the shell looks, and say where.'),
                @(@('--quiet', '-q'), $false, 'Only errors on stderr.'),
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @('bash', 'zsh', 'fish', 'powershell')
        }
        'man' = @{
            Commands = @()
            Options = @(
                @(@('--help', '-h'), $false, 'Show this message and exit.')
            )
            Argument = @('say', 'stream', 'transcribe', 'batch', 'captions', 'voices', 'clone', 'change-voice', 'infill', 'dicts', 'serve', 'auth', 'config', 'doctor', 'devices', 'cache', 'completion', 'man')
        }
    }
    # What the values of options are: words, or 'voices'; other values are files or free text.
    $values = @{
        '--voice' = 'voices'
        '--speed' = @('slow', 'normal', 'fast')
        '--normalization' = @('auto', 'off')
        'say --format' = @('wav', 'pcm', 'raw', 'mp3', 'flac', 'ogg', 'opus', 'ulaw', 'alaw')
        'stream --format' = @('wav', 'pcm', 'raw', 'mp3', 'flac', 'ogg', 'opus', 'ulaw', 'alaw')
        'batch --format' = @('wav', 'pcm', 'raw', 'mp3', 'flac', 'ogg', 'opus', 'ulaw', 'alaw')
        'voices preview --format' = @('wav', 'pcm', 'raw', 'mp3', 'flac', 'ogg', 'opus', 'ulaw', 'alaw')
        'clone --format' = @('wav', 'pcm', 'raw', 'mp3', 'flac', 'ogg', 'opus', 'ulaw', 'alaw')
        'change-voice --format' = @('wav', 'pcm', 'raw', 'mp3', 'flac', 'ogg', 'opus', 'ulaw', 'alaw')
        'infill --format' = @('wav', 'pcm', 'raw', 'mp3', 'flac', 'ogg', 'opus', 'ulaw', 'alaw')
        'transcribe --format' = @('text', 'json', 'srt', 'vtt', 'ass', 'lrc', 'tsv')
        'captions convert --format' = @('srt', 'vtt', 'ass', 'lrc', 'json', 'tsv')
        'captions retime --format' = @('srt', 'vtt', 'ass', 'lrc', 'json', 'tsv')
        'captions align --format' = @('srt', 'vtt', 'ass', 'lrc', 'json', 'tsv')
        'say --encoding' = @('pcm_f32le', 'pcm_s16le', 'pcm_mulaw', 'pcm_alaw')
        'stream --encoding' = @('pcm_f32le', 'pcm_s16le', 'pcm_mulaw', 'pcm_alaw')
        'batch --encoding' = @('pcm_f32le', 'pcm_s16le', 'pcm_mulaw', 'pcm_alaw')
        'voices preview --encoding' = @('pcm_f32le', 'pcm_s16le', 'pcm_mulaw', 'pcm_alaw')
        'clone --encoding' = @('pcm_f32le', 'pcm_s16le', 'pcm_mulaw', 'pcm_alaw')
        'change-voice --encoding' = @('pcm_f32le', 'pcm_s16le', 'pcm_mulaw', 'pcm_alaw')
        'infill --encoding' = @('pcm_f32le', 'pcm_s16le', 'pcm_mulaw', 'pcm_alaw')
        'transcribe --encoding' = @('pcm_s16le', 'pcm_s32le', 'pcm_f16le', 'pcm_f32le', 'pcm_mulaw', 'pcm_alaw')
        'say --sample-rate' = @('8000', '16000', '22050', '24000', '44100', '48000')
        'stream --sample-rate' = @('8000', '16000', '22050', '24000', '44100', '48000')
        'batch --sample-rate' = @('8000', '16000', '22050', '24000', '44100', '48000')
        'voices preview --sample-rate' = @('8000', '16000', '22050', '24000', '44100', '48000')
        'clone --sample-rate' = @('8000', '16000', '22050', '24000', '44100', '48000')
        'change-voice --sample-rate' = @('8000', '16000', '22050', '24000', '44100', '48000')
        'infill --sample-rate' = @('8000', '16000', '22050', '24000', '44100', '48000')
        '--bit-rate' = @('32000', '64000', '96000', '128000', '192000')
        '--timings-format' = @('srt', 'vtt', 'ass', 'lrc', 'json', 'tsv')
        '--captions' = @('netflix', 'bbc', 'shorts')
        'say --transport' = @('auto', 'bytes', 'sse', 'websocket')
        'batch --transport' = @('auto', 'bytes', 'sse', 'websocket')
        'change-voice --transport' = @('auto', 'bytes', 'sse')
        '--engine' = @('auto', 'cloud', 'local')
        '--fallback' = @('local')
        '--color' = @('auto', 'always', 'never')
        '--split' = @('none', 'sentence', 'line')
        '--pace' = @('max')
        '--manifest-format' = @('jsonl', 'csv', 'tsv', 'txt')
        'captions convert --from' = @('srt', 'vtt', 'ass', 'lrc', 'json', 'tsv')
        'captions lint --from' = @('srt', 'vtt', 'ass', 'lrc', 'json', 'tsv')
        'captions retime --from' = @('srt', 'vtt', 'ass', 'lrc', 'json', 'tsv')
        'voices list --gender' = @('masculine', 'feminine', 'gender_neutral')
        'voices search --gender' = @('masculine', 'feminine', 'gender_neutral')
        'voices update --gender' = @('masculine', 'feminine', 'gender_neutral', 'none')
        '--mode' = @('similarity', 'stability')
        '--grant' = @('tts', 'stt', 'agent')
    }

    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    $path = ''
    $at = $table[$path]
    $option = $null
    for ($i = 1; $i -lt $words.Count; $i++) {
        $word = $words[$i]
        $option = $null
        if ($word.StartsWith('-')) {
            $known = $at.Options | Where-Object { $_[0] -ccontains $word } | Select-Object -First 1
            if ($known -and $known[1]) {
                $option = $known[0][0]
                if ($i + 1 -lt $words.Count) { $i++; $option = $null }
            }
        } elseif ($at.Commands.Count) {
            $next = "$path $word".Trim()
            if (-not $table.ContainsKey($next)) { return }
            $path = $next
            $at = $table[$path]
        }
    }

    if ($option) {
        $key = if ($values.ContainsKey("$path $option")) { "$path $option" } else { $option }
        $offered = $values[$key]
    } elseif ($wordToComplete.StartsWith('-')) {
        foreach ($each in $at.Options) {
            $name = $each[0][0]
            if ($name.StartsWith($wordToComplete)) {
                [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterName', $each[2])
            }
        }
        return
    } elseif ($at.Commands.Count) {
        $offered = $at.Commands
    } else {
        $offered = $at.Argument
    }

    if ($offered -is [string] -and $offered -eq 'voices') {
        $offered = @('heart', 'deep', 'male', 'tenor', 'bright', 'child')
        $places = @("$env:LOCALAPPDATA\cartesia\Cache", "$HOME/.cache/cartesia", "$HOME/Library/Caches/cartesia")
        if ($env:XDG_CACHE_HOME) { $places = @("$env:XDG_CACHE_HOME/cartesia") + $places }
        foreach ($place in $places) {
            $file = Join-Path $place 'voices.txt'
            if (Test-Path -LiteralPath $file -PathType Leaf) {
                $offered += [System.IO.File]::ReadAllLines($file) | ForEach-Object { ($_ -split "`t")[0] }
                break
            }
        }
    }
    $typed = $wordToComplete.Trim("'", '"')
    foreach ($each in $offered) {
        if (-not $each.StartsWith($typed, [System.StringComparison]::OrdinalIgnoreCase)) { continue }
        $text = $each
        if ($each -notmatch '^[\w./-]+$') { $text = "'" + $each.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $each, 'ParameterValue', $each)
    }
}
