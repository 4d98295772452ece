# shellcheck shell=sh disable=SC2154
# Recovers the position in the data directory itself: crash recovery rewrites the engine's files (S14).
check() {
  server_absent
  [ -n "$user" ] || refuse no-way 'the user of the server is not known'
  [ -x "$binary" ] || refuse no-way "$binary is not a program"
}

work() {
  # Without systemd nobody else bounds it.
  defaults_of "$unit"
  set -- --user="$user" --datadir="$datadir" --wsrep-recover --disable-log-error --skip-networking \
    --socket="$datadir/breakglass-recover.sock" --pid-file="$datadir/breakglass-recover.pid"
  [ -z "$defaults" ] || set -- --defaults-file="$defaults" "$@"
  "$binary" "$@" </dev/null >"$op_dir/log" 2>&1
  status=$?
  rm -f "$datadir/breakglass-recover.sock" "$datadir/breakglass-recover.pid"
  echo "%status $status"
  tail -n 60 "$op_dir/log"
  return "$status"
}
