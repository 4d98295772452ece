# shellcheck shell=sh
# Where something can stand that bootstraps a node by itself (S10).
leftover_places() { # DATADIR: those that are there, one per line
  for place in /etc/my.cnf /etc/my.cnf.d /etc/mysql /etc/mysql/my.cnf /etc/percona-xtradb-cluster.conf.d \
    /etc/percona-xtradb-cluster.cnf /etc/default/mariadb /etc/default/mysql /etc/default/mysqld \
    /etc/sysconfig/mariadb /etc/sysconfig/mysql /etc/sysconfig/mysqld /etc/sysconfig/mysql.bootstrap \
    /etc/systemd/system/mariadb.service /etc/systemd/system/mysql.service /etc/systemd/system/mysqld.service \
    /etc/systemd/system/mariadb.service.d /etc/systemd/system/mysql.service.d \
    /etc/systemd/system/mysqld.service.d /run/systemd/system/mariadb.service.d \
    /run/systemd/system/mysql.service.d /run/systemd/system/mysqld.service.d; do
    if [ -e "$BG_ROOT$place" ]; then printf '%s\n' "$BG_ROOT$place"; fi
  done
  if [ -e "$1/my.cnf" ]; then printf '%s\n' "$1/my.cnf"; fi
}

lone_view() { # DATADIR: its gvwstate.dat, where that saves a view of one member: such a server needs nobody at its next start
  if [ "$(grep -c '^[[:space:]]*member:' "${1%/}/gvwstate.dat" 2>/dev/null)" = 1 ]; then
    printf '%s\n' "${1%/}/gvwstate.dat"
  fi
}

new_cluster_environment() { # the manager's variables that start a server as a new cluster, one per line; a name alone does not
  found=$(bounded 10 systemctl show-environment 2>&1) || {
    printf 'the environment cannot be read: %s\n' "$found"
    return 1
  }
  printf '%s\n' "$found" | grep -i 'wsrep[-_]new[-_]cluster' | grep -vE "^[A-Za-z0-9_]+=[\$\"']*\$" || :
}

new_cluster_flags() { # the flag files that are there, one per line
  seen=
  for place in /run/mariadb-wsrep-new-cluster /run/mysqld/wsrep-new-cluster /run/mariadb/wsrep-new-cluster \
    /var/run/mysqld/wsrep-new-cluster; do
    if [ -e "$BG_ROOT$place" ]; then
      # One file by two names is one.
      one=$(stat -L -c %d:%i "$BG_ROOT$place" 2>/dev/null)
      case "$seen " in *" $one "*) continue ;; esac
      seen="$seen $one"
      printf '%s\n' "$BG_ROOT$place"
    fi
  done
}
