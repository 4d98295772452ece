# shellcheck shell=sh disable=SC2154,SC2017
# The engine's position on an overlay: crash recovery writes into memory, and the kernel keeps everything else read-only.
# Parameters: machine id, data directory, its identity, unit, server user, server binary, seconds.
host_holds "$1" "$2" "$3"
datadir=$2
unit=$4
user=$5
binary=$6
limit=$7
server_absent
[ -n "$user" ] || refuse no-overlay 'the user of the server is not known'
[ -x "$binary" ] || refuse no-overlay "$binary is not a program"
for tool in unshare mount mountpoint stat find; do
  have "$tool" || [ "$tool" = mountpoint ] || refuse no-overlay "there is no $tool on this node"
done
real=$(cd -P "$datadir" && pwd -P) || refuse no-overlay "$datadir cannot be entered"
inner=$(while read -r _ _ _ _ point _; do
  case $point in "$real"/*) printf '%s ' "$point" ;; esac
done </proc/self/mountinfo)
[ -z "$inner" ] || refuse no-overlay "other file systems are mounted inside the data directory: $inner"

defaults_of "$unit"
dirs=$real
options=
if have my_print_defaults; then
  options=$(bounded 3 my_print_defaults ${defaults:+"--defaults-file=$defaults"} --mysqld 2>/dev/null ||
    bounded 3 my_print_defaults ${defaults:+"--defaults-file=$defaults"} mysqld server mariadb mariadbd galera 2>/dev/null)
fi
for name in innodb.data.home.dir innodb.log.group.home.dir innodb.undo.directory aria.log.dir.path log.bin; do
  value=$(printf '%s\n' "$options" | sed -n "s/^--$name=//p" | tail -n 1)
  case $value in /*) ;; *) continue ;; esac
  if [ "$name" = log.bin ]; then value=${value%/*}; fi
  value=$(cd -P "$value" 2>/dev/null && pwd -P) || continue
  covered=
  while IFS= read -r dir; do
    case $value/ in "$dir"/*) covered=yes ;; esac
    case $dir/ in "$value"/?*) refuse no-overlay "$value holds the data directory" ;; esac
  done <<__bg_dirs
$dirs
__bg_dirs
  [ -n "$covered" ] || dirs=$dirs$nl$value
done

# Into memory go the redo log and every file that recovery writes to, whole.
available=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
redo=$(printf '%s\n' "$dirs" | while IFS= read -r dir; do
  find "$dir" -maxdepth 2 \( -name 'ib_logfile*' -o -name '#ib_redo*' -o -name ibdata1 \) -type f -exec stat -c %s {} +
done | {
  sum=0
  while read -r size; do sum=$((sum + size / 1024)); done
  printf %s "$sum"
})
[ -n "$available" ] || refuse no-overlay 'the free memory is not known'
room=$((available / 10 * 7))
[ "$room" -gt $((redo + 131072)) ] ||
  refuse no-overlay "recovery takes at least $((redo / 1024 + 128)) MiB of memory, $((room / 1024)) MiB can be had"

before=$(engine_stamp "$datadir" "$options") || refuse no-overlay "$before"
scratch=$BG_ROOT/run/breakglass-recover
mkdir -p "$scratch" || refuse no-overlay "$scratch cannot be made"
said=$(unshare -m --propagation private sh -c "$(inside_text)" inside "$scratch" "$room" "$real" "$dirs" "$user" \
  "$binary" "$limit" "$defaults" 2>&1 </dev/null)
rmdir "$scratch" 2>/dev/null || :
after=$(engine_stamp "$datadir" "$options")
case $said in
"%no-overlay "*) refuse no-overlay "${said#%no-overlay }" ;;
*"%status "*) ;;
*) refuse no-overlay "no mount namespace could be made: $said" ;;
esac
answer "done $(printf '%s\n' "$said" | sed -n 's/^%status //p' | head -n 1)"
printf '%%stamp-before %s\n%%stamp-after %s\n%s\n' "$before" "$after" "$said"
