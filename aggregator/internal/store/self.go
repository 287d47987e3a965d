package store

import (
	"fmt"
	"io"

	vm "github.com/VictoriaMetrics/metrics"
)

// What the TSDB and remote write know of themselves stands in a registry of
// their own library; the part that tells whether the store is well is shown under
// the store's names.
const (
	MetricHeadChunks           = "gigawatch_store_head_chunks"
	MetricSeriesRemoved        = "gigawatch_store_series_removed_total" // from the head, by its own collection
	MetricOutOfOrder           = "gigawatch_store_samples_out_of_order_total"
	MetricWALBytes             = "gigawatch_store_wal_bytes"
	MetricWALFailures          = "gigawatch_store_wal_write_failures_total"
	MetricWALTruncateFailures  = "gigawatch_store_wal_truncation_failures_total"
	MetricWALCorruptions       = "gigawatch_store_wal_corruptions_total"
	MetricCheckpointFailures   = "gigawatch_store_checkpoint_failures_total"
	MetricHeadTruncateFailures = "gigawatch_store_head_truncation_failures_total"
	MetricBlocksLoaded         = "gigawatch_store_blocks"
	MetricCompactions          = "gigawatch_store_compactions_total"
	MetricCompactionFailures   = "gigawatch_store_compaction_failures_total"
	MetricReloadFailures       = "gigawatch_store_reload_failures_total"
	MetricDroppedForAge        = "gigawatch_store_blocks_dropped_for_age_total"
	MetricDroppedForSize       = "gigawatch_store_blocks_dropped_for_size_total"
	MetricRemoteSent           = "gigawatch_store_remote_samples_total" // by remote, as all of these
	MetricRemotePending        = "gigawatch_store_remote_samples_pending"
	MetricRemoteFailed         = "gigawatch_store_remote_samples_failed_total"
	MetricRemoteRetried        = "gigawatch_store_remote_samples_retried_total"
	MetricRemoteDropped        = "gigawatch_store_remote_samples_dropped_total"
	MetricRemoteReached        = "gigawatch_store_remote_sent_timestamp_seconds" // of the newest sample sent
)

// A mirror shows a metric of the registry, summed over all its labels but that
// of the remote.
type mirror struct{ as, from, kind string }

const (
	tsdbPrefix   = "prometheus_tsdb_"
	remotePrefix = "prometheus_remote_storage_"
	remoteLabel  = "remote_name"
)

func mirrors() []mirror {
	return []mirror{
		{MetricHeadChunks, tsdbPrefix + "head_chunks", "gauge"},
		{MetricSeriesRemoved, tsdbPrefix + "head_series_removed_total", "counter"},
		{MetricOutOfOrder, tsdbPrefix + "head_out_of_order_samples_appended_total", "counter"},
		{MetricWALBytes, tsdbPrefix + "wal_storage_size_bytes", "gauge"},
		{MetricWALFailures, tsdbPrefix + "wal_writes_failed_total", "counter"},
		{MetricWALTruncateFailures, tsdbPrefix + "wal_truncations_failed_total", "counter"},
		{MetricWALCorruptions, tsdbPrefix + "wal_corruptions_total", "counter"},
		{MetricCheckpointFailures, tsdbPrefix + "checkpoint_creations_failed_total", "counter"},
		{MetricHeadTruncateFailures, tsdbPrefix + "head_truncations_failed_total", "counter"},
		{MetricBlocksLoaded, tsdbPrefix + "blocks_loaded", "gauge"},
		{MetricCompactions, tsdbPrefix + "compactions_total", "counter"},
		{MetricCompactionFailures, tsdbPrefix + "compactions_failed_total", "counter"},
		{MetricReloadFailures, tsdbPrefix + "reloads_failures_total", "counter"},
		{MetricDroppedForAge, tsdbPrefix + "time_retentions_total", "counter"},
		{MetricDroppedForSize, tsdbPrefix + "size_retentions_total", "counter"},
		{MetricRemoteSent, remotePrefix + "samples_total", "counter"},
		{MetricRemotePending, remotePrefix + "samples_pending", "gauge"},
		{MetricRemoteFailed, remotePrefix + "samples_failed_total", "counter"},
		{MetricRemoteRetried, remotePrefix + "samples_retried_total", "counter"},
		{MetricRemoteDropped, remotePrefix + "samples_dropped_total", "counter"},
		{MetricRemoteReached, remotePrefix + "queue_highest_sent_timestamp_seconds", "gauge"},
	}
}

// writeSelf writes the mirrors in Prometheus text, until the store is closed. What
// could not be gathered is absent.
func (s *Store) writeSelf(w io.Writer) {
	if s.closed.Load() {
		return
	}
	families, err := s.registry.Gather() // what it has, for all its errors
	if err != nil {
		s.config.Logger.Debug("the store's own metrics are not whole", "error", err)
	}
	for _, m := range mirrors() {
		for _, f := range families {
			if f.GetName() != m.from {
				continue
			}
			sums := map[string]float64{}
			var remotes []string // in the order of the registry, which is sorted
			for _, one := range f.GetMetric() {
				remote := ""
				for _, l := range one.GetLabel() {
					if l.GetName() == remoteLabel {
						remote = l.GetValue()
					}
				}
				if _, known := sums[remote]; !known {
					remotes = append(remotes, remote)
				}
				sums[remote] += one.GetCounter().GetValue() + one.GetGauge().GetValue()
			}
			vm.WriteMetadataIfNeeded(w, m.as, m.kind)
			for _, remote := range remotes {
				name := m.as
				if remote != "" {
					name += fmt.Sprintf("{remote=%q}", remote)
				}
				fmt.Fprintf(w, "%s %v\n", name, sums[remote])
			}
		}
	}
}
