# zsh -f complete.zsh SCRIPT LINE: what a real zsh makes of LINE when its last word is
# completed, in brackets. A function stands in for the program.
zmodload zsh/zpty
zpty z zsh -f -i
await() { local text chunk; while [[ $text != *$1* ]] && zpty -r z chunk; do text+=$chunk; done; print -r -- "$text"; }
zpty -w z "PS1= ; unsetopt zle; autoload -Uz compinit; compinit -D -u; source $1; flowlog-exporter() { print -r -- \"[\$*\"']' }; setopt zle; print REA'DY'"
await READY >/dev/null
zpty -w -n z "$2"$'\t\n'
await ']'
