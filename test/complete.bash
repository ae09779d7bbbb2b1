# bash --norc complete.bash SCRIPT LINE: the words that LINE can be completed by.
source "$1" || exit
[[ $(complete -p flowlog-exporter) == 'complete -F _flowlog_exporter flowlog-exporter' ]] || exit 9
COMP_LINE=$2 COMP_POINT=${#2}
_flowlog_exporter
printf '%s\n' "${COMPREPLY[@]}"
