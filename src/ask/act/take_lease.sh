# shellcheck shell=sh disable=SC2154
# Parameters: who takes it, and the session whose lease it may replace (empty: none).
check() { :; }

work() {
  if [ "$lease_session" = "$session" ]; then
    echo "held already, since $lease_since"
    return 0
  fi
  new=$state/lease.$op
  printf 'session=%s\nholder=%s\nsince=%s\n' "$session" "$(one_line "$1")" "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" >"$new" ||
    return 1
  bounded 5 sync "$new" 2>/dev/null || :
  if [ -z "$lease_session" ]; then
    # A link is made by one alone; where there are no links, nobody else may have made the file meanwhile.
    if ln "$new" "$state/lease"; then
      rm -f "$new"
      echo taken
      return 0
    fi
    rm -f "$new"
    lease_words
    echo "another was quicker: $lease_holder, session $lease_session"
    return 1
  fi
  # Replaced in one step; whoever else replaces it now wins or loses as a whole.
  mv "$new" "$state/lease" || return 1
  lease_words
  [ "$lease_session" = "$session" ] || return 1
  echo "taken over from session $2"
}
