# shellcheck shell=sh disable=SC2154
# Takes this session's freeze away, and nothing else.
check() {
  need_unit
  for each in $(units); do
    frozen_by "$each"
    case $r in
    '' | "$session") ;;
    *) refuse freeze "$each is frozen by session $r" ;;
    esac
  done
  # With its usual start timeout back, systemd would end a start that has lasted longer.
  case $(property "$unit" ActiveState) in
  activating) refuse starting "$unit is starting: with its own start timeout back it could be ended at once" ;;
  esac
}

work() {
  for each in $(units); do
    drop_in_of "$each"
    if [ -f "$drop_in" ]; then rm "$drop_in" || return 1; fi
    rmdir "${drop_in%/*}" 2>/dev/null || :
  done
  shut_the_gate
  rmdir "$BG_ROOT/run/breakglass" 2>/dev/null || :
  bounded 60 systemctl daemon-reload || return 1
  for each in $(units); do
    case $(bounded 10 systemctl show -p DropInPaths "$each") in
    *"$freeze_name"*)
      echo "$each is still frozen"
      return 1
      ;;
    DropInPaths=*) echo "$each is no longer frozen: Restart=$(property "$each" Restart)" ;;
    *) return 1 ;;
    esac
  done
}
