# shellcheck shell=sh disable=SC2154
# Inside a mount namespace of its own, which ends with it.
scratch=$1
room=$2
real=$3
dirs=$4
user=$5
binary=$6
limit=$7
defaults=$8
give_up() {
  printf '%%no-overlay %s\n' "$(one_line "$1")"
  exit 0
}
problem=$(mount -t tmpfs -o "size=${room}k,mode=755" breakglass "$scratch" 2>&1) || give_up "$problem"
number=0
while IFS= read -r dir; do
  number=$((number + 1))
  mkdir "$scratch/u$number" "$scratch/w$number" || give_up 'no directory for the overlay'
  owner=$(stat -L -c %u:%g "$dir")
  mode=$(stat -L -c %a "$dir")
  problem=$({ chown "$owner" "$scratch/u$number" && chmod "$mode" "$scratch/u$number"; } 2>&1) || give_up "$problem"
  case $dir in *[,:\\]*) give_up "$dir has a character that an overlay cannot take" ;; esac
  problem=$(mount -t overlay overlay -o "lowerdir=$dir,upperdir=$scratch/u$number,workdir=$scratch/w$number" "$dir" 2>&1) ||
    give_up "$problem"
done <<__bg_dirs
$dirs
__bg_dirs

# Everything else becomes read-only, so that no option of the server can lead it to write anywhere.
writable=
while read -r _ _ _ _ point options rest; do
  point=$(printf %b "$(printf %s "$point" | sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g')")
  case $point in "$scratch" | "$scratch"/*) continue ;; esac
  ours=
  while IFS= read -r dir; do
    if [ "$point" = "$dir" ]; then ours=yes; fi
  done <<__bg_dirs
$dirs
__bg_dirs
  [ -z "$ours" ] || continue
  case ,$options, in *,ro,*) continue ;; esac
  if ! mount -o remount,bind,ro "$point" 2>/dev/null; then
    kind=${rest#*- }
    case ${kind%% *} in
    proc | sysfs | cgroup | cgroup2 | devpts | devtmpfs | mqueue | debugfs | tracefs | securityfs | pstore | bpf | configfs | \
      fusectl | hugetlbfs | binfmt_misc | autofs | rpc_pipefs | nsfs | efivarfs | selinuxfs) ;;
    *) writable="$writable $point" ;;
    esac
  fi
done </proc/self/mountinfo
[ -z "$writable" ] || give_up "could not be made read-only:$writable"

place=$real/breakglass-recover
problem=$({ mkdir "$place" && chown "$user" "$place"; } 2>&1) || give_up "$problem"
set -- --user="$user" --datadir="$real" --wsrep-recover --skip-networking --log-error="$place/log.err" --tmpdir="$place" \
  --socket="$place/sock" --pid-file="$place/pid" --innodb-buffer-pool-size=134217728 \
  --loose-innodb-buffer-pool-load-at-startup=0 --loose-performance-schema=0
[ -z "$defaults" ] || set -- --defaults-file="$defaults" "$@"
cd "$real" || give_up 'the data directory cannot be entered'
said=$(bounded "$limit" "$binary" "$@" 2>&1 </dev/null)
status=$?
full=$(LC_ALL=C df -P "$scratch" | sed -n '2s/.* \([0-9]*\)% .*/\1/p')
if [ "$status" -ne 0 ] && [ "${full:-0}" -ge 99 ]; then
  give_up "what recovery rewrites does not fit into $((room / 1024)) MiB of memory"
fi
printf '%%status %s\n' "$status"
printf '%s\n' "$said" | tail -n 20
tail -n 60 "$place/log.err" 2>/dev/null
exit 0
