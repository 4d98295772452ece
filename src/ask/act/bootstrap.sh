# shellcheck shell=sh disable=SC2154
# Parameters: UUID and seqno it was chosen for, how many other nodes there are, then each as host, host:port or
# [address]:port. Starts the node as a new cluster.
field() { # NAME: of grastate.dat
  tr -d '\r' <"$datadir/grastate.dat" | sed -n "s/^$1:[[:space:]]*\([^[:space:]]*\)[[:space:]]*$/\1/p" | tail -n 1
}

place_of() { # PEER: sets host and port
  port=4567
  case $1 in
  \[*\]:*)
    host=${1%%\]*}
    host=${host#\[}
    port=${1##*\]:}
    ;;
  \[*\])
    host=${1%\]}
    host=${host#\[}
    ;;
  *:*:*) host=$1 ;;
  *:*)
    host=${1%%:*}
    port=${1#*:}
    ;;
  *) host=$1 ;;
  esac
  case $host in
  '' | -* | *[!A-Za-z0-9.:_-]*) return 1 ;;
  esac
  case $port in
  '' | 0* | *[!0-9]* | ??????*) return 1 ;;
  esac
  [ "$port" -le 65535 ]
}

accepts() { # HOST PORT: whether something takes connections there; 3 where that could not be tried
  if have bash; then
    # shellcheck disable=SC2016 # the inner shell expands it
    e=$(bounded 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
    case $? in
    0) return 0 ;;
    124 | 137 | 143) return 1 ;;
    esac
    # Only the network's own answer is one: a name that is not known, or a bash without this, asked nobody.
    case $e in
    *"etwork is unreachable"*) ;;
    *connect:*) return 1 ;;
    esac
  fi
  if have nc; then
    e=$(bounded 2 nc -z -w1 "$1" "$2" 2>&1 </dev/null)
    case $? in
    0) return 0 ;;
    124 | 137 | 143) return 1 ;;
    esac
    case $e in
    *[Uu]sage* | *"nvalid option"* | *"nrecognized option"* | *"bad address"* | *getaddrinfo* | *"ost lookup"* | *"not known"* | *resol* | *"etwork is unreachable"*) ;;
    *) return 1 ;;
    esac
  fi
  return 3
}

ask_peers() { # COUNT PEER…: another vantage point, just before the start (S6)
  untried=
  expected=$1
  shift
  [ "$expected" != 0 ] || [ "$#" -gt 0 ] || return 0
  case $expected in
  '' | *[!0-9]*) refuse peer 'how many other nodes there are was not said' ;;
  esac
  [ "$#" -gt 0 ] ||
    refuse peer "none of $expected other nodes is named, so that nobody else could be asked: name them in wsrep_cluster_address"
  [ "$#" -eq "$expected" ] || refuse peer "$# other nodes are named where there are $expected"
  for peer in "$@"; do
    place_of "$peer" || refuse peer "$peer is neither a host nor a host and its port"
  done
  said=$(
    for peer in "$@"; do
      {
        place_of "$peer"
        accepts "$host" "$port"
        case $? in
        0) echo "open $peer" ;;
        3) echo "untried $peer" ;;
        *) echo "closed $peer" ;;
        esac
      } &
    done
    wait
  )
  open=$(printf '%s\n' "$said" | sed -n 's/^open //p' | tr '\n' ' ')
  [ -z "$open" ] || refuse peer "the group port takes connections: ${open% }"
  untried=$(printf '%s\n' "$said" | sed -n 's/^untried //p' | tr '\n' ' ')
  case $said in
  *closed\ *) ;;
  *)
    have bash || have nc ||
      refuse peer "nobody else could be asked (${untried% }): install bash or nc on this node"
    refuse peer "nobody else could be asked (${untried% }): their names cannot be resolved here, or neither bash nor nc can connect"
    ;;
  esac
}

mark_safe() { # 0|1: an edited copy, renamed over; owner, mode and label stay
  file=$datadir/grastate.dat
  cp -p "$file" "$file.breakglass" || return 1
  if grep -q '^safe_to_bootstrap:' "$file"; then
    sed "s/^safe_to_bootstrap:.*/safe_to_bootstrap: $1/" "$file" >"$file.breakglass" || return 1
  else
    { cat "$file" && printf '\nsafe_to_bootstrap: %s\n' "$1"; } >"$file.breakglass" || return 1
  fi
  if have chcon; then chcon --reference="$file" "$file.breakglass" 2>/dev/null || :; fi
  bounded 10 sync "$file.breakglass" 2>/dev/null || :
  mv "$file.breakglass" "$file"
}

check() {
  need_unit
  server_absent
  if listens 4567; then refuse listening 'something listens on port 4567 here'; fi
  [ -n "$(field version)" ] || refuse state-file "$datadir/grastate.dat is no state file"
  [ "$(field uuid | tr 'A-F' 'a-f')" = "$1" ] || refuse state-file "grastate.dat names the history $(field uuid), the node was chosen for $1"
  case $(field seqno) in
  -1 | "$2") ;;
  *) refuse state-file "grastate.dat says seqno $(field seqno), the node was chosen for $2" ;;
  esac
  way=
  if have galera_new_cluster; then
    way=galera_new_cluster
  else
    for other in mysql@bootstrap.service mariadb@bootstrap.service; do
      if [ -z "$way" ] && [ "$(property "$other" LoadState)" = loaded ]; then way=$other; fi
    done
  fi
  [ -n "$way" ] || refuse no-way 'there is neither galera_new_cluster nor a bootstrap unit'
  shift 2
  ask_peers "$@"
}

work() {
  [ -z "$untried" ] || echo "could not be asked: ${untried% }"
  quarantine "$datadir/grastate.dat" copy || return 1
  mark_safe 1 || return 1
  since=$(date +%s)
  case $way in
  galera_new_cluster) through_the_gate galera_new_cluster "$unit" ;;
  *)
    asked=$unit
    unit=$way
    through_the_gate systemctl start "$way"
    ;;
  esac
  status=$?
  start_left "$status" "$since"
  unit=${asked:-$unit}
  # What started it must not start it so again (S10, case 8).
  for path in $(new_cluster_flags); do
    echo "left behind: $path"
    quarantine "$path" move || status=1
  done
  variables=$(new_cluster_environment) || {
    echo "the manager's variables were not looked at: $variables"
    variables=
    status=1
  }
  for name in $(printf '%s\n' "$variables" | sed 's/=.*//'); do
    echo "left behind in the manager's environment: $name"
    bounded 10 systemctl unset-environment "$name" || status=1
  done
  if [ "$status" -ne 0 ]; then
    case $(property "$unit" ActiveState) in
    inactive | failed) mark_safe 0 && echo 'safe_to_bootstrap is 0 again' ;;
    *) echo "the unit is $(property "$unit" ActiveState): grastate.dat was left alone" ;;
    esac
  fi
  return "$status"
}
