# shellcheck shell=sh disable=SC2154
# A deed that outlives the connection: it runs apart from us, and we wait a little for its result.
quoted() { # TEXT: as one word for the shell
  printf "'"
  printf '%s\n' "$1" | sed "s/'/'\\\\''/g" | {
    first=yes
    while IFS= read -r line; do
      [ "$first" = yes ] || printf '\n'
      first=no
      printf %s "$line"
    done
  }
  printf "' "
}
problem=$({
  {
    printf 'set -- '
    for word in "$op" "$session" "$deed" "$machine_id" "$datadir" "$datadir_identity" "$unit" "$user" "$binary" "$@"; do
      quoted "$word"
    done
    printf '\n'
    job_text
  } >"$op_dir/job.new" && mv "$op_dir/job.new" "$op_dir/job"
} 2>&1) || refuse no-place "$problem"
if with_systemd && have systemd-run; then
  problem=$(bounded 20 systemd-run --quiet --unit="breakglass-$op" --description="Breakglass $deed" \
    /bin/sh "$op_dir/job" 2>&1 </dev/null) || {
    # A failure here does not say that the unit will not be made: a slow manager may still have the request. Whoever
    # makes this directory decides; where it cannot be made, the act may have begun.
    if mkdir "$op_dir/begun" 2>/dev/null; then refuse not-launched "${problem:-systemd-run had no answer in 20 s}"; fi
  }
elif have setsid; then
  setsid sh "$op_dir/job" </dev/null >/dev/null 2>&1 &
else
  sh "$op_dir/job" </dev/null >/dev/null 2>&1 &
fi
count=0
while [ ! -f "$op_dir/result" ] && [ "$count" -lt $((12 * naps)) ]; do
  nap
  count=$((count + 1))
done
if [ -f "$op_dir/result" ]; then
  follow "$op" 0
else
  answer running
fi
exit 0
