// Package job reads who holds which GPU, so that energy can be given to jobs and
// tenants.
//
//	mapping folder   one file a GPU, job ids in it ─────┐
//	drop folder      one file a job, by Slurm's prolog ─┤
//	control groups   slurmstepd's, with the job's own ──┼─▶ holdings ─▶ shares of boards ─▶ layout, values
//	                 environment                        │   job, tenant,   of each board      a Job entity for
//	kubelet socket   pods and their devices ────────────┘   device         at most the whole   each held board
//
// Invariants:
//   - Held by nobody is said, and is another thing than not known.
//   - The shares of a board never sum to more than the board. Jobs that hold a
//     board together without saying how share it alike.
//   - What a finder cannot say now is missing, not free: after a while without an
//     answer the shares it told of are missing.
//   - Names leave the host as the configuration says: kept, hashed with the
//     site's key, or left out.
//   - A share of a divided board (MIG) is its part of the compute slices: a model,
//     not a measurement.
package job
