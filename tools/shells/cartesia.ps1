# Completion of cartesia for PowerShell. Made by tools/draw_completions.py: do not edit.

Register-ArgumentCompleter -Native -CommandName 'cartesia', 'cartesia-speech' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # Of each command: its commands, its options (names, whether a value follows, help), its arguments.
    $table = @{
@TABLE@
    }
    # What the values of options are: words, or 'voices'; other values are files or free text.
    $values = @{
@VALUES@
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
        $offered = @(@LOCAL@)
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
