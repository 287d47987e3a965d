package agent

import (
	"io"
	"log/slog"
	"strings"
	"testing"
)

// What is shown of the bus's addresses is their scheme and host.
func TestAddressesOfTheBusAreShownWithoutSecrets(t *testing.T) {
	for address, says := range map[string]string{
		"nats://10.0.0.1:4222?token=canary": "nats://10.0.0.1:4222 is beyond loopback",
		"nats://user:canary@10.0.0.1:4222":  "address 1 holds a user or a password",
		"nats://user:canary@[::1":           "address 1 is none",
		"10.0.0.1:4222/?token=canary":       "nats://10.0.0.1:4222/ is beyond loopback",
	} {
		c := BusConfig{URLs: []string{address}}
		_, err := Connect(c, "a", slog.New(slog.NewTextHandler(io.Discard, nil)), func() {})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v; want %s", address, err, says)
		}
	}
}
