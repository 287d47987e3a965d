// Package job reads who holds which GPU, so that energy can be given to jobs and
// tenants.
//
//	drop folder      one file a job, by Slurm's prolog ─┐ holdings           things           shares
//	control groups   slurmstepd's, with the job's own   │ job, tenant,       board or part,   of each board
//	                 environment                        ├─▶ device ───────▶  a size ────────▶ at most the ──▶ layout,
//	kubelet socket   pods and their devices             │                                     whole           values
//	mapping folder   one file a GPU, job ids in it ─────┘
//
// Invariants:
//   - Held by nobody is said, and is another thing than not known.
//   - The shares of a board never sum to more than the board, and to all of it if
//     anyone holds all of it. Jobs that hold a thing together without saying how
//     share it alike.
//   - What a finder cannot say now is missing, not free: after a while without an
//     answer all shares are missing. A job that is there, and of which nobody can
//     say what it holds, may hold any board that is not wholly held by others: the
//     shares of those boards are missing.
//   - A job that several finders name is one job. Of what they say differently the
//     first in the order above is believed.
//   - Names leave the host as the configuration says: kept, hashed with the
//     site's key, or left out.
//   - A share of a divided board (MIG) is its part of the compute slices: a model,
//     not a measurement.
//   - Everything foreign is bounded: files, bytes, processes, pods, holdings. A
//     file that cannot be read hides what itself says, and no more.
//
// What a process of a job says in its environment is its user's word for the
// account; a prolog's is the site's.
package job
