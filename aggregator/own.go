package main

import (
	"crypto/tls"
	"fmt"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sys/unix"

	"github.com/gigawatch/gigawatch/collector/agent"
)

const (
	metricDataFree    = "gigawatch_data_free_bytes" // of the disk of the data folder, that the aggregator may take
	metricDataSize    = "gigawatch_data_size_bytes"
	metricCertificate = "gigawatch_certificate_expiry_timestamp_seconds" // by certificate; absent of those that there are not
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
func showCertificate(name string, c *tls.Config, set *metrics.Set) {
	if c == nil || c.GetCertificate == nil {
		return
	}
	set.NewGauge(fmt.Sprintf("%s{certificate=%q}", metricCertificate, name), func() float64 {
		served, err := c.GetCertificate(nil)
		if err != nil || served.Leaf == nil {
			return 0
		}
		return float64(served.Leaf.NotAfter.Unix())
	})
}

// showFile shows until when the certificate of a file is valid, or of authorities the
// last of them; 0 while it cannot be read.
func showFile(name, path string, authorities bool, set *metrics.Set) {
	if path == "" {
		return
	}
	set.NewGauge(fmt.Sprintf("%s{certificate=%q}", metricCertificate, name), func() float64 {
		end, err := agent.CertificateEnd(path, authorities)
		if err != nil {
			return 0
		}
		return float64(end.Unix())
	})
}
