#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Records a Redis server that saves in the background while it is written to. Needs root and
# Debian's redis-tools.
#
#     bgsave.sh FOLDER [KEYS [BYTES]]
#
# FOLDER/redis.ptrace is the recording; what Redis and proctrace say of the copies goes to stdout.
# THP=yes lets Redis have huge pages (it refuses them by default) and asks its allocator for them.
# HOLD=yes stops the saving process while keys are set, so that the figures are a matter of no race.
# SAVE_DELAY is Redis's rdb-key-save-delay: N sleeps N us at each key, -N at one key in N.
set -eu

folder=$(realpath "${1:?usage: bgsave.sh FOLDER [KEYS [BYTES]]}")
keys=${2:-200000}
bytes=${3:-500}
proctrace=${PROCTRACE:-$(dirname "$0")/../../.venv/bin/proctrace}
socket=$folder/redis.sock
mkdir -p "$folder"
rm -f "$socket" "$folder/dump.rdb"

# Debian's redis-check-rdb is the server under another name, and comes without a service.
ln -sf "$(command -v redis-check-rdb)" "$folder/redis-server"

cli() { redis-cli -s "$socket" "$@"; }
set_keys() { redis-benchmark -s "$socket" -q -t set -d "$bytes" -r "$keys" -P 32 -n "$1" >/dev/null; }
persistence() { cli info persistence | tr -d '\r' | sed -n "s/^$1://p"; }

disable_thp=yes
if [ "${THP:-no}" = yes ]; then
  disable_thp=no
  export MALLOC_CONF=thp:always
fi
"$proctrace" record -f -o "$folder/redis.ptrace" -- "$folder/redis-server" \
  --port 0 --unixsocket "$socket" --dir "$folder" --save '' --disable-thp "$disable_thp" \
  --rdb-key-save-delay "${SAVE_DELAY:--8}" >"$folder/redis.log" &
recorder=$!
until cli ping >/dev/null 2>&1; do
  kill -0 "$recorder"
  sleep 0.1
done

set_keys "$((keys * 2))"
cli bgsave >/dev/null
if [ "${HOLD:-no}" = yes ]; then
  saver=$(sed -n 's/.*Background saving started by pid //p' "$folder/redis.log")
  kill -STOP "$saver"
  set_keys "$((keys * 2))"
  kill -CONT "$saver"
fi
while [ "$(persistence rdb_bgsave_in_progress)" = 1 ]; do
  if [ "${HOLD:-no}" = yes ]; then sleep 0.1; else set_keys "$((keys / 10))"; fi
done
cow_bytes=$(persistence rdb_last_cow_size)
cli shutdown nosave
wait "$recorder"

echo "rdb_last_cow_size $cow_bytes, or $((cow_bytes / 4096)) pages"
for key in fork section symbol; do
  echo
  "$proctrace" cow "$folder/redis.ptrace" --by "$key" --top 5
done
