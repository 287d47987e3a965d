#!/bin/bash
# Runs SEEDS seeds of the fault simulation from FROM on, CHUNK at a time, on one core, and says how many
# ran clean at this commit. A chunk that did leaves its summary in LOGS/<commit>, and is not run again, so
# that what was interrupted goes on; of one that did not, what it printed is there.
set -u -o pipefail
cd "$(dirname "$0")" || exit 1
from=${FROM:-0} seeds=${SEEDS:-10000} chunk=${CHUNK:-500}
commit=$(git describe --always --abbrev=12 --exclude='*' --dirty)
logs=${LOGS:-../../../out/seeds}/$commit
mkdir -p "$logs" && logs=$(realpath "$logs") || exit 1
case $commit in *-dirty) rm -f "$logs"/*.clean ;; esac # what it names may be anything
go test -c -tags dedupelabels -o "$logs/fault.test" . || exit 1
clean=0 failed=0
for ((at = from; at < from + seeds; at += chunk)); do
	n=$((from + seeds - at < chunk ? from + seeds - at : chunk))
	log=$logs/$at+$n
	if [ ! -e "$log.clean" ]; then
		FAULT_FROM=$at FAULT_SEEDS=$n FAULT_BARE=1 FAULT_MOST=1000 GOMAXPROCS=1 GOGC=400 nice -n 19 \
			"$logs/fault.test" -test.run '^TestFaults$' -test.v -test.timeout 24h 2>&1 |
			grep --line-buffered -vE '^ *(=== |--- (PASS|SKIP))' >"$log.running" && mv "$log.running" "$log.clean" || mv "$log.running" "$log.failed"
	fi
	if [ -e "$log.clean" ]; then
		clean=$((clean + n))
		grep -ho "$n seeds in .*" "$log.clean"
	else
		ran=$(grep -oE '[0-9]+ seeds in ' "$log.failed" | cut -d' ' -f1) # none if it did not come to its end
		bad=$(grep -oE 'FAULT_SEED=[0-9]+' "$log.failed" | sort -u | wc -l)
		failed=$((failed + (bad > 0 ? bad : 1))) clean=$((clean + (ran > bad ? ran - bad : 0)))
		grep -hE 'I[0-9]: |oracle: |again: |panic: ' "$log.failed"
	fi
	echo "$(date -u +%H:%M:%S) of the seeds $from to $((at + n - 1)) at $commit $clean ran clean and $failed failed"
done
[ "$failed" = 0 ] && [ "$clean" = "$seeds" ]
