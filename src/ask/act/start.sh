# shellcheck shell=sh disable=SC2154
# Starts the server as a member.
check() {
  need_unit
  server_absent
  flags=$(new_cluster_flags)
  [ -z "$flags" ] || refuse leftovers "it would start as a new cluster: $flags"
  variables=$(new_cluster_environment) || refuse leftovers "whether it would start as a new cluster: $variables"
  [ -z "$variables" ] || refuse leftovers "it would start as a new cluster, by the manager's environment: $variables"
}

work() {
  since=$(date +%s)
  through_the_gate systemctl start "$unit"
  status=$?
  start_left "$status" "$since"
  return "$status"
}
