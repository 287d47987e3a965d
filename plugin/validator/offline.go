package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

const validatorModule = "github.com/grafana/plugin-validator"

// errOffline is what every request but that for the schema gets. Analyzers that
// put it into a finding have found nothing.
var errOffline = errors.New("refused: this check asks no network")

// offline stands where the network does, and notes who was asked.
type offline struct {
	schema []byte

	mu    sync.Mutex
	asked []string
}

// newOffline reads plugin.json's schema from the validator's module.
func newOffline() (*offline, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", validatorModule).Output()
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", validatorModule, err)
	}
	schema, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "config", "plugin.schema.json"))
	if err != nil {
		return nil, fmt.Errorf("read plugin.json's schema: %w", err)
	}
	return &offline{schema: schema}, nil
}

func (o *offline) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	if strings.HasSuffix(r.URL.Path, "/plugin.schema.json") {
		return &http.Response{
			Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(o.schema)),
			ContentLength: int64(len(o.schema)), Request: r,
		}, nil
	}
	o.mu.Lock()
	o.asked = append(o.asked, r.URL.Host+r.URL.Path)
	o.mu.Unlock()
	return nil, errOffline
}

// take is what was asked since the last call.
func (o *offline) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	asked := o.asked
	o.asked = nil
	return asked
}
