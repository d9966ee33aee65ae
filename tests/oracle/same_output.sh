#!/bin/sh
# same_output.sh BINARY DATA: whether `scan --detections` writes the same bytes with one thread and with two,
# the whole rule corpus over all events of DATA. Nothing is kept: both streams are compared as they come.
set -eu
binary=$1 data=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mkdir "$folder/sigma"
tar --zstd -xf "$data"/sigma/*.tar.zst -C "$folder/sigma"
set --
for name in rules rules-compliance rules-emerging-threats rules-placeholder rules-threat-hunting; do
  for path in "$folder"/sigma/*/"$name"; do
    if [ -d "$path" ]; then set -- "$@" -r "$path"; fi
  done
done

scan() { "$binary" scan -q -o jsonl --detections "$@" "$data"/events/*/*.zst || : >"$folder/failed"; }
mkfifo "$folder/one" "$folder/two"
scan "$@" --jobs 1 | tee "$folder/one" | wc -l >"$folder/count" &
scan "$@" --jobs 2 >"$folder/two" &
cmp "$folder/one" "$folder/two"
wait
if [ -e "$folder/failed" ]; then
  echo "a scan failed" >&2
  exit 1
fi
count=$(cat "$folder/count")
echo "$count detections, byte for byte the same"
[ "$count" -gt 0 ]
