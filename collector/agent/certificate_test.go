package agent

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// certificate is one in PEM that is valid until then.
func certificate(t *testing.T, until time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestHowLongCertificatesAreValid(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		write := func(name string, days ...int) string {
			var text []byte
			for _, d := range days {
				text = append(text, certificate(t, now.AddDate(0, 0, d))...)
			}
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		const day = 86400
		own, chain, authorities, none := write("own", 20), write("chain", 40, 3), write("authorities", 5, 90), write("none")
		for name, c := range map[string]struct {
			certificates
			want metric.Raw
		}{
			"its own":                            {certificates{own: own}, 20 * day},
			"its own, with who signed it":        {certificates{own: chain}, 40 * day},
			"authorities, of which one is old":   {certificates{authorities: authorities}, 90 * day},
			"both":                               {certificates{own: chain, authorities: authorities}, 40 * day},
			"a file without any":                 {certificates{own: none}, metric.Missing},
			"a file that is gone":                {certificates{own: filepath.Join(dir, "gone")}, metric.Missing},
			"one of two that cannot be read now": {certificates{own: none, authorities: authorities}, 90 * day},
		} {
			if got := c.left(now); got != c.want {
				t.Errorf("%s: %d s, want %d", name, got, c.want)
			}
		}
		c := certificates{own: own}
		c.left(now)
		time.Sleep(21 * 24 * time.Hour)
		if got := c.left(time.Now()); got != -day {
			t.Errorf("a day after it expired: %d s", got)
		}
		write("own", 50)
		time.Sleep(certificateEvery)
		if got := c.left(time.Now()); got != 29*day-3600 {
			t.Errorf("when it was renewed: %d s", got)
		}
	})
}
