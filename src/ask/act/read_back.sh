# shellcheck shell=sh disable=SC2154
# Parameters: the machine, the token. Reads it back, after everything this node has received is applied.
machine_holds "$1"
shift
token_holds "$1"
need_client
said=$(sql 10 "SET SESSION wsrep_sync_wait=1; SELECT id FROM breakglass_check.mark WHERE id = '$1';")
status=$?
if [ "$status" -eq 0 ] && [ "$said" != "$1" ]; then
  status=1
  said='the row is not there'
fi
answer "done $status"
printf '%s\n' "$said"
