#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make demo` records: a fork, a pipeline, a subshell, a background job, a failing command,
# a command that does not exist, and one that ends by a signal.
set -u

/bin/echo "hello from a child"
printf '3\n1\n2\n' | sort | head -n 2
(
    cd / && /bin/ls -d etc
)
sleep 0.2 &
job=$!
/bin/false || echo "false said no"
/no/such/command 2>/dev/null || echo "one exec failed"
sh -c 'kill -TERM $$' || echo "one ended by a signal"
wait "$job"
