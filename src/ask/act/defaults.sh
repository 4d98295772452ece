# shellcheck shell=sh disable=SC2034,SC2020
# The option file that the unit names, if it names one.
defaults_of() { # UNIT: sets defaults
  defaults=
  if with_systemd && [ -n "$1" ]; then
    defaults=$(bounded 10 systemctl show -p ExecStart -p Environment "$1" 2>/dev/null |
      tr " \"';" '\n\n\n\n' | sed -n 's/^\(MYSQLD_OPTS=\)*--defaults-file=//p' | tail -n 1)
  fi
}
