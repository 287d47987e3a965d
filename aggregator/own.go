package main

import (
	"crypto/tls"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sys/unix"
)

const (
	metricDataFree    = "gigawatch_data_free_bytes" // of the disk of the data folder, that the aggregator may take
	metricDataSize    = "gigawatch_data_size_bytes"
	metricCertificate = "gigawatch_certificate_expiry_timestamp_seconds" // of the certificate that is served; absent without TLS
)

// showDisk shows how much of the disk of a folder is free.
func showDisk(dir string, set *metrics.Set) {
	size := func(of func(*unix.Statfs_t) uint64) func() float64 {
		return func() float64 {
			var s unix.Statfs_t
			if err := unix.Statfs(dir, &s); err != nil {
				return 0 // of a disk that is gone nothing is free
			}
			return float64(of(&s)) * float64(s.Bsize)
		}
	}
	set.NewGauge(metricDataFree, size(func(s *unix.Statfs_t) uint64 { return s.Bavail }))
	set.NewGauge(metricDataSize, size(func(s *unix.Statfs_t) uint64 { return s.Blocks }))
}

// showCertificate shows until when the certificate that c serves is valid.
func showCertificate(c *tls.Config, set *metrics.Set) {
	if c == nil || c.GetCertificate == nil {
		return
	}
	set.NewGauge(metricCertificate, func() float64 {
		served, err := c.GetCertificate(nil)
		if err != nil || served.Leaf == nil {
			return 0
		}
		return float64(served.Leaf.NotAfter.Unix())
	})
}
