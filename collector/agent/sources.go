package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/host"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// finding is one line about a source: what was found, what was refused and why.
type finding struct{ name, said string }

// sources makes the sources that c asks for and this host has.
func sources(c *Config, log *slog.Logger) (list []Scheduled, found []finding) {
	if c.Host.Enabled {
		s, err := host.New(host.Config{Root: c.Host.Root, Place: c.Place, Logger: log})
		if err != nil {
			found = append(found, finding{"host", "refused: " + err.Error()})
		} else {
			list = append(list, Scheduled{Source: s})
			found = append(found, finding{s.Name(), s.Describe()})
		}
	}
	found = append(found, finding{"gpu", "none: no GPU source is built into this version"})
	return list, found
}

// Check says what a run with c would read and where it would send it, taking
// one reading of each source.
func Check(ctx context.Context, c *Config, log *slog.Logger, w io.Writer) error {
	list, found := sources(c, log)
	fmt.Fprintf(w, "site %s, agent %s, bus %v, spool %s\n", c.Site, c.Agent, c.Bus.URLs, c.Spool.Dir)
	for _, f := range found {
		fmt.Fprintf(w, "source %s: %s\n", f.name, f.said)
	}
	var errs []error
	for _, s := range list {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		l, values, err := s.Read(ctx, time.Now(), nil)
		cancel()
		if err != nil {
			errs = append(errs, fmt.Errorf("read source %s: %w", s.Name(), err))
			continue
		}
		missing := 0
		for _, v := range values {
			if v == metric.Missing {
				missing++
			}
		}
		fmt.Fprintf(w, "source %s: %d values a tick, %d of them missing at first\n", s.Name(), l.Width(), missing)
	}
	return errors.Join(errs...)
}
