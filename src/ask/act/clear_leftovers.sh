# shellcheck shell=sh disable=SC2154
# Moves away what could bootstrap this node by itself (S10). What is moved or changed is kept in quarantine.
files() { # the regular files that are read for it, links followed, each once
  {
    leftover_places "$datadir"
    if with_systemd && [ -n "$unit" ]; then
      bounded 10 systemctl show -p DropInPaths -p EnvironmentFiles "$unit" 2>/dev/null | sed -n -e 's/^DropInPaths=//p' \
        -e 's/^EnvironmentFiles=\(.*\) (.*$/\1/p' | tr ' ' '\n'
    fi
    defaults_of "$unit"
    printf '%s\n' "$defaults"
  } | while IFS= read -r place; do
    if [ -n "$place" ] && [ -e "$place" ]; then find -H "$place" -type f; fi
  done | while IFS= read -r file; do readlink -f "$file"; done | sort -u
}

numbers() { # FILE: the lines that bootstrap, by their numbers
  grep -niE '^[[:space:]]*(--)?wsrep[-_]new[-_]cluster[[:space:]]*(=|$|#)|--wsrep[-_]new[-_]cluster|[-_]wsrep[-_]new[-_]cluster=' "$1" |
    grep -viE '^[0-9]+:[[:space:]]*([#;]|unsetenvironment|(--)?wsrep[-_]new[-_]cluster[[:space:]]*=[[:space:]]*["'\'']?(0|off|false)["'\'']?[[:space:]]*(#.*)?$)' |
    sed 's/:.*//'
}

alone() { # FILE NUMBER: whether the line holds nothing but what bootstraps, and can go as a whole
  sed -n "$2p" "$1" | grep -qiE \
    -e '^[[:space:]]*(--)?wsrep[-_]new[-_]cluster[[:space:]]*(=[[:space:]]*["'\'']?[a-z0-9]*["'\'']?[[:space:]]*)?(#.*)?$' \
    -e '^[[:space:]]*(Environment[[:space:]]*=[[:space:]]*)?["'\'']?_?WSREP_NEW_CLUSTER=["'\'']?[a-z0-9_=-]*["'\'']?[[:space:]]*$' \
    -e '^[[:space:]]*export[[:space:]]+_?WSREP_NEW_CLUSTER=["'\'']?[a-z0-9_=-]*["'\'']?[[:space:]]*$'
}

nobody() { # FILE: the lines with a cluster address that names nobody
  grep -niE 'wsrep[-_]cluster[-_]address[[:space:]]*=[[:space:]]*["'\'']?gcomm://[,/ ]*([?"'\'' #]|$)' "$1" |
    grep -vE '^[0-9]+:[[:space:]]*[#;]'
}

check() {
  # The view of a server that runs is its own, and current.
  alone=$(lone_view "$datadir")
  if [ -n "$alone" ]; then
    processes
    if [ -n "$servers" ]; then alone=; fi
  fi
  # From here on lists are lines: a path may hold blanks.
  IFS=$nl
  set -f
  by_hand=
  for file in $(files); do
    # Only places are told: a whole line may hold a password.
    for number in $(nobody "$file" | sed 's/:.*//'); do
      by_hand="$by_hand; $file:$number names no member: name the members there"
    done
    for number in $(numbers "$file"); do
      around=$(sed -n "$((number > 1 ? number - 1 : 1)),${number}p" "$file")
      case $around in
      *"\\" | *"\\$nl"*) by_hand="$by_hand; $file:$number is part of a line that goes on: take the new-cluster option out of it" ;;
      *)
        alone "$file" "$number" ||
          by_hand="$by_hand; $file:$number holds more than the new-cluster option: take that out and keep the rest"
        ;;
      esac
    done
  done
  [ -z "$by_hand" ] || refuse by-hand "${by_hand#; } (after a change of a unit: systemctl daemon-reload)"
}

work() {
  flags=$(new_cluster_flags)
  for file in $flags; do quarantine "$file" move || return 1; done
  if [ -n "$alone" ]; then quarantine "$alone" move || return 1; fi
  units_changed=
  for file in $(files); do
    list=$(numbers "$file")
    [ -n "$list" ] || continue
    quarantine "$file" copy || return 1
    cp -p "$file" "$file.breakglass" || return 1
    edit=
    for number in $list; do edit="$edit${number}s/^/# breakglass: /;"; done
    sed "$edit" "$file" >"$file.breakglass" || return 1
    if have chcon; then chcon --reference="$file" "$file.breakglass" 2>/dev/null || :; fi
    mv "$file.breakglass" "$file" || return 1
    echo "commented out in $file: line $(printf %s "$list" | tr '\n' ' ')"
    case $file in */systemd/*) units_changed=yes ;; esac
  done
  if with_systemd; then
    [ -z "$units_changed" ] || bounded 60 systemctl daemon-reload || return 1
    found=$(new_cluster_environment) || {
      echo "$found"
      return 1
    }
    printf '%s\n' "$found" | while IFS= read -r line; do
      [ -n "$line" ] || continue
      mkdir -p "$state/quarantine/$session" || exit 1
      printf "from the manager's environment: %s\n" "$line" | tee -a "$state/quarantine/$session/MANIFEST"
      bounded 10 systemctl unset-environment "${line%%=*}" || exit 1
    done || return 1
    found=$(new_cluster_environment) || return 1
    [ -z "$found" ] || return 1
  fi
  [ -z "$(new_cluster_flags)" ] || return 1
  [ -z "$alone" ] || [ -z "$(lone_view "$datadir")" ] || return 1
  for file in $(files); do
    [ -z "$(numbers "$file")" ] || return 1
  done
  echo 'nothing is left that could bootstrap this node'
}
