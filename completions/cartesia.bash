# Completion of cartesia for bash 3.2 and newer. Made by tools/draw_completions.py: do not edit.

# Prints the voices whose names begin with $cur, quoted for the place where they go. No name is evaluated.
_cartesia_voices() {
    local file cached=/dev/null
    for file in "${XDG_CACHE_HOME:-$HOME/.cache}/cartesia/voices.txt" "$HOME/Library/Caches/cartesia/voices.txt"; do
        [[ -r $file ]] && cached=$file && break
    done
    wanted=$cur quote=$quote awk -F '\t' '
        function offer(name) {
            if (name == "" || name ~ /[\001-\037\177]/ || index(tolower(name), wanted) != 1 || seen[name]++) return
            if (quote == "\047" && index(name, quote)) return
            if (quote == "\"") gsub(/["$`\\]/, "\\\\&", name)
            if (quote == "") gsub(/[][ !"#$&\047()*,:;<=>?@\\^`{|}~]/, "\\\\&", name)
            print name
        }
        BEGIN {
            wanted = tolower(ENVIRON["wanted"])
            quote = ENVIRON["quote"]
            n = split("heart deep male tenor bright child", names, " ")
            for (i = 1; i <= n; i++) offer(names[i])
        }
        { offer($1) }
    ' "$cached"
}

# Sets COMPREPLY to the lines that a command prints, as they are.
_cartesia_lines() {
    local IFS=$'\n' before=$-
    set -f
    COMPREPLY+=($("$@"))
    [[ $before == *f* ]] || set +f
}

_cartesia_beginning() {
    local IFS=' '
    compgen -W "$1" -- "$cur"
}

_cartesia_words() {
    _cartesia_lines _cartesia_beginning "$1"
}

# Completes files: all of them, or folders and those with one of the endings.
_cartesia_files() {
    if [[ ! $1 ]]; then
        compopt -o default 2>/dev/null
        return
    fi
    compopt -o filenames 2>/dev/null
    local ending
    for ending in $1; do
        _cartesia_lines compgen -f -X "!*.$ending" -- "$cur"
    done
    _cartesia_lines compgen -d -- "$cur"
}

# Sets what may follow the words of a command: commands, flags, and options that take a value.
_cartesia_describe() {
    case $1 in
    '') commands='say stream transcribe batch captions voices clone change-voice infill dicts serve auth config doctor devices cache completion man' flags='--version --help' valued=' ' ;;
    ' say') commands='' flags='--no-clobber --force --play --follow --interrupt --phonemes --events --dry-run --cache --curl --json --quiet --verbose --stats --no-input --help' valued=' --file -f --voice -v --voice-embedding --model -m --language -l --locale --speed --volume --emotion --dict --normalization --seed --context-id --output -o --format --encoding --sample-rate -r --bit-rate --device --gain --wait --timings --timings-format --captions --max-chars --max-lines --min-duration --max-duration --cps --gap --transport --engine --fallback --profile --base-url --timeout --retries --log-file --color ' ;;
    ' stream') commands='' flags='--tee --markdown --no-clobber --force --play --follow --interrupt --phonemes --json --quiet --verbose --stats --no-input --help' valued=' --split --buffer-delay --voice -v --voice-embedding --model -m --language -l --locale --speed --volume --emotion --dict --normalization --seed --context-id --output -o --format --encoding --sample-rate -r --bit-rate --device --gain --wait --timings --timings-format --captions --max-chars --max-lines --min-duration --max-duration --cps --gap --engine --fallback --profile --base-url --timeout --retries --log-file --color ' ;;
    ' transcribe') commands='' flags='--recursive --live --mic --turns --interim --words --skip-existing --force --no-clobber --json --quiet --verbose --stats --no-input --help' valued=' --from-file --encoding --sample-rate -r --language -l --model -m --keyterm --jobs --device --min-volume --max-silence --pace --format --output -o --captions --max-chars --max-lines --min-duration --max-duration --cps --gap --engine --fallback --profile --base-url --timeout --retries --log-file --color ' ;;
    ' batch') commands='' flags='--force --no-cache --dry-run --verify --verify-asr --json --quiet --verbose --stats --no-input --help' valued=' --manifest-format --shard --output -o --name --format --encoding --sample-rate -r --bit-rate --timings --journal --voice -v --voice-embedding --model -m --language -l --locale --speed --volume --emotion --dict --normalization --seed --context-id --jobs --transport --cluster --budget --max-failures --report --captions --max-chars --max-lines --min-duration --max-duration --cps --gap --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' captions') commands='convert lint retime align' flags='--help' valued=' ' ;;
    ' captions convert') commands='' flags='--no-clobber --quiet --verbose --help' valued=' --output -o --format --from --language -l --captions --max-chars --max-lines --min-duration --max-duration --cps --gap --log-file --color ' ;;
    ' captions lint') commands='' flags='--json --quiet --verbose --help' valued=' --words --from --language -l --captions --max-chars --max-lines --min-duration --max-duration --cps --gap --log-file --color ' ;;
    ' captions retime') commands='' flags='--no-clobber --quiet --verbose --help' valued=' --output -o --format --shift --stretch --fps --from --language -l --captions --max-chars --max-lines --min-duration --max-duration --cps --gap --log-file --color ' ;;
    ' captions align') commands='' flags='--no-clobber --quiet --verbose --help' valued=' --language -l --output -o --format --captions --max-chars --max-lines --min-duration --max-duration --cps --gap --log-file --color ' ;;
    ' voices') commands='list search show preview default alias update delete localize accents mix import' flags='--help' valued=' ' ;;
    ' voices list') commands='' flags='--mine --json --quiet --verbose --stats --no-input --help' valued=' --language -l --gender --limit --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices search') commands='' flags='--mine --json --quiet --verbose --stats --no-input --help' valued=' --language -l --gender --limit --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices show') commands='' flags='--embedding --json --quiet --verbose --stats --no-input --help' valued=' --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices preview') commands='' flags='--no-clobber --force --play --follow --interrupt --json --quiet --verbose --stats --no-input --help' valued=' --model -m --language -l --output -o --format --encoding --sample-rate -r --bit-rate --device --gain --wait --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices default') commands='' flags='--unset --json --quiet --verbose --stats --no-input --help' valued=' --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices alias') commands='' flags='--unset --json --quiet --verbose --stats --no-input --help' valued=' --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices update') commands='' flags='--json --quiet --verbose --stats --no-input --help' valued=' --name --description --gender --accent --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices delete') commands='' flags='--yes --json --quiet --verbose --stats --no-input --help' valued=' --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices localize') commands='' flags='--json --quiet --verbose --stats --no-input --help' valued=' --name --accent --description --tagline --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices accents') commands='' flags='--json --quiet --verbose --stats --no-input --help' valued=' --add --remove --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices mix') commands='' flags='--json --quiet --verbose --stats --no-input --help' valued=' --output -o --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' voices import') commands='' flags='--json --quiet --verbose --stats --no-input --help' valued=' --name --description --language -l --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' clone') commands='' flags='--trim --yes --enhance --no-clobber --force --play --interrupt --json --quiet --verbose --stats --no-input --help' valued=' --name --language -l --description --accent --base-voice --mode --preview --output -o --format --encoding --sample-rate -r --bit-rate --device --gain --wait --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' change-voice') commands='' flags='--no-clobber --force --play --interrupt --json --quiet --verbose --stats --no-input --help' valued=' --voice -v --transport --output -o --format --encoding --sample-rate -r --bit-rate --device --gain --wait --engine --fallback --profile --base-url --timeout --retries --log-file --color ' ;;
    ' infill') commands='' flags='--no-clobber --force --play --interrupt --json --quiet --verbose --stats --no-input --help' valued=' --file -f --left --right --voice -v --voice-embedding --model -m --language -l --locale --speed --volume --emotion --dict --normalization --seed --context-id --output -o --format --encoding --sample-rate -r --bit-rate --device --gain --wait --engine --fallback --profile --base-url --timeout --retries --log-file --color ' ;;
    ' dicts') commands='list show add set rm' flags='--help' valued=' ' ;;
    ' dicts list') commands='' flags='--json --quiet --verbose --stats --no-input --help' valued=' --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' dicts show') commands='' flags='--json --quiet --verbose --stats --no-input --help' valued=' --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' dicts add') commands='' flags='--case-sensitive --json --quiet --verbose --stats --no-input --help' valued=' --from --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' dicts set') commands='' flags='--case-sensitive --json --quiet --verbose --stats --no-input --help' valued=' --from --unset --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' dicts rm') commands='' flags='--yes --json --quiet --verbose --stats --no-input --help' valued=' --engine --profile --base-url --timeout --retries --log-file --color ' ;;
    ' serve') commands='' flags='--open --require-key --lenient --quiet --verbose --help' valued=' --host --port --state --key-file --concurrency --max-upload --record --replay --fault --seed --profile --base-url --log-file --color ' ;;
    ' auth') commands='login status logout token' flags='--help' valued=' ' ;;
    ' auth login') commands='' flags='--insecure-storage --quiet --verbose --help' valued=' --log-file --color ' ;;
    ' auth status') commands='' flags='--json --quiet --verbose --help' valued=' --log-file --color ' ;;
    ' auth logout') commands='' flags='--quiet --verbose --help' valued=' --log-file --color ' ;;
    ' auth token') commands='' flags='--json --quiet --verbose --help' valued=' --expires --grant --profile --base-url --timeout --retries --log-file --color ' ;;
    ' config') commands='get set unset list path edit' flags='--help' valued=' ' ;;
    ' config get') commands='' flags='--json --quiet --verbose --help' valued=' --profile --log-file --color ' ;;
    ' config set') commands='' flags='--quiet --verbose --help' valued=' --profile --log-file --color ' ;;
    ' config unset') commands='' flags='--quiet --verbose --help' valued=' --profile --log-file --color ' ;;
    ' config list') commands='' flags='--show-origin --json --quiet --verbose --help' valued=' --profile --log-file --color ' ;;
    ' config path') commands='' flags='--quiet --verbose --help' valued=' --log-file --color ' ;;
    ' config edit') commands='' flags='--quiet --verbose --help' valued=' --log-file --color ' ;;
    ' doctor') commands='' flags='--speak --usage --json --help' valued=' --color ' ;;
    ' devices') commands='' flags='--json --help' valued=' ' ;;
    ' cache') commands='stats prune clear' flags='--help' valued=' ' ;;
    ' cache stats') commands='' flags='--json --quiet --help' valued=' ' ;;
    ' cache prune') commands='' flags='--json --quiet --help' valued=' --max-size --older-than ' ;;
    ' cache clear') commands='' flags='--json --quiet --help' valued=' ' ;;
    ' completion') commands='' flags='--install --quiet --help' valued=' ' ;;
    ' man') commands='' flags='--help' valued=' ' ;;
    *) commands='' flags='' valued=' ' ;;
    esac
}

# Completes the value of an option: COMMAND, OPTION.
_cartesia_value() {
    case "$1 $2" in
    *' --file' | *' -f' | *' --voice-embedding' | ' say --output' | ' stream --output' | ' transcribe --output' | ' captions convert --output' | ' captions retime --output' | ' captions align --output' | ' voices preview --output' | ' voices mix --output' | ' clone --output' | ' change-voice --output' | ' infill --output' | ' say -o' | ' stream -o' | ' transcribe -o' | ' captions convert -o' | ' captions retime -o' | ' captions align -o' | ' voices preview -o' | ' voices mix -o' | ' clone -o' | ' change-voice -o' | ' infill -o' | *' --log-file' | *' --from-file' | *' --left' | *' --right' | *' --state' | *' --key-file' | *' --record' | *' --replay') _cartesia_files '' ;;
    *' --voice' | *' -v') _cartesia_lines _cartesia_voices ;;
    *' --speed') _cartesia_words 'slow normal fast' ;;
    *' --normalization') _cartesia_words 'auto off' ;;
    ' batch --output' | ' batch -o') compopt -o filenames 2>/dev/null; _cartesia_lines compgen -d -- "$cur" ;;
    ' say --format' | ' stream --format' | ' batch --format' | ' voices preview --format' | ' clone --format' | ' change-voice --format' | ' infill --format') _cartesia_words 'wav pcm raw mp3 flac ogg opus ulaw alaw' ;;
    ' transcribe --format') _cartesia_words 'text json srt vtt ass lrc tsv' ;;
    ' captions convert --format' | ' captions retime --format' | ' captions align --format' | *' --timings-format' | ' captions convert --from' | ' captions lint --from' | ' captions retime --from') _cartesia_words 'srt vtt ass lrc json tsv' ;;
    ' say --encoding' | ' stream --encoding' | ' batch --encoding' | ' voices preview --encoding' | ' clone --encoding' | ' change-voice --encoding' | ' infill --encoding') _cartesia_words 'pcm_f32le pcm_s16le pcm_mulaw pcm_alaw' ;;
    ' transcribe --encoding') _cartesia_words 'pcm_s16le pcm_s32le pcm_f16le pcm_f32le pcm_mulaw pcm_alaw' ;;
    ' say --sample-rate' | ' stream --sample-rate' | ' batch --sample-rate' | ' voices preview --sample-rate' | ' clone --sample-rate' | ' change-voice --sample-rate' | ' infill --sample-rate' | ' say -r' | ' stream -r' | ' batch -r' | ' voices preview -r' | ' clone -r' | ' change-voice -r' | ' infill -r') _cartesia_words '8000 16000 22050 24000 44100 48000' ;;
    *' --bit-rate') _cartesia_words '32000 64000 96000 128000 192000' ;;
    ' say --timings' | ' stream --timings') _cartesia_files 'srt vtt ass lrc json tsv' ;;
    *' --captions') _cartesia_words 'netflix bbc shorts'; _cartesia_files 'toml' ;;
    ' say --transport' | ' batch --transport') _cartesia_words 'auto bytes sse websocket' ;;
    ' change-voice --transport') _cartesia_words 'auto bytes sse' ;;
    *' --engine') _cartesia_words 'auto cloud local' ;;
    *' --fallback') _cartesia_words 'local' ;;
    *' --color') _cartesia_words 'auto always never' ;;
    *' --split') _cartesia_words 'none sentence line' ;;
    *' --pace') _cartesia_words 'max' ;;
    *' --manifest-format') _cartesia_words 'jsonl csv tsv txt' ;;
    *' --journal') _cartesia_files 'cartesia' ;;
    *' --report') _cartesia_files 'json xml' ;;
    ' dicts add --from' | ' dicts set --from') _cartesia_files 'csv tsv jsonl json' ;;
    *' --words') _cartesia_files 'json' ;;
    ' voices list --gender' | ' voices search --gender') _cartesia_words 'masculine feminine gender_neutral' ;;
    ' voices update --gender') _cartesia_words 'masculine feminine gender_neutral none' ;;
    *' --mode') _cartesia_words 'similarity stability' ;;
    *' --grant') _cartesia_words 'tts stt agent' ;;
    esac
}

# Completes an argument: COMMAND, how many stand before it.
_cartesia_argument() {
    case "$1:$2" in
    ' transcribe:'*) _cartesia_files '' ;;
    ' batch:0') _cartesia_files 'jsonl csv tsv txt' ;;
    ' captions convert:'*) _cartesia_files 'srt vtt ass ssa lrc tsv json' ;;
    ' captions lint:'*) _cartesia_files 'srt vtt ass ssa lrc tsv json' ;;
    ' captions retime:0') _cartesia_files 'srt vtt ass ssa lrc tsv json' ;;
    ' captions align:0') _cartesia_files '' ;;
    ' captions align:1') _cartesia_files '' ;;
    ' voices show:0') _cartesia_lines _cartesia_voices ;;
    ' voices preview:0') _cartesia_lines _cartesia_voices ;;
    ' voices default:0') _cartesia_lines _cartesia_voices ;;
    ' voices alias:1') _cartesia_lines _cartesia_voices ;;
    ' voices update:0') _cartesia_lines _cartesia_voices ;;
    ' voices delete:'*) _cartesia_lines _cartesia_voices ;;
    ' voices localize:0') _cartesia_lines _cartesia_voices ;;
    ' voices accents:0') _cartesia_lines _cartesia_voices ;;
    ' voices mix:'*) _cartesia_lines _cartesia_voices ;;
    ' voices import:0') _cartesia_files 'json' ;;
    ' clone:0') _cartesia_files '' ;;
    ' change-voice:0') _cartesia_files '' ;;
    ' completion:0') _cartesia_words 'bash zsh fish powershell' ;;
    ' man:'*) _cartesia_words 'say stream transcribe batch captions voices clone change-voice infill dicts serve auth config doctor devices cache completion man' ;;
    esac
}

_cartesia() {
    local cur=${COMP_WORDS[COMP_CWORD]} command='' commands flags valued option='' quote='' word
    local position=0 ended='' i at IFS=$' \t\n'
    COMPREPLY=()
    _cartesia_describe ''
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ ! $ended && $word == -- ]]; then
            ended=yes
        elif [[ ! $ended && $word == -* ]]; then
            [[ $valued == *" $word "* ]] || continue
            at=$((i + 1)) # of the value; --name=value is three words here
            [[ ${COMP_WORDS[at]} == = && $at -lt $COMP_CWORD ]] && at=$((i + 2))
            [[ $at -ge $COMP_CWORD ]] && option=$word
            i=$at
        elif [[ $commands ]]; then
            command+=" $word"
            _cartesia_describe "$command"
        else
            position=$((position + 1))
        fi
    done
    [[ $cur == = ]] && cur=
    if [[ $cur == [\"\']* ]]; then
        quote=${cur:0:1} cur=${cur:1}
    else
        cur=${cur//\\/}
    fi
    if [[ $option ]]; then
        _cartesia_value "$command" "$option"
    elif [[ $cur == -* && ! $ended ]]; then
        _cartesia_words "$flags$valued"
    elif [[ $commands ]]; then
        _cartesia_words "$commands"
    else
        _cartesia_argument "$command" "$position"
    fi
}

if type compopt >/dev/null 2>&1; then
    complete -F _cartesia cartesia cartesia-speech
else
    complete -o default -F _cartesia cartesia cartesia-speech
fi
