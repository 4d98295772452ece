# shellcheck shell=sh disable=SC2154
# The unit, its freeze, and the gate through which this session alone starts it.
gate=/run/breakglass/start-allowed
freeze_name=zz-breakglass.conf

property() { # UNIT NAME: prints its value, or nothing
  bounded 10 systemctl show -p "$2" "$1" 2>/dev/null | sed -n "s/^$2=//p"
}

need_unit() {
  with_systemd || refuse no-way 'no systemd runs this machine, and no other way is known yet'
  [ -n "$unit" ] || refuse no-way 'the server has no unit'
}

# The unit, and the names under which packages start the same server as a new cluster (case 44).
units() {
  printf '%s\n' "$unit"
  for other in mariadb@bootstrap.service mysql@bootstrap.service; do
    if [ "$other" != "$unit" ] && [ "$(property "$other" LoadState)" = loaded ]; then printf '%s\n' "$other"; fi
  done
}

drop_in_of() { # UNIT: sets drop_in
  drop_in=$BG_ROOT/run/systemd/system/$1.d/$freeze_name
}

frozen_by() { # UNIT: sets r to the session whose freeze it has, empty where it has none
  r=
  drop_in_of "$1"
  [ -f "$drop_in" ] || return 0
  r=$(sed -n '1s/^# breakglass session //p' "$drop_in")
  [ -n "$r" ] || r=unreadable
}

journal_tail() { # SINCE: the unit's last lines
  if have journalctl; then bounded 10 journalctl -q -u "$unit" --since "@$1" --no-pager -o cat 2>/dev/null | tail -n 20; fi
}

shut_the_gate() { rm -f "$BG_ROOT$gate"; }

through_the_gate() { # COMMAND…: starts the unit; the gate is shut as soon as its start has begun or ended
  # Also where we are ended meanwhile: an open gate would let anybody start it.
  trap shut_the_gate EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mkdir -p "$BG_ROOT/run/breakglass" && : >"$BG_ROOT$gate" || return 1
  if [ "$(property "$unit" Result)" = start-limit-hit ]; then bounded 10 systemctl reset-failed "$unit"; fi
  "$@" </dev/null &
  starter=$!
  while kill -0 "$starter" 2>/dev/null; do
    case $(property "$unit" ActiveState) in
    activating | active | reloading) break ;;
    esac
    nap
  done
  shut_the_gate
  trap - EXIT HUP INT TERM
  wait "$starter"
}

start_left() { # STATUS SINCE: says how a start ended
  echo "status $1: $(bounded 10 systemctl show -p ActiveState -p SubState -p Result "$unit" 2>/dev/null | tr '\n' ' ')"
  [ "$1" -eq 0 ] || journal_tail "$2"
}
