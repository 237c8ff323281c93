# Completion of orch for fish (3.0 or newer).
# orch completion fish > ~/.config/fish/completions/orch.fish

function __orch_candidates
    set -l given (commandline -opc)
    set -l current (string unescape -- (commandline -ct) 2>/dev/null; or commandline -ct)
    set -l lines ($given[1] __complete $given[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case directories
            __fish_complete_directories "$current"
        case commands
            __fish_complete_command
        case '*'
            test (count $lines) -gt 1; and printf '%s\n' $lines[2..-1]
    end
end

complete -c orch -f -k -a '(__orch_candidates)'
