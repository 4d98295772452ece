# shellcheck shell=sh disable=SC2154
# Drops the schema, where it holds nothing but our table.
check() {
  need_client
  only_ours
}

work() { sql 20 'DROP DATABASE IF EXISTS breakglass_check'; }
