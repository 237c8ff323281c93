#compdef orch
# Completion of orch for zsh. In ~/.zshrc, behind compinit: source <(orch completion zsh)
# Or in a directory of $fpath: orch completion zsh > DIRECTORY/_orch

_orch() {
    local -a given lines shown
    local line word meaning offered

    given=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
    lines=("${(@f)$(command ${(Q)words[1]} __complete "${given[@]}" 2>/dev/null)}")
    offered=${lines[1]}
    shift lines

    case $offered in
    files)
        [[ $PREFIX == --*=* ]] && compset -P '*='
        _files
        return
        ;;
    directories)
        [[ $PREFIX == --*=* ]] && compset -P '*='
        _files -/
        return
        ;;
    commands)
        local at=${words[(i)--]}
        shift $at words
        ((CURRENT -= at))
        _normal
        return
        ;;
    esac

    for line in $lines; do
        word=${line%%$'\t'*}
        meaning=
        [[ $line == *$'\t'* ]] && meaning=${line#*$'\t'}
        shown+=("${word//:/\\:}${meaning:+:$meaning}")
    done
    _describe -V 'orch' shown
}

if [[ ${funcstack[1]} == _orch ]]; then
    _orch "$@"
else
    compdef _orch orch
fi
