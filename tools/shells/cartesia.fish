# Completion of cartesia for fish. Made by tools/draw_completions.py: do not edit.

function __cartesia_in -d 'Whether the command line is at one of these commands'
    set -l words (string match --invert -- '-*' (commandline -opc)[2..-1])
    contains -- "$words[1]" $argv
    or contains -- "$words[1] $words[2]" $argv
end

function __cartesia_after -d 'Whether these are all the words but options'
    set -l words (string match --invert -- '-*' (commandline -opc)[2..-1])
    test "$words" = "$argv"
end

function __cartesia_voices -d 'Names of voices'
    string split ' ' -- '@LOCAL@'
    set -l cache $HOME/.cache
    set -q XDG_CACHE_HOME[1]; and test -n "$XDG_CACHE_HOME"; and set cache $XDG_CACHE_HOME
    for file in $cache/cartesia/voices.txt $HOME/Library/Caches/cartesia/voices.txt
        if test -r $file
            string replace --regex '\t.*' '' <$file
            return
        end
    end
end

function __cartesia_files -d 'Folders, and files with one of these endings'
    set -l all (complete -C "__fish_command_without_completions "(commandline -ct))
    string match --regex --ignore-case -- '^.*(?:/|\.(?:'(string join '|' $argv)'))$' $all
end

complete -c cartesia -f
complete -c cartesia -s h -l help -d 'Show this message and exit.'
@LINES@
