package quiet

import (
	"bytes"
	"log"
	"testing"
)

func TestOneLineIsKeptOffAndNoOther(t *testing.T) {
	if _, ok := log.Writer().(filter); !ok {
		t.Errorf("log writes to %T", log.Writer())
	}
	var out bytes.Buffer
	l := log.New(filter{&out}, "", 0)
	l.Print("INFO: metrics: disable exposing PSI metrics because of failed init: open cpu.pressure: no such file or directory")
	l.Print("http: TLS handshake error")
	if out.String() != "http: TLS handshake error\n" {
		t.Errorf("it says %q", out.String())
	}
}
