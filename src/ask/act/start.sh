# shellcheck shell=sh disable=SC2154
# Starts the server as a member.
check() {
  need_unit
  server_absent
  flags=$(new_cluster_flags)
  [ -z "$flags" ] || refuse leftovers "it would start as a new cluster: $flags"
  variables=$(new_cluster_environment) || refuse leftovers "whether it would start as a new cluster: $variables"
  [ -z "$variables" ] || refuse leftovers "it would start as a new cluster, by the manager's environment: $variables"
  alone=$(lone_view "$datadir")
  [ -z "$alone" ] || refuse leftovers "it would be a Primary Component by itself: $alone saves a view of this node alone"
}

work() {
  since=$(date +%s)
  through_the_gate systemctl start "$unit"
  status=$?
  start_left "$status" "$since"
  return "$status"
}
