# shellcheck shell=sh
# How an act stands. Parameters: the machine it was sent to, its name, and 1 to take the name of one that has not begun.
machine_holds "$1"
shift
case $1 in
*[!0-9A-Z]* | '') refuse malformed "the act's name is not one" ;;
esac
follow "$1" "$2"
