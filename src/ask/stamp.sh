# shellcheck shell=sh
# The engine's files as a stamp: the same as long as no server ran on them.
engine_stamp() ( # DATADIR OPTIONS (--name=value, one per line): prints one line; fails where a file may be there unseen
  first=$1
  given=$2
  known=' '
  stamp=
  count=0
  more=0
  set -- "$first"
  for name in innodb.data.home.dir innodb.log.group.home.dir innodb.undo.directory aria.log.dir.path; do
    place=$(printf '%s\n' "$given" | sed -n "s/^--\(loose.\)\{0,1\}$name=//p" | tail -n 1)
    case $place in
    '') ;;
    /*) set -- "$@" "$place" ;;
    *) set -- "$@" "$first/${place#./}" ;;
    esac
  done
  for place in "$@"; do
    if ! one=$(bounded 3 stat -L -c %d:%i "$place/." 2>&1); then
      case $one in *"No such file or directory"*) continue ;; esac
      printf '%s\n' "$one"
      return 1
    fi
    case $known in *" $one "*) continue ;; esac
    known="$known$one "
    shown=
    [ "$place" = "$first" ] || shown=$place/
    for inner in "$place" "$place/#innodb_redo"; do
      # What cannot be listed would look as if nothing were there.
      if [ -d "$inner" ] && ! { [ -r "$inner" ] && [ -x "$inner" ]; }; then
        printf '%s: Permission denied\n' "$inner"
        return 1
      fi
    done
    cd "$place" 2>&1 || return 1
    set --
    for file in ibdata1 ib_logfile0 aria_log_control undo* '#innodb_redo'/*; do
      [ -f "$file" ] || continue
      if [ "$count" -lt 50 ]; then
        count=$((count + 1))
        set -- "$@" "$file"
      else
        more=$((more + 1))
      fi
    done
    [ "$#" -gt 0 ] || continue
    if ! one=$(bounded 3 env TZ=UTC0 stat -L -c '%n %i %s %y' "$@" 2>&1); then
      printf '%s\n' "$one"
      return 1
    fi
    stamp=$stamp$(printf '%s\n' "$one" | while IFS= read -r line; do printf '%s%s; ' "$shown" "$line"; done)
  done
  [ "$more" -eq 0 ] || stamp="${stamp}and $more more; "
  printf '%s\n' "${stamp%; }"
)
