_minet() {
    # To bash, = and : end a word. For minet they belong to it; only its last part is
    # replaced by what is offered.
    local rest=${COMP_LINE:0:COMP_POINT} index word blank last
    local -a words=()
    for ((index = 0; index <= COMP_CWORD; index++)); do
        blank=${rest%%[^[:space:]]*}
        rest=${rest#"$blank"}
        word=${COMP_WORDS[index]}
        if ((index == COMP_CWORD)); then
            word=$rest
        fi
        rest=${rest#"$word"}
        if [[ -z $blank && $index -gt 0 && (-z $word || $word == [=:]* || $last == *[=:]) ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        last=$word
    done
    local whole=${words[${#words[@]} - 1]}
    mapfile -t COMPREPLY < <(_CLAP_COMPLETE_INDEX=$((${#words[@]} - 1)) VARIABLE=bash \
        minet -- "${words[@]}")
    if [[ -z $whole && ${COMPREPLY-} != -* ]]; then
        # Options are offered among names once a hyphen asks for them.
        local -a names=()
        for word in "${COMPREPLY[@]}"; do
            [[ $word == -* ]] || names+=("$word")
        done
        COMPREPLY=("${names[@]}")
    fi
    COMPREPLY=("${COMPREPLY[@]#"${whole%"$2"}"}")
    if [[ ${#COMPREPLY[@]} -eq 1 && $COMPREPLY == *[=:/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o default -o nosort -F _minet minet 2>/dev/null ||
    complete -o bashdefault -o default -F _minet minet
