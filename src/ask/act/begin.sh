# shellcheck shell=sh disable=SC2154,SC2034
# Before anything is done: the host is the one that was shown (S18), the session holds its lease, and the act's name is
# taken once and for all (S16).
op=$1
session=$2
deed=$3
seq=$4
head=$5
machine_id=$6
datadir=$7
datadir_identity=$8
unit=$9
shift 9
user=$1
binary=$2
shift 2

case $op$session in
*[!0-9A-Z]* | '') refuse malformed "the act's name is not one" ;;
esac
here=
{ IFS= read -r here <"$BG_ROOT/etc/machine-id" || :; } 2>/dev/null
[ "$here" = "$machine_id" ] || refuse identity "this machine's id is ${here:-not readable}, the one shown was $machine_id"
here=$(stat -L -c %d:%i "$datadir/." 2>/dev/null)
[ "$here" = "$datadir_identity" ] ||
  refuse identity "$datadir is ${here:-not readable}, the data directory shown was $datadir_identity"

lease_words
case $deed in
take-lease)
  case $lease_session in
  '' | "$session" | "$2") ;;
  *) refuse lease "$lease_holder since $lease_since, session $lease_session" ;;
  esac
  ;;
release-lease)
  # Given back already: the same answer again.
  case $lease_session in
  "$session" | '') ;;
  *) refuse lease "$lease_holder since $lease_since, session $lease_session" ;;
  esac
  ;;
*)
  [ -n "$lease_session" ] || refuse lease 'nobody holds the lease of this node'
  [ "$lease_session" = "$session" ] || refuse lease "$lease_holder since $lease_since, session $lease_session"
  ;;
esac

problem=$(mkdir -p "$ops" 2>&1) || refuse no-place "$problem"
if ! problem=$(mkdir "$ops/$op" 2>&1); then
  [ -d "$ops/$op" ] || refuse no-place "$problem"
  follow "$op" 0
  exit 0
fi
op_dir=$ops/$op
problem=$({ printf '%s\n' "$session" >"$op_dir/session" && i_am; } 2>&1) || {
  rm -rf "$op_dir"
  op_dir=
  refuse no-place "$problem"
}
# Also a machine that loses its power now knows afterwards that this act had begun.
bounded 5 sync "$op_dir" "$ops" "$state" 2>/dev/null || :
line="op=$op session=$session deed=$deed seq=$seq head=$head"
if have logger; then
  bounded 2 logger -t breakglass "$line" 2>/dev/null || :
elif have systemd-cat; then
  bounded 2 systemd-cat -t breakglass echo "$line" 2>/dev/null || :
fi
