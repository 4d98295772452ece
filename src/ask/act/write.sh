# shellcheck shell=sh disable=SC2154
# Parameter: the token. Writes one row into a schema made for it (S22).
check() {
  token_holds "$1"
  need_client
  only_ours
}

work() {
  sql 20 "CREATE DATABASE IF NOT EXISTS breakglass_check;
CREATE TABLE IF NOT EXISTS breakglass_check.mark (id VARCHAR(40) PRIMARY KEY, written_at TIMESTAMP) ENGINE=InnoDB;
REPLACE INTO breakglass_check.mark (id) VALUES ('$1');"
}
