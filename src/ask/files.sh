# shellcheck shell=sh
# shellcheck disable=SC2154 # what stands here is read in front of probe.sh, whose words it uses
# Files beside the state files: the cache of write-sets, a backup, keys and certificates. Functions only.

provider_option() { # NAME: sets r to a provider option's value, as the running server or the option files say it
  r=
  old_ifs=$IFS
  IFS=';'
  set -f
  for word in $provider_options; do
    while :; do
      case $word in
      ' '*) word=${word# } ;;
      *' ') word=${word% } ;;
      *) break ;;
      esac
    done
    case $word in
    "$1="*) r=${word#*=} ;;
    "$1 = "*) r=${word#* = } ;;
    esac
  done
  set +f
  IFS=$old_ifs
}

in_datadir() { # PATH: sets r to it, made absolute
  case $1 in
  '' | /*) r=$1 ;;
  *) r=$datadir/${1#./} ;;
  esac
}

say_gcache() { # what galera.cache says of itself, and the room it and its pages take
  provider_option gcache.dir
  in_datadir "${r:-$datadir}"
  folder=$r
  provider_option gcache.name
  name=${r:-galera.cache}
  case $name in
  /*) path=$name ;;
  *) path=$folder/$name ;;
  esac
  if [ -n "$server_pid" ]; then
    # It says nothing of its bounds while a server writes it.
    say gcache-head ok ''
  elif [ -f "$path" ] && [ -r "$path" ]; then
    # The preamble is text in the first 1024 bytes.
    say gcache-head ok "$(bounded 2 head -c 1024 "$path" 2>/dev/null | tr -cd '\012\040-\176')"
  else
    absent "$path"
    say gcache-head "$st" ''
  fi
  set --
  for page in "$path" "$folder"/gcache.page.*; do
    if [ -f "$page" ]; then set -- "$@" "$page"; fi
  done
  if [ $# -eq 0 ]; then
    absent "$path"
    say gcache-sizes "$st" ''
  elif ! have stat; then
    say gcache-sizes notool ''
  elif b=$(bounded 2 stat -L -c %s "$@" 2>&1); then
    say gcache-sizes ok "$b"
  else
    blame "$b" $?
    say gcache-sizes "$st" ''
  fi
}

say_backup() { # FOLDER: time and name of its newest entry; nothing is said where no folder was named
  [ -n "$1" ] || return 0
  if ! have stat || [ "$bounds" = no ]; then
    say backup notool ''
  elif [ -d "$1" ] && [ -r "$1" ] && [ -x "$1" ]; then
    if b=$(bounded 3 ls -1At "$1/" 2>&1); then
      name=$(printf '%s\n' "$b" | head -n 1)
      if [ -z "$name" ]; then
        say backup ok ''
      elif b=$(bounded 2 stat -L -c '%Y' "$1/$name" 2>&1); then
        say backup ok "$b $name"
      else
        blame "$b" $?
        say backup "$st" ''
      fi
    else
      blame "$b" $?
      say backup "$st" ''
    fi
  else
    absent "$1/."
    case $st in failed-*) st=denied ;; esac
    say backup "$st" ''
  fi
}

say_encryption() { # options of encryption at rest: names, and values only where they are words or paths
  if [ "$options_state" != ok ]; then
    say encryption "$options_state" ''
    return 0
  fi
  b=$(printf '%s\n' "$all" | sed -n -E -e 's/^--(loose[-_])?/--/' \
    -e 's/^--(file[-_]key[-_]management[-_]filename|keyring[-_]file[-_]data|keyring[-_]vault[-_]config)=/\1=/p' \
    -e 's/^--((innodb[-_])?(default[-_])?(table[-_])?(redo[-_]log[-_]|undo[-_]log[-_])?encrypt[-_a-z]*)(=(ON|OFF|[01]|FORCE|TRUE|FALSE|YES|NO|on|off|force|true|false|yes|no))?$/\1\6/p' \
    -e 's/^--((early[-_])?plugin[-_]load([-_]add)?)=.*(keyring_[a-z]+|hashicorp_key_management|file_key_management|aws_key_management).*/\1=\4/p' \
    -e 's/^--((hashicorp|aws|file)[-_]key[-_]management[-_][-_a-z]*)=.*/\1/p')
  for place in "${binary%/*}/mysqld.my" "$datadir/mysqld.my"; do
    if [ -f "$place" ] && [ -r "$place" ]; then
      more=$(grep -oE 'component_keyring_[a-z_]+' "$place" 2>/dev/null)
      [ -z "$more" ] || b=$b${nl}component=$more
    fi
  done
  say_end_of encryption 4096 "$b"
  path=
  [ -z "$b" ] || path=$(printf '%s\n' "$b" | sed -n -E 's/^(file[-_]key[-_]management[-_]filename|keyring[-_]file[-_]data|keyring[-_]vault[-_]config)=//p' | tail -n 1)
  if [ -z "$path" ]; then
    say key-file ok ''
    return 0
  fi
  in_datadir "$path"
  path=$r
  # As the server's user sees it, where we may take its place; else by what we see.
  if ! e=$(bounded 2 ls -d "$path" 2>&1); then
    blame "$e" $?
    case $st in
    missing) say key-file ok missing ;;
    *) say key-file "$st" '' ;;
    esac
  elif [ "$(id -u)" = 0 ] && [ "$user" != root ] && have setpriv; then
    if bounded 2 setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups test -r "$path" 2>/dev/null; then
      say key-file ok readable
    else
      say key-file ok denied
    fi
  elif [ "$(id -un 2>/dev/null)" = "$user" ]; then
    if [ -r "$path" ]; then say key-file ok readable; else say key-file ok denied; fi
  else
    say key-file notool ''
  fi
}

public_part() { # FILE: its certificates and nothing else, a private key may stand beside them
  bounded 2 head -c 65536 "$1" 2>/dev/null | sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p'
}

say_certificates() { # whether replication is encrypted, its certificate and that of its authority
  provider_option socket.ssl
  given=$r
  provider_option socket.ssl_cert
  in_datadir "$r"
  cert=$r
  provider_option socket.ssl_ca
  in_datadir "$r"
  ca=$r
  case $given in [Nn][Oo] | [Oo][Ff][Ff] | 0 | false) cert= ;; esac
  if [ -z "$cert" ]; then
    if [ "$options_state" != ok ] && [ -z "$provider_told" ]; then
      say cert-file "$options_state" ''
    elif [ -z "$provider_told" ] && [ -e "$datadir/server-cert.pem" ]; then
      # Percona's server encrypts its replication by itself where its own certificate is there; only it can tell.
      say cert-file failed-1 ''
    else
      say cert-file ok ''
    fi
    return 0
  fi
  say cert-file ok "$cert"
  for which in cert ca; do
    path=$cert
    if [ "$which" = ca ]; then path=$ca; fi
    [ -n "$path" ] || continue
    if [ -f "$path" ] && [ -r "$path" ]; then
      say_end_of "$which" 32768 "$(public_part "$path")"
    else
      absent "$path"
      say "$which" "$st" ''
    fi
  done
}
