package main

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

func TestTheAggregatorShowsItsDiskAndItsCertificate(t *testing.T) {
	set := metrics.NewSet()
	showDisk(t.TempDir(), set)
	free, size := set.GetOrCreateGauge(metricDataFree, nil).Get(), set.GetOrCreateGauge(metricDataSize, nil).Get()
	if free <= 0 || size < free {
		t.Errorf("%g of %g bytes are free", free, size)
	}
	end := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	showCertificate("page", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &tls.Certificate{Leaf: &x509.Certificate{NotAfter: end}}, nil
	}}, set)
	if got := set.GetOrCreateGauge(metricCertificate+`{certificate="page"}`, nil).Get(); got != float64(end.Unix()) {
		t.Errorf("the certificate is valid until %g, want %d", got, end.Unix())
	}
	showFile("bus", "/no/such/file", false, set)
	showFile("bus_authority", "", true, set)
	if names := strings.Join(set.ListMetricNames(), " "); !strings.Contains(names, `certificate="bus"`) || strings.Contains(names, "authority") {
		t.Errorf("it shows %s", names)
	}
	gone := metrics.NewSet()
	showDisk("/no/such/folder", gone)
	if free := gone.GetOrCreateGauge(metricDataFree, nil).Get(); free != 0 {
		t.Errorf("of a disk that is gone %g bytes are free", free)
	}
}
