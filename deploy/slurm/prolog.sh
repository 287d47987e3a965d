#!/bin/sh
# Tells the Gigawatch collector which job holds which GPU of this host.
# In slurm.conf: Prolog=/etc/slurm/prolog.d/*  Epilog=/etc/slurm/epilog.d/*
#                PrologFlags=Alloc, or a job that holds GPUs and runs nothing is not told of
# In the collector's file: sources.jobs.drop_dir: /run/gigawatch/jobs
# In /etc/tmpfiles.d: tmpfiles.conf beside this file, which makes the folder at boot
# A prolog that fails drains the node, so this one never does.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022
dir=${GIGAWATCH_JOBS:-/run/gigawatch/jobs}
case $SLURM_JOB_ID in
'' | *[!0-9]*) exit 0 ;;
esac

# Slurm counts parts of divided boards as GPUs of their own: its numbers are then
# not those of the boards, but it gives their uuids besides.
gpus=${SLURM_JOB_GPUS:-${GPU_DEVICE_ORDINAL:-$CUDA_VISIBLE_DEVICES}}
case $CUDA_VISIBLE_DEVICES in
*MIG-* | *GPU-*) gpus=$CUDA_VISIBLE_DEVICES ;;
esac
case $gpus in
*NoDevFiles*) gpus= ;;
esac

mkdir -p "$dir" || exit 0
# The collector does not read files whose names begin with a dot.
printf 'job=%s\ntenant=%s\ngpus=%s\n' "$SLURM_JOB_ID" "${SLURM_JOB_ACCOUNT:-$SLURM_JOB_USER}" "$gpus" >"$dir/.$SLURM_JOB_ID" &&
	mv -f "$dir/.$SLURM_JOB_ID" "$dir/$SLURM_JOB_ID" || rm -f "$dir/.$SLURM_JOB_ID"
exit 0
