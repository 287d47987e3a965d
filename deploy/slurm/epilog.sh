#!/bin/sh
# Tells the Gigawatch collector that a job holds nothing any more.
dir=${GIGAWATCH_JOBS:-/run/gigawatch/jobs}
[ -n "$SLURM_JOB_ID" ] && rm -f "$dir/$SLURM_JOB_ID"
exit 0
