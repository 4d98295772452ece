# shellcheck shell=sh disable=SC2154,SC2034
# The deed itself, apart from the connection that began it.
op=$1
session=$2
deed=$3
machine_id=$4
datadir=$5
datadir_identity=$6
unit=$7
user=$8
binary=$9
shift 9
op_dir=$ops/$op
# Once, and not after it was told that this will never begin: whoever makes this directory decides.
mkdir "$op_dir/begun" 2>/dev/null || exit 0
[ ! -e "$op_dir/result" ] || exit 0
i_am
here=$(stat -L -c %d:%i "$datadir/." 2>/dev/null)
[ "$here" = "$datadir_identity" ] || refuse identity "$datadir is now ${here:-not readable}"
check "$@" >/dev/null
# Between the sending and now another session may have taken the lease over.
lease_words
[ "$lease_session" = "$session" ] ||
  refuse lease "the lease has passed to ${lease_holder:-nobody}, session ${lease_session:-none}, before this began"
work "$@" >"$op_dir/output" 2>&1
keep "done $?" "$op_dir/output"
exit 0
