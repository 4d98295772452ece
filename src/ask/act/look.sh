# shellcheck shell=sh
# A read: nothing of it stays on the node.
machine_holds() { # MACHINE-ID (S18)
  here=
  { IFS= read -r here <"$BG_ROOT/etc/machine-id" || :; } 2>/dev/null
  [ "$here" = "$1" ] || refuse identity "this machine's id is ${here:-not readable}, the one shown was $1"
}

host_holds() { # MACHINE-ID DATADIR IDENTITY (S18)
  machine_holds "$1"
  here=$(stat -L -c %d:%i "$2/." 2>/dev/null)
  [ "$here" = "$3" ] || refuse identity "$2 is ${here:-not readable}, the data directory shown was $3"
}
