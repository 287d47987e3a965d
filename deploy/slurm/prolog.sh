#!/bin/sh
# Tells the Gigawatch collector which job holds which GPU of this host.
# In slurm.conf: Prolog=/etc/slurm/prolog.d/*  Epilog=/etc/slurm/epilog.d/*
# In the collector's file: sources.jobs.drop_dir: /run/gigawatch/jobs
# A prolog that fails drains the node, so this one never does.
dir=${GIGAWATCH_JOBS:-/run/gigawatch/jobs}
gpus=${SLURM_JOB_GPUS:-${GPU_DEVICE_ORDINAL:-$CUDA_VISIBLE_DEVICES}}
[ -n "$SLURM_JOB_ID" ] || exit 0
mkdir -p -m 0755 "$dir" || exit 0
{
	echo "job=$SLURM_JOB_ID"
	echo "tenant=${SLURM_JOB_ACCOUNT:-$SLURM_JOB_USER}"
	echo "gpus=$gpus"
} >"$dir/.$SLURM_JOB_ID" && mv -f "$dir/.$SLURM_JOB_ID" "$dir/$SLURM_JOB_ID"
exit 0
