package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
)

// Of two aggregators on one bus the receiver tells one: both know.
func TestAReceiptReachesAllAggregators(t *testing.T) {
	server, err := bus.Start(bus.ServerConfig{Dir: t.TempDir(), Store: bus.MaxStore, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	var all []*receipts
	var heard []chan string
	for range 2 {
		conn, err := nats.Connect("", nats.InProcessServer(server))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		sites := make(chan string, 8)
		r := &receipts{heard: func(site string, _ time.Time) { sites <- site }, bus: conn, log: slog.New(slog.DiscardHandler)}
		if err := r.listen(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
		all, heard = append(all, r), append(heard, sites)
	}
	all[0].Heard("fra1", time.Now())
	for i, sites := range heard {
		select {
		case site := <-sites:
			if site != "fra1" {
				t.Errorf("aggregator %d heard of %q", i, site)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("aggregator %d heard nothing", i)
		}
	}
}
