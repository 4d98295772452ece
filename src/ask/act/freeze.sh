# shellcheck shell=sh disable=SC2154
# The unit starts no more, by itself or by others, until this session opens the gate (S21); a start has all the time it
# needs (case 22).
check() { need_unit; }

proved() { # UNIT: whether the freeze took effect
  case $(bounded 10 systemctl show -p DropInPaths "$1") in
  *"/run/systemd/system/$1.d/$freeze_name"*) ;;
  *) return 1 ;;
  esac
  [ "$(property "$1" Restart)" = no ] && [ "$(property "$1" TimeoutStartUSec)" = infinity ]
}

work() {
  # One that was killed at once left it open.
  shut_the_gate
  for each in $(units); do
    drop_in_of "$each"
    mkdir -p "${drop_in%/*}" && chmod 755 "${drop_in%/*}" || return 1
    {
      printf '# breakglass session %s\n' "$session"
      printf '# To lift it by hand: remove this file, then systemctl daemon-reload\n'
      printf '[Unit]\nAssertPathExists=%s\n[Service]\nRestart=no\nTimeoutStartSec=infinity\n' "$gate"
    } >"$drop_in.new" && chmod 644 "$drop_in.new" && mv "$drop_in.new" "$drop_in" || return 1
  done
  bounded 60 systemctl daemon-reload || return 1
  # A restart that is already planned has no process yet.
  if [ "$(property "$unit" SubState)" = auto-restart ]; then
    bounded 30 systemctl stop "$unit" || return 1
    echo 'the planned restart was called off'
  fi
  for each in $(units); do
    if ! proved "$each"; then
      echo "$each: the freeze did not take effect: $(bounded 10 systemctl show -p Restart -p TimeoutStartUSec -p DropInPaths "$each" | tr '\n' ' ')"
      return 1
    fi
    echo "$each is frozen"
  done
}
