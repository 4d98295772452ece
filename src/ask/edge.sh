# shellcheck shell=sh
# shellcheck disable=SC2016,SC2034,SC2154 # what stands here is read in front of probe.sh, whose words it uses
# Around the servers: arbitrators, load balancers, and what asks a node whether it may be used. Functions only.

after() { # SHORT LONG WORDS: sets r to the last value of -S value, -Svalue, --long value or --long=value
  r=
  take=no
  old_ifs=$IFS
  IFS=$us
  set -f
  short=$1
  long=$2
  for word in $3; do
    if [ "$take" = yes ]; then
      r=$word
      take=no
      continue
    fi
    case $word in
    "-$short" | "--$long") take=yes ;;
    "--$long="*) r=${word#*=} ;;
    "-$short"*) r=${word#"-$short"} ;;
    esac
  done
  set +f
  IFS=$old_ifs
}

say_arbitrator() { # the garbd that runs and what it was told; on an arbitrator also what its file would tell it
  b=
  if [ -n "$garbd_pid" ]; then
    b="process $garbd_pid $garbd_user$nl"
    after g group "$garbd_words"
    [ -z "$r" ] || b="${b}group $r$nl"
    after a address "$garbd_words"
    [ -z "$r" ] || b="${b}address ${r%%\?*}$nl"
  elif [ "$role" = arbitrator ]; then
    for place in /etc/default/garb /etc/sysconfig/garb; do
      if [ -f "$BG_ROOT$place" ] && [ -r "$BG_ROOT$place" ]; then
        b=$b$(sed -n -E -e 's/[[:space:]]*$//' -e "s/^GALERA_GROUP=[\"']?([^\"'#]*)[\"']?.*/group \\1/p" \
          -e "s/^GALERA_NODES=[\"']?([^\"'#?]*).*/nodes \\1/p" "$BG_ROOT$place" 2>/dev/null)$nl
      fi
    done
  fi
  if [ "$process_state" = ok ]; then say arbitrator ok "$b"; else say arbitrator "$process_state" ''; fi
}

arbitrator_place() { # sets datadir and datadir_from: where garbd keeps its gvwstate.dat
  if [ -n "$garbd_pid" ]; then
    datadir=$(readlink "/proc/$garbd_pid/cwd" 2>/dev/null)
    datadir_from="the working directory of process $garbd_pid"
  fi
  if [ -z "$datadir" ]; then
    datadir=$(sed -n -E "s/^WORK_DIR=[\"']?([^\"'#]*).*/\\1/p" "$BG_ROOT/etc/default/garb" "$BG_ROOT/etc/sysconfig/garb" 2>/dev/null | tail -n 1)
    datadir_from="garbd's own file"
  fi
  if [ -z "$datadir" ]; then
    datadir=/
    datadir_from='where systemd starts a service'
  fi
}

to_socket() { # PATH: hands what it reads to a unix socket, and prints the answer; fails with 127 without a tool
  if have socat; then
    bounded 2 socat -t 2 - "UNIX-CONNECT:$1"
  elif have python3; then
    bounded 2 python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.stdin.buffer.read())
while True:
    part = s.recv(65536)
    if not part:
        break
    sys.stdout.buffer.write(part)' "$1"
  elif have perl && perl -MIO::Socket::UNIX -e 1 2>/dev/null; then
    bounded 2 perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!\n";
print $s join("", <STDIN>); $s->flush; print while <$s>;' "$1"
  elif have nc; then
    bounded 2 nc -U "$1"
  else
    return 127
  fi
}

say_haproxy() { # what HAProxy thinks of its servers, by its admin socket
  after f f "$proxy_words"
  set -- "$BG_ROOT/etc/haproxy/haproxy.cfg"
  if [ -n "$r" ] && [ "$r" != "$1" ]; then set -- "$r" "$@"; fi
  e=$(bounded 2 grep -rhE '^[[:space:]]*stats[[:space:]]+socket[[:space:]]' "$@" 2>&1)
  case $e in *"Permission denied"*)
    say proxy-backends denied ''
    return 0
    ;;
  esac
  b=
  st=missing
  for path in $(printf '%s\n' "$e" | sed -n -E 's/^[[:space:]]*stats[[:space:]]+socket[[:space:]]+(unix@)?(\/[^[:space:]]*).*/\2/p'); do
    # 4 asks for servers alone.
    if b=$(printf 'show stat -1 4 -1\n' | to_socket "$path" 2>&1); then
      st=ok
      break
    fi
    code=$?
    if [ "$code" -eq 127 ]; then st=notool; else blame "$b" "$code"; fi
  done
  if [ "$st" = ok ]; then say_end_of proxy-backends 32768 "haproxy$nl$b"; else say proxy-backends "$st" ''; fi
}

say_proxysql() { # what ProxySQL thinks of its servers, where the user's own option file lets its admin in
  client=$(command -v mariadb || command -v mysql)
  if [ -z "$client" ] || [ "$bounds" = no ]; then
    say proxy-backends notool ''
  elif b=$(bounded 3 "$client" --host=127.0.0.1 --port=6032 --protocol=TCP --connect-timeout=2 --skip-column-names --batch \
    -e 'SELECT hostgroup_id, hostname, port, status FROM runtime_mysql_servers' 2>&1); then
    say_end_of proxy-backends 16384 "proxysql$nl$b"
  else
    code=$?
    case $b in
    *"Access denied"*) st=denied ;;
    *) blame "$b" "$code" ;;
    esac
    say proxy-backends "$st" ''
  fi
}

say_proxy() { # which load balancer runs, and what it thinks of its servers
  if [ "$process_state" = ok ]; then say proxy ok "$proxy_kind"; else say proxy "$process_state" ''; fi
  case $proxy_kind in
  haproxy) say_haproxy ;;
  proxysql) say_proxysql ;;
  *) ;;
  esac
}

say_clustercheck() { # the first lines of what answers on port 9200; nothing is said where nothing listens
  case $listening in
  *:23F0\ *) ;;
  *) return 0 ;;
  esac
  host=127.0.0.1
  if [ "$bounds" = no ]; then
    say clustercheck notool ''
    return 0
  fi
  ask='GET / HTTP/1.0\r\nHost: localhost\r\n\r\n'
  code=0
  if have socat; then
    # shellcheck disable=SC2059 # it is a format
    b=$(printf "$ask" | bounded 2 socat -t 2 - "TCP:$host:9200" 2>&1) || code=$?
  elif have bash; then
    # bash's own printf would send line by line, and what answers after the first would break the pipe.
    b=$(bounded 2 bash -c 'trap "" PIPE; exec 3<>"/dev/tcp/$1/9200" && { env printf "$2" >&3; head -c 2048 <&3; }' \
      bash "$host" "$ask" 2>&1) || code=$?
  elif have curl; then
    b=$(bounded 3 curl -s -S -i -m 2 "http://$host:9200/" 2>&1) || code=$?
  elif have nc; then
    # shellcheck disable=SC2059 # it is a format
    b=$(printf "$ask" | bounded 2 nc "$host" 9200 2>&1) || code=$?
  else
    say clustercheck notool ''
    return 0
  fi
  case $b in
  HTTP/*) say clustercheck ok "$(printf %s "$b" | tr -d '\000' | head -c 1024)" ;;
  *)
    [ "$code" -ne 0 ] || code=1
    blame "$b" "$code"
    say clustercheck "$st" ''
    ;;
  esac
}
