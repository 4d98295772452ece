# shellcheck shell=sh disable=SC2154
# Where state goes instead of being deleted (S12): a place no state transfer wipes.
quarantine() { # PATH move|copy: says what went where, for the record too
  kept=$state/quarantine/$session
  mkdir -p "$kept" || return 1
  number=$(find "$kept" -type f ! -name MANIFEST | wc -l)
  to=$kept/$((number + 1))-${1##*/}
  about=$(stat -L -c '%s %U:%G %a %Y' "$1") || return 1
  sum=unknown
  if have sha256sum; then
    sum=$(sha256sum <"$1") || return 1
    sum=${sum%% *}
  fi
  cp -p "$1" "$to" || return 1
  bounded 10 sync "$to" 2>/dev/null || :
  printf 'from %s to %s sha256 %s size, owner, mode, mtime %s\n' "$1" "$to" "$sum" "$about" | tee -a "$kept/MANIFEST"
  if [ "$2" = move ]; then rm "$1" || return 1; fi
}
