# shellcheck shell=sh
# The server's own client, over its socket.
need_client() {
  client=$(command -v mariadb || command -v mysql) || refuse no-way 'there is no client on this node'
  socket=
  if have my_print_defaults; then
    socket=$({ bounded 3 my_print_defaults --mysqld || bounded 3 my_print_defaults mysqld server mariadb mariadbd galera; } 2>/dev/null |
      sed -n 's/^--socket=//p' | tail -n 1)
  fi
}

sql() { # SECONDS STATEMENTS
  limit=$1
  statements=$2
  set -- --connect-timeout=3 --skip-column-names --batch
  [ -z "$socket" ] || set -- "$@" --protocol=SOCKET --socket="$socket"
  bounded "$limit" "$client" "$@" -e "$statements" </dev/null 2>&1
}

token_holds() { # TOKEN: it stands inside a statement
  case $1 in
  '' | *[!A-Za-z0-9._-]*) refuse malformed 'the token is not 1 to 40 letters, digits, ".", "_" or "-"' ;;
  esac
  [ "${#1}" -le 40 ] || refuse malformed 'the token is longer than 40 characters'
}

only_ours() { # Refuses where schema breakglass_check holds anything but our table
  tables=$(sql 10 "SELECT table_name FROM information_schema.tables WHERE table_schema = 'breakglass_check'") ||
    refuse sql "the server does not answer: $tables"
  case $tables in
  '' | mark) ;;
  *) refuse schema "breakglass_check holds what is not ours: $tables" ;;
  esac
}
