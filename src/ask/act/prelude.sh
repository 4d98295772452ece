# shellcheck shell=sh disable=SC2034
# What every script begins with. Plain POSIX: runs in sh, dash, bash and busybox. BG_ROOT is set right before it.
LC_ALL=C
LANG=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL LANG PATH
umask 077
unset GREP_OPTIONS SYSTEMD_PAGER PAGER 2>/dev/null || :
nl='
'
state=$BG_ROOT/var/lib/breakglass
ops=$state/ops
op_dir=
# The process that works: a subshell of the one that $$ names.
me=
{ read -r me _ </proc/self/stat; } 2>/dev/null || me=$$

have() { command -v "$1" >/dev/null 2>&1; }

# Three dialects of timeout(1) are about: GNU and new busybox, busybox without -k, old busybox with -t.
if timeout -k 1 5 true 2>/dev/null; then
  bounded() { timeout -k 1 "$@"; }
elif timeout -s KILL 5 true 2>/dev/null; then
  bounded() { timeout -s KILL "$@"; }
elif timeout -t 5 -s KILL true 2>/dev/null; then
  bounded() {
    seconds=$1
    shift
    timeout -t "$seconds" -s KILL "$@"
  }
else
  bounded() {
    shift
    "$@"
  }
fi

if sleep 0.01 2>/dev/null; then
  nap() { sleep 0.1; }
  naps=10
else
  nap() { sleep 1; }
  naps=1
fi

one_line() { # TEXT
  printf %s "$1" | tr -s '\n\r\t' '   ' | cut -c 1-600
}

answer() { # STATE [FILE]: the whole answer, of which FILE is the end of the output
  printf '%%breakglass-act 1\n%s\n' "$1"
  if [ -n "${2-}" ]; then tail -c 65536 "$2"; fi
}

keep() { # STATE [FILE]: leaves the answer in the act's directory, whole or not at all
  {
    printf '%s\n' "$1"
    if [ -n "${2-}" ]; then tail -c 65536 "$2"; fi
  } >"$op_dir/result.new" && mv "$op_dir/result.new" "$op_dir/result"
}

refuse() { # WORD TEXT: nothing was done
  said="refused $1 $(one_line "$2")"
  if [ -n "$op_dir" ]; then keep "$said"; fi
  answer "$said"
  exit 0
}

start_of() { # PID: sets r to its start in ticks after the machine's, empty where there is no such process
  r=
  line=
  { IFS= read -r line <"/proc/$1/stat" || :; } 2>/dev/null
  [ -n "$line" ] || return 0
  # The name in parentheses may hold blanks and parentheses: what counts stands after the last one.
  # shellcheck disable=SC2086
  set -- ${line##*") "}
  # What only waits to be noticed by its parent has ended.
  case $1 in Z | X) return 0 ;; esac
  shift 19
  r=$1
}

i_am() { # Says in the act's directory which process works on it
  start_of "$me"
  printf '%s %s\n' "$me" "$r" >"$op_dir/pid.new" && mv "$op_dir/pid.new" "$op_dir/pid"
}

alive() { # FILE: whether the process it names runs, being the same
  pid=
  began=
  { read -r pid began <"$1" || :; } 2>/dev/null
  [ -n "$pid" ] && start_of "$pid" && [ -n "$r" ] && [ "$r" = "$began" ]
}

with_systemd() { [ -d "$BG_ROOT/run/systemd/system" ] && have systemctl; }

lease_words() { # sets lease_session, lease_holder and lease_since; all empty where nobody holds it
  lease_session=
  lease_holder=
  lease_since=
  [ -e "$state/lease" ] || return 0
  while IFS= read -r line; do
    case $line in
    session=*) lease_session=${line#*=} ;;
    holder=*) lease_holder=${line#*=} ;;
    since=*) lease_since=${line#*=} ;;
    esac
  done <"$state/lease"
  # A lease that cannot be read is somebody's.
  [ -n "$lease_session" ] || lease_session=unreadable
}

follow() { # OP SETTLE: how an act stands
  op_dir=$ops/$1
  if [ -d "$state" ] && ! [ -x "$state" ]; then
    op_dir=
    refuse denied "$state cannot be entered by this user"
  fi
  if ! [ -d "$op_dir" ]; then
    if [ "$2" != 1 ]; then
      answer not-begun
      return 0
    fi
    if ! problem=$(mkdir -p "$ops" 2>&1); then
      op_dir=
      refuse no-place "$problem"
    fi
    if mkdir "$op_dir" 2>/dev/null; then
      if keep never; then answer absent; else answer vanished; fi
      return 0
    fi
    if ! [ -d "$op_dir" ]; then
      op_dir=
      refuse no-place "a directory in $ops cannot be made"
    fi
  fi
  for look in 1 2; do
    if [ -f "$op_dir/result" ]; then
      first=
      { IFS= read -r first || :; } <"$op_dir/result"
      case $first in
      never) answer absent ;;
      # A machine that lost its power can have kept the name and not the bytes.
      '') answer vanished ;;
      *)
        printf '%%breakglass-act 1\n'
        cat "$op_dir/result"
        ;;
      esac
      return 0
    fi
    if with_systemd; then
      case $(bounded 5 systemctl show -p ActiveState "breakglass-$1.service" 2>/dev/null) in
      ActiveState=active | ActiveState=activating | ActiveState=deactivating | ActiveState=reloading)
        answer running
        return 0
        ;;
      esac
    fi
    if [ -f "$op_dir/pid" ] && alive "$op_dir/pid"; then
      answer running
      return 0
    fi
    # What has just been begun has not yet said which process it is, and what has just ended moved its result there.
    if [ "$look" = 1 ]; then sleep 1; fi
  done
  # What was handed to the service manager and has not begun may still begin, until its place is taken.
  if [ -f "$op_dir/job" ] && ! [ -d "$op_dir/begun" ]; then
    if [ "$2" != 1 ]; then
      answer not-begun
    elif ! mkdir "$op_dir/begun" 2>/dev/null; then
      answer running
    elif keep never; then
      answer absent
    else
      answer vanished
    fi
    return 0
  fi
  answer vanished
}
