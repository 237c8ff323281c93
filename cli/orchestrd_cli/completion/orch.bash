# Completion of orch for bash (4.4 or newer). In ~/.bashrc: source <(orch completion bash)

_orch() {
    local program=${1/#\~/$HOME} index word joined quote='' behind
    local -a given=() lines=() meanings=()

    # bash has cut the words at : and = as well; here they are whole again, and without their quotes.
    for ((index = 1; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        if ((${#given[@]})) && [[ $word == [:=]* || ${COMP_WORDS[index - 1]} == *[:=] ]]; then
            given[-1]+=$word
        else
            given+=("$word")
        fi
    done
    joined=${given[-1]}
    [[ $joined == [\"\']* ]] && quote=${joined:0:1}
    behind=
    [[ $joined == *[:=]* && $COMP_WORDBREAKS == *:* ]] && behind=${joined%"${joined##*[:=]}"}
    for index in "${!given[@]}"; do
        word=${given[index]#[\"\']}
        word=${word%[\"\']}
        given[index]=${word//\\/}
    done

    COMPREPLY=()
    mapfile -t lines < <("$program" __complete "${given[@]}" 2>/dev/null)
    case ${lines[0]} in
    files)
        compopt -o default
        return
        ;;
    directories)
        compopt -o dirnames
        return
        ;;
    commands)
        mapfile -t COMPREPLY < <(compgen -c -- "${given[-1]}")
        return
        ;;
    esac

    compopt -o nosort
    for word in "${lines[@]:1}"; do
        [[ $word == *$'\t'* ]] && meanings+=("${word#*$'\t'}") || meanings+=('')
        word=${word%%$'\t'*}
        word=${word#"$behind"}
        [[ $quote ]] || printf -v word %q "$word"
        COMPREPLY+=("$word")
    done
    # What each means is shown where they are only listed, and never typed.
    if ((${#COMPREPLY[@]} > 1)) && [[ $COMP_TYPE == @(33|63|64) ]]; then
        _orch_explain
    fi
}

# Put behind each candidate what it means, in a column, as far as the terminal is wide.
_orch_explain() {
    local longest=0 index columns=${COLUMNS:-80}
    for word in "${COMPREPLY[@]}"; do
        ((${#word} > longest)) && longest=${#word}
    done
    for index in "${!COMPREPLY[@]}"; do
        [[ ${meanings[index]} ]] || continue
        printf -v word '%-*s  (%s)' "$longest" "${COMPREPLY[index]}" "${meanings[index]}"
        ((${#word} < columns)) || word="${word:0:columns-3}…)"
        COMPREPLY[index]=$word
    done
}

complete -F _orch orch
