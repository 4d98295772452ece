# shellcheck shell=sh disable=SC2154
# A deed that ends while we wait: its result is on disk before anything of it is said.
check "$@"
work "$@" >"$op_dir/output" 2>&1
status=$?
keep "done $status" "$op_dir/output" || :
answer "done $status" "$op_dir/output"
if [ "$deed" = release-lease ] && [ "$status" -eq 0 ]; then
  rm -rf "$op_dir"
  rmdir "$ops" "$state" 2>/dev/null || :
fi
exit 0
