# shellcheck shell=sh disable=SC2154
# Parameters: the pid and its start in ticks. A server that waits for a Primary Component obeys no SIGTERM.
check() {
  start_of "$1"
  [ -n "$r" ] || refuse gone "there is no process $1"
  [ "$r" = "$2" ] || refuse another "process $1 started at tick $r, the one shown at $2"
  comm=
  { IFS= read -r comm <"/proc/$1/comm" || :; } 2>/dev/null
  case $comm in
  mariadbd | mysqld | mysqld-debug) ;;
  *) refuse another "process $1 is $comm" ;;
  esac
  if with_systemd && [ -n "$unit" ]; then
    case $(property "$unit" ActiveState) in
    # A unit can have failed while its server still waits: one that obeyed no SIGTERM outlives both stop timeouts.
    activating | deactivating | failed | inactive) ;;
    *) refuse state "$unit is $(property "$unit" ActiveState): it does not wait" ;;
    esac
    [ "$(property "$unit" Restart)" = no ] || refuse not-frozen "systemd would start $unit again: freeze it first"
  fi
  # One that serves clients listens for them; the group's and the transfers' ports are no such.
  sockets=$(for link in /proc/"$1"/fd/*; do readlink "$link"; done 2>/dev/null | sed -n 's/^socket:\[\([0-9]*\)\]$/\1/p')
  for inode in $sockets; do
    port=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -E " 0A .* $inode " | sed -n '1s/^ *[0-9]*: [0-9A-F]*:\([0-9A-F]*\) .*/\1/p')
    case $port in
    '' | 11D7 | 11D8 | 115C) ;;
    *) refuse serving "process $1 listens on port $((0x$port))" ;;
    esac
  done
}

work() {
  start_of "$1"
  if [ "$r" != "$2" ]; then
    echo 'it ended by itself'
    return 0
  fi
  kill -KILL "$1" || return 1
  count=0
  while [ "$count" -lt $((5 * naps)) ]; do
    start_of "$1"
    if [ "$r" != "$2" ]; then
      echo "process $1 ended"
      return 0
    fi
    nap
    count=$((count + 1))
  done
  echo "process $1 is still there"
  return 1
}
