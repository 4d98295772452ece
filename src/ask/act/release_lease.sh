# shellcheck shell=sh disable=SC2154
# Gives the lease back and removes the acts of this session; its own directory goes after the answer. Whoever asks
# afterwards hears that it has not begun: it may simply be sent again.
check() {
  # Also one of a session whose lease was taken over: a frozen node whose lease nobody holds is nobody's to thaw.
  for path in "$BG_ROOT"/run/systemd/system/*.d/zz-breakglass.conf; do
    if [ -f "$path" ]; then
      owner=$(sed -n '1s/^# breakglass session //p' "$path")
      case $owner in
      "$session") refuse frozen "this session's freeze is still there: $path" ;;
      *) refuse frozen "the freeze of session ${owner:-unreadable} is still there: freeze it again, which makes it this session's, and unfreeze it: $path" ;;
      esac
    fi
  done
}

work() { # SESSION…: dead ones of the same record, whose acts are accounted for
  buried=" $* "
  for path in "$ops"/*; do
    [ -d "$path" ] || continue
    [ "$path" != "$op_dir" ] || continue
    owner=
    { IFS= read -r owner <"$path/session" || :; } 2>/dev/null
    # A name that was only taken needs no keeping: without the lease its act would be refused.
    if [ -z "$owner" ] && [ -f "$path/result" ] && [ "$(sed -n 1p "$path/result")" = never ]; then
      rm -rf "$path"
    elif [ "$owner" = "$session" ] || { [ -n "$owner" ] && [ "$buried" != "${buried#* "$owner" }" ]; }; then
      [ -f "$path/result" ] || ! alive "$path/pid" || {
        echo "act ${path##*/} still runs"
        return 1
      }
      rm -rf "$path"
    fi
  done
  rm -f "$state"/lease.*
  if [ "$lease_session" = "$session" ]; then
    rm "$state/lease" || return 1
    echo released
  else
    echo 'nobody held it'
  fi
}
