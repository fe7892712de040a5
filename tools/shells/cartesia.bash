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
            n = split("@LOCAL@", names, " ")
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
@DESCRIPTIONS@
    *) commands='' flags='' valued=' ' ;;
    esac
}

# Completes the value of an option: COMMAND, OPTION.
_cartesia_value() {
    case "$1 $2" in
@VALUES@
    esac
}

# Completes an argument: COMMAND, how many stand before it.
_cartesia_argument() {
    case "$1:$2" in
@ARGUMENTS@
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
