# shellcheck shell=sh
# shellcheck disable=SC2034 # the functions in front of this use what is set here
# The probe: what one node knows, read in one go. It writes nothing, starts nothing and changes nothing.
#
# Parameters, each may be empty (find it yourself): unit, data directory, server user, server binary, 1 to ask SQL, role of
# the node (data where it is empty), folder of the backups (none is looked at where it is empty).
# Larger parts stand as functions in automation.sh, files.sh and edge.sh, which are read in front of this.
# Plain POSIX: runs in sh, dash, bash and busybox, as root or not. Everything that can hang is bounded.
# Answer: `%breakglass-probe 1`, sections `%section NAME STATUS LENGTH` + LENGTH bytes + newline, `%end`.

LC_ALL=C
LANG=C
TZ_OF_NODE=${TZ-}
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL LANG PATH
umask 077
unset GREP_OPTIONS SYSTEMD_PAGER PAGER 2>/dev/null || :

unit=${1-}
datadir=${2-}
user=${3-}
binary=${4-}
given_binary=$binary
ask_sql=${5-}
role=${6:-data}
backup=${7-}
nl='
'
us=$(printf '\037')
tab=$(printf '\t')

# Lengths are bytes. Not every build of every shell counts them so.
two=$(printf '\303\274')
if [ "${#two}" -eq 2 ]; then
  length() { n=${#1}; }
else
  length() {
    n=$(printf %s "$1" | wc -c)
    n=$((n))
  }
fi

say() { # NAME STATUS BODY
  length "$3"
  printf '%%section %s %s %s\n%s\n' "$1" "$2" "$n" "$3"
}

# Three dialects of timeout(1) are about: GNU and new busybox, busybox without -k, old busybox with -t.
# --kill-after matters: `timeout 4 mysqladmin ping` on a stopped server outlived its SIGTERM.
bounds=yes
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
  bounds=no
  bounded() {
    shift
    "$@"
  }
fi

have() { command -v "$1" >/dev/null 2>&1; }

blame() { # MESSAGE CODE: sets st, the status of what failed so. Only the kernel's words make "missing".
  case $2 in 124 | 137 | 143)
    st=timeout
    return 0
    ;;
  esac
  case $1 in
  *"Permission denied"* | *"Operation not permitted"*) st=denied ;;
  *"No such file or directory"*) st=missing ;;
  *) st=failed-$2 ;;
  esac
}

absent() { # PATH: sets st, why it cannot be read. `test -e` cannot tell "not there" from "not shown"; ENOENT can.
  if e=$(bounded 3 ls -d "$1" 2>&1); then
    if [ -r "$1" ]; then st=failed-1; else st=denied; fi
  else
    blame "$e" $?
  fi
}

line_of() { # NAME PATH: the first line of a small file
  if [ -f "$2" ] && [ -r "$2" ]; then
    b=
    { IFS= read -r b <"$2" || :; } 2>/dev/null
    say "$1" ok "$b"
  else
    absent "$2"
    say "$1" "$st" ''
  fi
}

bytes_of() { # NAME PATH: a state file, exactly: padding and NULs travel as hexadecimal
  b=
  if [ -f "$2" ] && [ -r "$2" ]; then
    st=ok
    if have od; then
      b=$(bounded 3 od -An -v -tx1 -N 4097 "$2" 2>&1) || blame "$b" $?
    elif have hexdump; then
      b=$(bounded 3 hexdump -n 4097 -ve '1/1 "%02x "' "$2" 2>&1) || blame "$b" $?
    else
      st=notool
    fi
    [ "$st" = ok ] || b=
  else
    absent "$2"
  fi
  say "$1" "$st" "$b"
}

stat_of() { # NAME PATH FORMAT
  if have stat; then
    if b=$(bounded 3 stat -L -c "$3" "$2" 2>&1); then
      say "$1" ok "$b"
    else
      blame "$b" $?
      say "$1" "$st" ''
    fi
  else
    say "$1" notool ''
  fi
}

say_end_of() { # NAME LIMIT BODY: at most the last LIMIT bytes
  length "$3"
  if [ "$n" -gt "$2" ]; then
    say "$1" cut "$(printf %s "$3" | tail -c "$2")"
  else
    say "$1" ok "$3"
  fi
}

option() { # SEPARATOR NAME WORDS: sets r to the last value of --NAME= among the words, set to no if there is none
  r=
  found=no
  old_ifs=$IFS
  IFS=$1
  set -f
  for word in $3; do
    case $word in
    --"$2"=*)
      r=${word#*=}
      found=yes
      ;;
    --"$2")
      r=
      found=yes
      ;;
    esac
  done
  set +f
  IFS=$old_ifs
}

name_of_user() { # UID: sets r
  r=
  [ -r /etc/passwd ] || return 0
  while IFS=: read -r login _ number _; do
    if [ "$number" = "$1" ]; then
      r=$login
      break
    fi
  done </etc/passwd
  [ -n "$r" ] || r=$1
}

printf '%%breakglass-probe 1\n'

# ---- the machine
say hostname ok "$(uname -n 2>/dev/null)"
line_of machine-id /etc/machine-id
line_of boot-id /proc/sys/kernel/random/boot_id
say user ok "$(id -un 2>/dev/null || id -u 2>/dev/null)"
line_of lab /etc/breakglass-lab
if [ -d /run/systemd/system ]; then manager=systemd; else manager=none; fi
say manager ok "$manager"

# ---- the unit
TZ=UTC0
export TZ
unit_state=notool
unit_shown=
main_pid=
if [ "$manager" = systemd ] && [ "$bounds" = yes ] && have systemctl; then
  if [ -z "$unit" ]; then
    case $role in
    arbitrator) set -- garb.service garbd.service ;;
    proxy) set -- haproxy.service proxysql.service ;;
    router) set -- mysqlrouter.service ;;
    *) set -- mariadb.service mysql.service mysqld.service mariadb@bootstrap.service mysql@bootstrap.service ;;
    esac
    # The first that is loaded; but one started under a bootstrap name is the one that runs (case 44).
    unit=$(bounded 5 systemctl show -p Id,LoadState,ActiveState "$@" 2>/dev/null | {
      first=
      strange=
      id=
      load=
      active=
      while :; do
        line=
        IFS= read -r line && more=yes || more=no
        case $line in
        Id=*) id=${line#*=} ;;
        LoadState=*) load=${line#*=} ;;
        ActiveState=*) active=${line#*=} ;;
        '')
          case $load/$id/$active in
          loaded/*@*/inactive | loaded/*@*/failed) ;;
          loaded/*@*) [ -n "$strange" ] || strange=$id ;;
          loaded/*) [ -n "$first" ] || first=$id ;;
          esac
          id=
          load=
          active=
          [ "$more" = yes ] || break
          ;;
        esac
      done
      printf %s "${strange:-$first}"
    })
  fi
  if [ -z "$unit" ]; then
    unit_state=missing
  else
    # TZ is UTC here: systemctl itself writes the times, so they need no zone.
    if unit_shown=$(bounded 5 systemctl show -p Id,LoadState,ActiveState,SubState,Result,MainPID,ExecMainPID \
      -p ExecMainCode,ExecMainStatus,ExecMainStartTimestamp,ExecMainExitTimestamp,Restart,RestartUSec,NRestarts \
      -p TimeoutStartUSec,SendSIGKILL,UnitFileState,FragmentPath,DropInPaths,ExecStart,Environment "$unit" 2>&1); then
      unit_state=ok
      option "$nl" MainPID "--$(printf %s "$unit_shown" | sed -n 's/^MainPID=/MainPID=/p')"
      main_pid=$r
    else
      blame "$unit_shown" $?
      unit_state=$st
      unit_shown=
    fi
  fi
fi
say unit "$unit_state" "$unit_shown"

# ---- what a session of ours has left here: the freeze of the unit, and the lease
freeze=
if [ "$unit_state" = ok ]; then
  freeze=$BG_ROOT/run/systemd/system/$(printf '%s\n' "$unit_shown" | sed -n 's/^Id=//p').d/zz-breakglass.conf
fi
if [ "$manager" = none ]; then
  say freeze ok ''
elif [ -z "$freeze" ]; then
  say freeze "$unit_state" ''
elif [ -f "$freeze" ] && [ -r "$freeze" ]; then
  b=$(sed -n '1s/^# breakglass session //p' "$freeze")
  case $nl$unit_shown in
  *"${nl}DropInPaths="*"/zz-breakglass.conf"*) ;;
  *) b="$b unread" ;;
  esac
  if [ -e "$BG_ROOT/run/breakglass/start-allowed" ]; then b="$b open"; fi
  say freeze ok "$b"
else
  absent "$freeze"
  case $st in
  missing) say freeze ok '' ;;
  *) say freeze "$st" '' ;;
  esac
fi
lease=$BG_ROOT/var/lib/breakglass/lease
if [ -f "$lease" ] && [ -r "$lease" ]; then
  say lease ok "$(head -c 2048 "$lease")"
else
  absent "$lease"
  case $st in
  missing) say lease ok '' ;;
  *) say lease "$st" '' ;;
  esac
fi

# ---- processes: never by pattern over command lines (that matches the searcher), only by name
self_ns=$(readlink /proc/self/ns/pid 2>/dev/null)
found_processes=
server_pid=
server_words=
frozen=
monit_pids=
pacemaker_pids=
garbd_pid=
garbd_user=
garbd_words=
proxy_kind=
proxy_words=
transfer_roles=
process() { # KIND: notes process $pid named $comm
  namespace=$(readlink "/proc/$pid/ns/pid" 2>/dev/null)
  if [ -n "$namespace" ] && [ -n "$self_ns" ] && [ "$namespace" != "$self_ns" ]; then return 0; fi
  line=
  { IFS= read -r line <"/proc/$pid/stat" || :; } 2>/dev/null
  [ -n "$line" ] || return 0
  uid=
  { while read -r key value _; do
    if [ "$key" = Uid: ]; then
      uid=$value
      break
    fi
  done <"/proc/$pid/status"; } 2>/dev/null
  name_of_user "$uid"
  found_processes=$found_processes$1$tab$pid$tab$comm$tab$r$tab$line$nl
}
beside() { # notes process $pid named $comm where it is what this node is for; fails where it is not of this machine
  kept=$found_processes
  process server
  [ "$kept" != "$found_processes" ] || return 1
  case $role/$comm in
  arbitrator/garbd | proxy/*)
    if [ -z "$server_pid" ] || [ "$pid" = "$main_pid" ]; then
      server_pid=$pid
      server_words=$words
    fi
    ;;
  *) found_processes=$kept ;;
  esac
}
transfers() { # notes process $pid as part of a transfer, and the role its words tell
  process transfer
  case $us$words$us in
  *"$us--role${us}joiner$us"* | *"$us--role=joiner$us"* | *"$us--daemon$us"* | *LISTEN:* | *listen:*)
    transfer_roles=${transfer_roles}joiner$nl
    ;;
  *"$us--role${us}donor$us"* | *"$us--role=donor$us"*) transfer_roles=${transfer_roles}donor$nl ;;
  esac
}
# With hidepid= this user sees only its own: an empty list would then prove nothing.
if { IFS= read -r line </proc/1/comm; } 2>/dev/null && [ -r /proc/self/stat ]; then
  process_state=ok
  for directory in /proc/[0-9]*; do
    comm=
    { IFS= read -r comm <"$directory/comm" || :; } 2>/dev/null
    case $comm in
    mariadbd | mysqld | mysqld-debug | garbd | haproxy | proxysql | monit | pacemakerd | wsrep_sst_* | rsync | mariabackup | mariadb-backup | mariadb-backu | mbstream | xtrabackup | xbstream | socat | nc | ncat | bash | sh | dash) ;;
    *) continue ;;
    esac
    pid=${directory#/proc/}
    # The words stay here: a backup's may hold a password.
    words=$(bounded 2 tr '\000\011\012' '\037\040\040' 2>/dev/null <"$directory/cmdline") 2>/dev/null || words=
    case $comm in
    monit) monit_pids="$monit_pids$pid " ;;
    pacemakerd) pacemaker_pids="$pacemaker_pids$pid " ;;
    garbd)
      beside || continue
      garbd_pid=$pid
      garbd_words=$words
      garbd_user=$r
      ;;
    haproxy | proxysql)
      beside || continue
      proxy_kind=$comm
      proxy_words=$words
      ;;
    mariadbd | mysqld | mysqld-debug)
      [ "$role" = data ] || continue
      case $words in
      *--wsrep[-_]recover*) process wsrep-recover ;;
      *)
        before=$found_processes
        process server
        # The unit's own process goes before others, should there be several.
        if [ "$before" != "$found_processes" ] && { [ -z "$server_pid" ] || [ "$pid" = "$main_pid" ]; }; then
          server_pid=$pid
          server_words=$words
        fi
        ;;
      esac
      ;;
    bash | sh | dash)
      # The transfer's own script is run by env(1), so the kernel names it after its shell.
      case $words in
      *sh"$us"*/wsrep_sst_*"$us"--role*)
        comm=${words#*/wsrep_sst_}
        comm=wsrep_sst_${comm%%"$us"*}
        transfers
        ;;
      esac
      ;;
    rsync | socat | nc | ncat)
      case $words in
      *rsync_sst* | *wsrep* | *:4444*) transfers ;;
      esac
      ;;
    mariabackup | mariadb-backu* | xtrabackup)
      # A nightly backup is no transfer.
      case $words in
      *galera-info* | *sst* | *--prepare* | *--move-back*) transfers ;;
      esac
      ;;
    *) transfers ;;
    esac
  done
else
  process_state=denied
fi

# A server that is down would be started with the words of its unit: without them another data directory, an old copy
# perhaps, would be taken for its own. (A path with a blank in it is not understood here, and then not found.)
words_of="process $server_pid"
if [ -z "$server_pid" ]; then
  words_of="unit $unit"
  server_words=$(printf '%s\n' "$unit_shown" |
    sed -n -e 's/MYSQLD_OPTS=/ /g' -e 's/^ExecStart=//p' -e 's/^Environment=//p' | tr " \"';\n" '\037\037\037\037\037')
fi

# ---- options: only the named ones leave the node (others may hold passwords)
options=
all=
options_state=notool
if [ "$role" = data ] && have my_print_defaults; then
  option "$us" defaults-file "$server_words"
  options_state=ok
  # MySQL's own has no --mysqld.
  all=$(bounded 3 my_print_defaults ${r:+"--defaults-file=$r"} --mysqld 2>&1) ||
    all=$(bounded 3 my_print_defaults ${r:+"--defaults-file=$r"} mysqld server mysqld_safe mariadb mariadbd galera 2>&1) || {
    blame "$all" $?
    options_state=$st
    all=
  }
  if [ "$options_state" = ok ]; then
    options=$(printf '%s\n' "$all" |
      grep -E '^--(datadir|socket|user|log[-_]error|port|pid[-_]file|innodb[-_]flush[-_]log[-_]at[-_]trx[-_]commit|sync[-_]binlog|wsrep[-_](on|cluster[-_]address|new[-_]cluster|cluster[-_]name|node[-_]name|node[-_]address|sst[-_]method|data[-_]home[-_]dir))(=|$)')
  fi
fi
say options "$options_state" "$options"

# ---- the data directory
datadir_from='the inventory'
if [ -z "$datadir" ] && [ "$role" = arbitrator ]; then arbitrator_place; fi
if [ -z "$datadir" ]; then
  option "$us" datadir "$server_words"
  datadir=$r
  datadir_from="the command line of $words_of"
fi
if [ -z "$datadir" ]; then
  option "$nl" datadir "$options"
  datadir=$r
  datadir_from='the option files, by my_print_defaults'
fi
if [ -z "$datadir" ] && [ -n "$server_pid" ]; then
  # A server works in its data directory.
  datadir=$(readlink "/proc/$server_pid/cwd" 2>/dev/null)
  if [ -n "$datadir" ] && { [ -e "$datadir/ibdata1" ] || [ -e "$datadir/aria_log_control" ]; }; then
    datadir_from="the working directory of process $server_pid"
  else
    datadir=
  fi
fi
if [ -z "$datadir" ]; then
  datadir=/var/lib/mysql
  datadir_from='the default of the packages'
  if [ -e /var/lib/mariadb/ibdata1 ]; then
    # Newer packages keep it there.
    if [ -e /var/lib/mysql/ibdata1 ]; then
      datadir_from="$datadir_from; /var/lib/mariadb holds a server's files too"
    else
      datadir=/var/lib/mariadb
    fi
  fi
  [ "$options_state" = ok ] || datadir_from="$datadir_from, for the option files could not be read"
fi
case $datadir in
/?*/) datadir=${datadir%/} ;;
esac
say datadir ok "$datadir"
say datadir-source ok "$datadir_from"
stat_of datadir-stat "$datadir/." '%d %i %U:%G %a'

# Which processes work on another data directory: only one that sits in a directory with a server's files is.
identity=$(stat -L -c '%d:%i' "$datadir/." 2>/dev/null)
found_processes=$(
  printf %s "$found_processes" | while IFS= read -r line; do
    where=ours
    case $line in
    server*)
      pid=${line#*"$tab"}
      pid=${pid%%"$tab"*}
      other=$(stat -L -c '%d:%i' "/proc/$pid/cwd/." 2>/dev/null)
      if [ -n "$identity" ] && [ -n "$other" ] && [ "$identity" != "$other" ] &&
        { [ -e "/proc/$pid/cwd/ibdata1" ] || [ -e "/proc/$pid/cwd/aria_log_control" ]; }; then
        where=elsewhere
      fi
      ;;
    esac
    printf '%s%s%s\n' "$where" "$tab" "$line"
  done
)
say processes "$process_state" "$found_processes"
say transfer-roles "$process_state" "$transfer_roles"
case $nl$found_processes in
*"${nl}ours${tab}server${tab}"*) ;;
*)
  server_pid=
  server_words=
  ;;
esac
if [ -n "$server_pid" ]; then
  line=
  { IFS= read -r line <"/proc/$server_pid/stat" || :; } 2>/dev/null
  case ${line##*") "} in
  [Tt]*) frozen=yes ;;
  esac
fi

b=
if [ -n "$server_pid" ]; then
  { while IFS= read -r line; do b=$b$line$nl; done <"/proc/$server_pid/cgroup"; } 2>/dev/null
fi
say server-cgroup "$process_state" "$b"

# ---- state files, before anything is asked that could move them
if [ "$role" = data ]; then
  bytes_of grastate "$datadir/grastate.dat"
  stat_of grastate-stat "$datadir/grastate.dat" '%s %U:%G %a %Y'
fi
if [ "$role" = data ] || [ "$role" = arbitrator ]; then
  bytes_of gvwstate "${datadir%/}/gvwstate.dat"
  stat_of gvwstate-stat "${datadir%/}/gvwstate.dat" '%s %U:%G %a %Y'
fi

if [ "$role" != data ]; then
  :
elif [ -d "$datadir/mysql" ]; then
  say system-schema ok yes
else
  absent "$datadir/mysql"
  case $st in
  missing) say system-schema ok no ;;
  *) say system-schema "$st" '' ;;
  esac
fi

# Files of a transfer that runs. Exact names: neighbours we do not know mean nothing.
if [ "$role" != data ]; then
  :
elif [ -d "$datadir" ] && [ -r "$datadir" ] && [ -x "$datadir" ]; then
  b=
  for path in "$datadir"/sst_in_progress "$datadir"/.sst "$datadir"/sst-xb-tmp "$datadir"/rsync_sst.conf \
    "$datadir"/rsync_sst.pid "$datadir"/wsrep_sst.pid "$datadir"/wsrep_sst_*.pid "$datadir"/wsrep_sst_*.conf \
    "$datadir"/mariabackup_sst*.pid "$datadir"/xtrabackup_sst*.pid; do
    if [ -e "$path" ]; then b=$b${path##*/}$nl; fi
  done
  say markers ok "$b"
else
  absent "$datadir/."
  case $st in failed-*) st=denied ;; esac
  say markers "$st" ''
fi

# The engine's files, as a stamp: the same as long as no server ran on them.
if [ "$role" != data ]; then
  :
elif b=$(engine_stamp "$datadir" "$all"); then
  case $b in
  '') say engine-stamp missing '' ;;
  *) say engine-stamp ok "$b" ;;
  esac
else
  blame "$b" 1
  say engine-stamp "$st" ''
fi

# ---- room
# (An arbitrator's directory may be the whole machine's.)
if [ "$role" != data ]; then
  say used missing ''
elif [ "$bounds" = yes ] && have du; then
  if b=$(bounded 2 du -skx "$datadir/." 2>&1); then
    say used ok "$b"
  else
    blame "$b" $?
    say used "$st" ''
  fi
else
  say used notool ''
fi
if [ "$bounds" = yes ] && have df; then
  for kind in k i; do
    if b=$(bounded 3 df -P$kind "$datadir/." 2>&1); then
      say df-$kind ok "$b"
    else
      blame "$b" $?
      case $b in *"nvalid option"* | *"nrecognized option"*) st=notool ;; esac
      say df-$kind "$st" ''
    fi
  done
else
  say df-k notool ''
  say df-i notool ''
fi
real=$({ cd -P "$datadir" && pwd -P; } 2>/dev/null) || real=
if [ -r /proc/self/mountinfo ]; then
  b=$real$nl$(while read -r a b c d point rest; do
    case $point in
    *\\*) ;;
    /) ;;
    *)
      case $real/ in
      "$point"/*) ;;
      *) continue ;;
      esac
      ;;
    esac
    printf '%s %s %s %s %s %s\n' "$a" "$b" "$c" "$d" "$point" "$rest"
  done </proc/self/mountinfo)
  say_end_of mounts 16384 "$b"
else
  say mounts missing ''
fi

# ---- listeners, from the kernel: no tool needed
b=
st=missing
for path in /proc/net/tcp /proc/net/tcp6; do
  if [ -r "$path" ]; then
    b=$b$(grep -E '^ *[0-9]+: [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:0000 0A ' "$path" 2>/dev/null | cut -c 1-100)$nl
    st=ok
  elif [ -e "$path" ]; then
    st=denied
    break
  fi
done
listening=$b
if [ "$st" = ok ]; then say_end_of listen 16384 "$b"; else say listen "$st" ''; fi

if [ "$bounds" = yes ] && have ss; then
  if b=$(bounded 3 ss -tinH state established '( sport = :4567 or dport = :4567 )' 2>&1); then
    say_end_of peers 16384 "$b"
  else
    blame "$b" $?
    say peers "$st" ''
  fi
else
  say peers notool ''
fi

if [ "$bounds" = yes ] && have ss; then
  if b=$(bounded 3 ss -ltnpH '( sport = :3306 or sport = :4567 or sport = :4568 or sport = :4444 )' 2>&1); then
    say_end_of listen-owners 8192 "$b"
  else
    blame "$b" $?
    say listen-owners "$st" ''
  fi
else
  say listen-owners notool ''
fi

# ---- what could bootstrap this node by itself
set --
old_ifs=$IFS
IFS=$nl
set -f
for path in $(leftover_places "$datadir"); do set -- "$@" "$path"; done
IFS=' '
for path in $(printf '%s\n' "$unit_shown" | sed -n 's/^DropInPaths=//p'); do set -- "$@" "$path"; done
set +f
IFS=$old_ifs
option "$us" defaults-file "$server_words"
if [ -n "$r" ]; then set -- "$@" "$r"; fi
b=
st=ok
if [ $# -gt 0 ]; then
  # /dev/null makes grep name the file even where there is only one.
  b=$(bounded 3 grep -rHnE 'wsrep[-_]new[-_]cluster|WSREP_NEW_CLUSTER|gcomm://' "$@" /dev/null 2>&1)
  case $? in 124 | 137 | 143) st=timeout ;; esac
  case $b in *"Permission denied"*) st=denied ;; esac
fi
for path in $(new_cluster_flags); do b=$b$nl$path%flag:0:exists; done
if [ "$st" = timeout ]; then say leftovers timeout ''; else
  length "$b"
  if [ "$n" -gt 8192 ]; then say leftovers cut "$(printf %s "$b" | head -c 8192)"; else say leftovers "$st" "$b"; fi
fi
if [ "$manager" = systemd ] && [ "$bounds" = yes ] && have systemctl; then
  if b=$(bounded 3 systemctl show-environment 2>&1); then
    say environment ok "$(printf '%s\n' "$b" | grep -i wsrep)"
  else
    blame "$b" $?
    say environment "$st" ''
  fi
else
  say environment notool ''
fi

# ---- the log
marks='Recovered position|initial position: |Starting (MariaDB|MySQL|mysql|mariadb)|starting as process|[Ss]hutdown complete$|Shutdown complete \(|Normal shutdown|Main process exited|main process exited|[Cc]ontrol process exited|Failed with result|operation timed out|New COMPONENT: primary|view_id\(PRIM,|[Nn]o nodes coming from prim|Synchronized with group|synced with group|ready for connections|bootstrapping new group|re-bootstrapping prim|Reversing history|Aborting|got signal|exception\. |failed to reach primary view|not be safe to bootstrap|Shifting [A-Z/]+ -> |IST uuid:|IST receive|Receiving IST|SST received|SST (started|completed) on joiner|IST completed on joiner|ever receive state|no longer in the group|nconsisten|consistency compromi|voted out|evicted|conflicting prims|prepared transactions|GCache history reset|Cannot create new cache page|No space left|Could not open (saved )?state file|Running: .wsrep_sst|SST/IST transfer on|Proceeding with SST|Moving the backup|Running IST|Terminated\.$|OOM killer|oom-kill|repeated too quickly|osition recovery|wsrep recovery|recover position|galera_recovery: line|restore pc from disk|restored view|invalid UUID|same UUID|duplicate UUID|.pc\.bootstrap.|param pc\.bootstrap|states diverged|max supported by this node|State transfer (to|from) .*failed|SST (sending )?failed|rocess completed with error|IST.*failed|not found from g?cache|serviced using IST|Recovery failed, need|Disk (is )?full|Errcode: (28|5|30)[^0-9]|error (number )?(28|5|30)([^0-9]|$)|Input/output error|[Rr]ead-only file ?system|aria control file|nable to lock|Address already in use|another (mysqld )?server running|Couldn.t load plugin|open shared library|dlopen|change dir to|set datadir|privilege tables|unknown (variable|option)|ncrypted|ncryption|keyring|key_management|[Cc]orrupt|Assertion'
option "$us" log-error "$server_words"
[ "$found" = yes ] || option "$us" log_error "$server_words"
[ "$found" = yes ] || option "$nl" log-error "$options"
[ "$found" = yes ] || option "$nl" log_error "$options"
log_file=
if [ "$found" = yes ]; then
  log_file=${r:-$(uname -n).err}
  case ${log_file##*/} in
  *.*) ;;
  *) log_file=$log_file.err ;;
  esac
  case $log_file in
  /*) ;;
  *) log_file=$datadir/${log_file#./} ;;
  esac
fi
say log-file ok "$log_file"
if [ -n "$log_file" ]; then
  if [ -f "$log_file" ] && [ -r "$log_file" ]; then
    # The code at the end proves that the reading reached the end: cut short, old lines would pass for the last.
    log=$({
      bounded 3 tail -c 262144 "$log_file" 2>/dev/null
      printf '\n%%code %s\n' "$?"
    } | tr -d '\000')
    say log-reach ok "$(printf '%s\n' "$log" | head -n 20 | cut -c 1-80)"
    say_end_of file-tail 49152 "$(printf '%s\n' "$log" | tail -n 200)"
    say_end_of file-marks 24576 "$(printf '%s\n' "$log" | cut -c 1-400 | grep -E "$marks|^%code " | tail -n 300)"
  else
    absent "$log_file"
    say file-tail "$st" ''
    say file-marks "$st" ''
  fi
fi
if [ "$unit_state" = ok ] && have journalctl; then
  id=$(printf '%s\n' "$unit_shown" | sed -n 's/^Id=//p')
  # Never --since with -n: that gives the first lines, not the last (systemd 252).
  log=$(bounded 5 journalctl -u "${id:-$unit}" -n 200 --no-pager -o short-unix 2>&1)
  code=$?
  st=ok
  [ "$code" -eq 0 ] || blame "$log" "$code"
  case $nl$log in
  *"${nl}No journal files were opened due to insufficient permissions"* | *"${nl}Hint: You are currently not seeing messages from other users"*) st=denied ;;
  *"${nl}No journal files were found"*) st=missing ;;
  esac
  if [ "$st" = ok ]; then
    say_end_of journal-tail 49152 "$(printf %s "$log" | tr -d '\000')"
    # Usually the last start is near. A node that waits for its peers logs every second: look further then.
    for lines in 3000 30000; do
      log=$({
        bounded 6 journalctl -u "${id:-$unit}" -n "$lines" --no-pager -q -o short-unix 2>/dev/null
        printf '\n%%code %s\n' "$?"
      } | tr -d '\000' | cut -c 1-400 | sed '1,20{p;s/^/%first /;}' | grep -E "$marks|^%code |^%first ")
      first=$(printf '%s\n' "$log" | sed -n 's/^%first //p' | head -n 20 | cut -c 1-80)
      log=$(printf '%s\n' "$log" | grep -v '^%first ' | tail -n 300)
      case $log in *"ecovered position"*) break ;; esac
    done
    if [ -z "$log_file" ]; then say log-reach ok "$first"; fi
    say_end_of journal-marks 32768 "$log"
  else
    say journal-tail "$st" ''
    say journal-marks "$st" ''
  fi
  log=
else
  say journal-tail notool ''
  say journal-marks notool ''
fi

# ---- the server
if [ -z "$binary" ] && [ -n "$server_pid" ]; then binary=$(readlink "/proc/$server_pid/exe" 2>/dev/null); fi
if [ -z "$binary" ]; then
  binary=$(printf '%s\n' "$unit_shown" | sed -n 's/^ExecStart={ path=\([^ ;]*\) ;.*/\1/p' | sed -n '$p')
fi
case $binary in
*mariadbd | *mysqld | *mysqld-debug) ;;
*) [ "$role" != data ] || [ -n "$given_binary" ] || binary=$(command -v mariadbd || command -v mysqld) ;;
esac
say binary ok "$binary"
if [ -z "$user" ] && [ -n "$server_pid" ]; then
  user=$(printf '%s\n' "$found_processes" | while IFS=$tab read -r where kind pid comm owner _; do
    if [ "$where/$kind/$pid" = "ours/server/$server_pid" ]; then printf %s "$owner"; fi
  done)
fi
if [ -z "$user" ]; then
  option "$nl" user "$options"
  user=$r
fi
[ -n "$user" ] || user=$(stat -L -c %U "$datadir/." 2>/dev/null)
say server-user ok "$user"

option "$us" socket "$server_words"
[ -n "$r" ] || option "$nl" socket "$options"
socket=$r
case $socket in
'' | /*) ;;
*) socket=$datadir/$socket ;;
esac
if [ -z "$socket" ]; then
  for path in /run/mysqld/mysqld.sock /var/run/mysqld/mysqld.sock /var/lib/mysql/mysql.sock /tmp/mysql.sock; do
    if [ -S "$path" ]; then
      socket=$path
      break
    fi
  done
fi
say socket ok "$socket"

provider_told=
if [ "$ask_sql" = 1 ] && [ -z "$frozen" ]; then
  client=$(command -v mariadb || command -v mysql)
  if [ -z "$client" ] || [ "$bounds" = no ]; then
    say sql notool ''
  else
    set -- --connect-timeout=3 --force --skip-column-names --batch
    [ -z "$socket" ] || set -- "$@" --protocol=SOCKET --socket="$socket"
    # A session's wsrep_sync_wait would make even SHOW STATUS wait in a partition, so it goes first. One statement a line:
    # an error names its line, and --force goes on behind it only where the statements come by standard input.
    sql="SET SESSION wsrep_sync_wait=0;
SELECT '%status';
SHOW GLOBAL STATUS LIKE 'wsrep\\_%';
SELECT '%variables';
SHOW GLOBAL VARIABLES LIKE 'wsrep\\_%';
SELECT '%server';
SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', 'sync_binlog', 'read_only', 'datadir', 'version', 'port', 'socket');
SELECT '%members';
SELECT node_uuid, node_name FROM mysql.wsrep_cluster_members;
SELECT '%connections';
SELECT user, host FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%' OR user = 'system user';
SELECT '%xa';
XA RECOVER;
SELECT '%done';"
    # What the client says on either stream is kept apart without a file.
    b=$({
      e=$(printf '%s\n' "$sql" | bounded 8 "$client" "$@" 2>&1 >&3 3>&-)
      printf '\n%%client %s\n%s\n' "$?" "$e" >&3
    } 3>&1 | tr -d '\000' | grep -v '^wsrep_sst_auth')
    case $b in *"${nl}wsrep_provider_options$tab"*)
      provider_told=${b#*"${nl}wsrep_provider_options$tab"}
      provider_told=${provider_told%%"$nl"*}
      ;;
    esac
    length "$b"
    if [ "$n" -gt 32768 ]; then say sql cut ''; else say sql ok "$b"; fi
  fi
fi

# ---- beside the state files
provider_options=$provider_told
if [ -z "$provider_options" ]; then
  option "$us" wsrep_provider_options "$server_words"
  [ "$found" = yes ] || option "$us" wsrep-provider-options "$server_words"
  [ "$found" = yes ] || option "$nl" wsrep_provider_options "$all"
  [ "$found" = yes ] || option "$nl" wsrep-provider-options "$all"
  provider_options=$r
fi
if [ "$role" = data ]; then
  say_gcache
  say_backup "$backup"
  say_encryption
  say_certificates
  say_clustercheck
fi

# ---- around the server
say_arbitrator
say_proxy
say_container
say watchers "$process_state" "${pacemaker_pids:+pacemaker: pacemakerd runs$nl}"
say_monit "$monit_pids"
say_cron
say_timers
say_kernel

# ---- the clock, last: the nearer to the reading of the answer, the truer the comparison
line_of uptime /proc/uptime
if [ -n "$TZ_OF_NODE" ]; then TZ=$TZ_OF_NODE; else unset TZ; fi
say clock ok "$(date '+%s.%N %z' 2>/dev/null)"
printf '%%end\n'
