package agent

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// CertificateEnd is until when the certificate of a file is valid, the first in it; of
// authorities the last to expire, since an old one may stand beside that which follows.
func CertificateEnd(path string, authorities bool) (end time.Time, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return end, fmt.Errorf("read certificate: %w", err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return end, fmt.Errorf("read certificate of %s: %w", path, err)
		}
		if c.NotAfter.After(end) {
			end = c.NotAfter
		}
		if !authorities {
			break
		}
	}
	if end.IsZero() {
		return end, fmt.Errorf("read certificate of %s: %w", path, errNoCertificate)
	}
	return end, nil
}

var errNoCertificate = errors.New("there is none in it")

// certificateEvery is how often the files are read; hours are what is told.
const certificateEvery = time.Minute

// certificates are those without which the agent and the bus do not speak: its own, and
// the authorities by which it knows the bus.
type certificates struct {
	own, authorities string // files; "": none
	read             time.Time
	until            time.Time // the first of them ends; zero: it cannot be read
}

func (c *certificates) some() bool { return c.own != "" || c.authorities != "" }

// left is for how many seconds all of them are valid still, in whole hours.
func (c *certificates) left(now time.Time) metric.Raw {
	if now.Sub(c.read) >= certificateEvery || now.Before(c.read) {
		c.read, c.until = now, time.Time{}
		for _, f := range []struct {
			path        string
			authorities bool
		}{{c.own, false}, {c.authorities, true}} {
			if f.path == "" {
				continue
			}
			end, err := CertificateEnd(f.path, f.authorities)
			if err == nil && (c.until.IsZero() || end.Before(c.until)) {
				c.until = end
			}
		}
	}
	if c.until.IsZero() {
		return metric.Missing
	}
	return metric.Raw(c.until.Sub(now).Truncate(time.Hour).Seconds())
}
