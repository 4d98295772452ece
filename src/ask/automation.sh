# shellcheck shell=sh
# shellcheck disable=SC2154 # what stands here is read in front of probe.sh, whose words it uses
# What else could start or stop the server (S21), and what the kernel saw. Functions only.

# What starts or stops a server, in a line of a shell. The line itself stays on the node: it may hold a password.
acts='galera_new_cluster|galera_recovery|galera-autofix|mysqld_bootstrap|systemctl +(-[^ ]+ +)*(start|stop|restart|try-restart|reload-or-restart|kill) +[^;&|]*(mariadb|mysql)[^ ;&|]*|service +(mariadb|mysql|mysqld) +(start|stop|restart|bootstrap)[-a-z]*|/etc/init\.d/(mariadb|mysql|mysqld) +(start|stop|restart|bootstrap)[-a-z]*|(pkill|killall) [^;&|]*(mariadbd|mysqld)|monit +(start|stop|restart) +[^ ;&|]*(mariadb|mysql|galera)[^ ;&|]*|(pcs|crm) +resource +[^;&|]*(galera|mariadb|mysql)[^ ;&|]*'

say_container() { # whose machine this is, one word per line
  b=
  if [ -e "$BG_ROOT/.dockerenv" ]; then b=${b}docker$nl; fi
  if [ -e "$BG_ROOT/run/.containerenv" ]; then b=${b}podman$nl; fi
  if [ -n "${KUBERNETES_SERVICE_HOST-}" ] || [ -d "$BG_ROOT/var/run/secrets/kubernetes.io" ]; then b=${b}kubernetes$nl; fi
  line=
  { IFS= read -r line <"$BG_ROOT/run/systemd/container" || :; } 2>/dev/null
  case "$line" in
  '') ;;
  *[!a-z-]*) b=${b}unknown$nl ;;
  *) b=$b$line$nl ;;
  esac
  say container ok "$b"
}

say_monit() { # PIDS: the services of a monit that runs, and those that its files say are about a server
  if [ -z "$1" ]; then
    say monit ok ''
    return 0
  fi
  if [ "$bounds" = no ] || ! have monit; then
    say monit notool ''
  elif b=$(bounded 2 monit -B status 2>&1) || b=$(bounded 2 monit status 2>&1); then
    say_end_of monit 16384 "$(printf '%s\n' "$b" | grep -E "^[A-Z][A-Za-z ]* '|^ *(monitoring status|pid) ")"
  else
    blame "$b" $?
    say monit "$st" ''
  fi
  set --
  for place in /etc/monit /etc/monit.d /etc/monitrc /etc/monit.conf; do
    if [ -e "$BG_ROOT$place" ]; then set -- "$@" "$BG_ROOT$place"; fi
  done
  st=missing
  b=
  if [ $# -gt 0 ]; then
    st=ok
    # Only these words leave the node: monit's files hold passwords.
    b=$(bounded 2 grep -rhoE '^[[:space:]]*check +[a-z]+ +[^ ]+|mariadb|mysql|galera' "$@" 2>&1)
    case $? in 124 | 137 | 143) st=timeout ;; esac
    case $b in *"Permission denied"*) st=denied ;; esac
  fi
  say_end_of monit-files 8192 "$b"
  [ "$st" = ok ] || say monit-unread "$st" ''
}

say_cron() { # PLACE:LINE:WHAT of each entry that starts or stops a server
  set --
  for place in /etc/crontab /etc/anacrontab /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly \
    /etc/cron.monthly /var/spool/cron; do
    if [ -e "$BG_ROOT$place" ]; then set -- "$@" "$BG_ROOT$place"; fi
  done
  st=ok
  b=
  if [ $# -gt 0 ]; then
    b=$(bounded 2 grep -rHnE "$acts" "$@" /dev/null 2>&1)
    case $? in 124 | 137 | 143) st=timeout ;; esac
    case $b in *"Permission denied"*) st=denied ;; esac
    [ -z "$b" ] || b=$(printf '%s\n' "$b" | grep -vE '^[^:]*:[0-9]+:[[:space:]]*#' |
      sed -n -E "s!^([^:]*:[0-9]+:)(.*[^a-zA-Z_-])?($acts).*!\\1\\3!p")
  fi
  say_end_of cron 4096 "$b"
  [ "$st" = ok ] || say cron-unread "$st" ''
}

say_timers() { # TIMER SERVICE WHAT of each timer about a server, and `service NAME` of watchdogs that run
  if [ "$manager" != systemd ] || [ "$bounds" = no ] || ! have systemctl; then
    say timers missing ''
    return 0
  fi
  if ! b=$(bounded 3 systemctl show -p Id,Unit,ActiveState,ExecStart '*.timer' '*galera*.service' '*autofix*.service' 2>&1); then
    blame "$b" $?
    say timers "$st" ''
    return 0
  fi
  # What a timer starts stands in its service. Those that come with every system start no server.
  timers=
  old_ifs=$IFS
  IFS=$nl
  set -f
  for line in $b; do
    case $line in
    Unit=systemd-* | Unit=apt-daily* | Unit=dpkg-* | Unit=logrotate.* | Unit=man-db.* | Unit=fstrim.* | Unit=e2scrub* | \
      Unit=motd-news* | Unit=update-notifier* | Unit=fwupd* | Unit=ua-timer* | Unit=md[acm]* | Unit=dnf-* | Unit=sysstat* | \
      Unit=plocate* | Unit=updatedb* | Unit=phpsessionclean*) ;;
    Unit=*) timers="$timers ${line#Unit=}" ;;
    esac
  done
  set +f
  IFS=$old_ifs
  # shellcheck disable=SC2086 # names of units hold no blanks
  [ -z "$timers" ] || b=$b$nl$nl$(bounded 3 systemctl show -p Id,ExecStart $timers 2>/dev/null)
  say_end_of timers 16384 "$(printf '%s\n' "$b" | sed -E -n \
    -e 's!^ExecStart=.*[^a-zA-Z_-]('"$acts"').*!ExecStart=\1!p' -e '/^(Id|Unit|ActiveState)=/p' -e '/^$/p')"
}

say_kernel() { # which log, then its lines about failed input and output and about killed database servers
  seen='I/O error|Medium Error|(EXT4|XFS|BTRFS|JBD2).*([Ee]rror|[Cc]orrupt|[Ss]hut|abort|forced readonly)|[Rr]emounting filesystem read-only|Out of memory: Kill|out of memory: Kill'
  st=notool
  b=
  from=dmesg
  # dmesg first: it is much quicker.
  if [ "$bounds" = yes ] && have dmesg; then
    st=ok
    b=$(bounded 3 dmesg 2>&1) || blame "$b" $?
  fi
  if [ "$st" != ok ] && [ "$bounds" = yes ] && [ "$manager" = systemd ] && have journalctl; then
    from=journal
    b=$(bounded 3 journalctl -k -n 2000 --no-pager -q -o short-unix 2>&1)
    code=$?
    case $code$nl$b in
    0"$nl" | 0"$nl-- No entries --") ;;
    *"${nl}No journal files were opened due to insufficient permissions"* | *"${nl}Hint: You are currently not seeing messages from other users"*) st=denied ;;
    0"$nl"*) st=ok ;;
    *) blame "$b" "$code" ;;
    esac
  fi
  if [ "$st" = ok ]; then
    b=$(printf '%s\n' "$b" | grep -E "$seen")
    [ -z "$b" ] || b=$(printf '%s\n' "$b" | cut -c 1-300 | tail -n 40)
    say_end_of kernel 16384 "$from$nl$b"
  else
    say kernel "$st" ''
  fi
}
