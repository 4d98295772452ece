# shellcheck shell=sh disable=SC2154,SC2034
# Proof that no server works on the data directory and no transfer fills it; never by pattern over command lines.
processes() { # sets servers and transfers
  servers=
  transfers=
  { IFS= read -r line </proc/1/comm; } 2>/dev/null || refuse denied 'not every process can be seen by this user'
  identity=$(stat -L -c %d:%i "$datadir/." 2>/dev/null)
  ours=$(readlink /proc/self/ns/pid 2>/dev/null)
  for directory in /proc/[0-9]*; do
    comm=
    { IFS= read -r comm <"$directory/comm" || :; } 2>/dev/null
    case $comm in
    mariadbd | mysqld | mysqld-debug | wsrep_sst_* | rsync | mariabackup | mariadb-backu* | mbstream | xtrabackup | xbstream | socat | nc | ncat | bash | sh | dash) ;;
    *) continue ;;
    esac
    theirs=$(readlink "$directory/ns/pid" 2>/dev/null)
    if [ -n "$theirs" ] && [ -n "$ours" ] && [ "$theirs" != "$ours" ]; then continue; fi
    found="$comm (${directory#/proc/})"
    words=$(bounded 2 tr '\000\n' '\037 ' 2>/dev/null <"$directory/cmdline") 2>/dev/null || words=
    case $comm in
    mariadbd | mysqld | mysqld-debug)
      # Only one that sits among another server's files works elsewhere.
      there=$(stat -L -c %d:%i "$directory/cwd/." 2>/dev/null)
      if [ -n "$there" ] && [ -n "$identity" ] && [ "$there" != "$identity" ] &&
        { [ -e "$directory/cwd/ibdata1" ] || [ -e "$directory/cwd/aria_log_control" ]; }; then
        continue
      fi
      servers="$servers $found"
      ;;
    bash | sh | dash)
      case $words in *sh?*/wsrep_sst_*--role*) transfers="$transfers $found" ;; esac
      ;;
    rsync | socat | nc | ncat)
      case $words in *rsync_sst* | *wsrep* | *:4444*) transfers="$transfers $found" ;; esac
      ;;
    mariabackup | mariadb-backu* | xtrabackup)
      case $words in *galera-info* | *sst* | *--prepare* | *--move-back*) transfers="$transfers $found" ;; esac
      ;;
    *) transfers="$transfers $found" ;;
    esac
  done
}

listens() { # PORT: whether anything listens there
  hex=$(printf %04X "$1")
  [ -r /proc/net/tcp ] || refuse denied 'the listening ports cannot be seen'
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:0000 0A "
}

server_absent() {
  [ "$(id -u)" = 0 ] || refuse denied 'this takes root'
  processes
  [ -z "$servers" ] || refuse server "a server runs:$servers"
  [ -z "$transfers" ] || refuse transfer "a state transfer runs:$transfers"
  for path in "$datadir/sst_in_progress" "$datadir/.sst" "$datadir/rsync_sst.pid"; do
    if [ -e "$path" ]; then refuse transfer "$path says that a state transfer has not ended"; fi
  done
  if with_systemd && [ -n "$unit" ]; then
    now=$(bounded 10 systemctl show -p ActiveState "$unit" 2>&1)
    case $now in
    ActiveState=inactive | ActiveState=failed) ;;
    *) refuse server "$unit is not down: $now" ;;
    esac
  fi
}
