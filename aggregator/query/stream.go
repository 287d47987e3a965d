package query

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// A LiveQuestion asks for power, second by second.
type LiveQuestion struct {
	Site     string // "": all, each by itself
	By       string // site, hall or rack; "": site
	Boundary string // facility, it, host or gpu; "": all of a site, of a hall or rack the outermost that is metered
}

// A LiveEvent is the power at one second.
type LiveEvent struct {
	At        *time.Time `json:"at"`             // nil: no second of any site is known
	Lost      int        `json:"lost,omitempty"` // events before it that the reader was too slow for
	Rows      []LiveRow  `json:"rows"`
	Truncated bool       `json:"truncated,omitempty"`
}

// A LiveRow is the power of a site, hall or rack inside a boundary.
type LiveRow struct {
	Site      string     `json:"site"`
	Hall      string     `json:"hall,omitempty"`
	Rack      string     `json:"rack,omitempty"`
	Boundary  string     `json:"boundary"`
	At        *time.Time `json:"at,omitempty"` // nil: the event's
	Watts     *float64   `json:"watts"`
	Reason    string     `json:"reason,omitempty"` // why Watts is nil
	Simulated bool       `json:"simulated,omitempty"`
}

// Values are the parameters of q.
func (q *LiveQuestion) Values() url.Values {
	v := url.Values{}
	setAll(v, "site", q.Site, "by", q.By, "boundary", q.Boundary)
	return v
}

// quiet is how long a stream may say nothing, a heartbeat included.
const quiet = 45 * time.Second

// Live gives see an event a second until ctx ends, see returns an error, or the
// stream does; it says which. A server ends every stream after a while: ask again.
func (c *Client) Live(ctx context.Context, q LiveQuestion, see func(*LiveEvent) error) error {
	if err := c.live(ctx, q, see); err != nil {
		return fmt.Errorf("watch live power: %w", err)
	}
	return nil
}

func (c *Client) live(ctx context.Context, q LiveQuestion, see func(*LiveEvent) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r, err := c.request(ctx, http.MethodGet, "/api/v1/live", q.Values(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	resp, err := c.client(0).Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t != "text/event-stream" || resp.StatusCode != http.StatusOK {
		_, err := answered(resp, nil)
		return err
	}
	watch := time.AfterFunc(quiet, func() { stop(errors.New("nothing was said for too long")) })
	defer watch.Stop()
	err = readEvents(resp.Body, func() { watch.Reset(quiet) }, see)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// maxEvent bounds one event.
const maxEvent = 16 << 20

// readEvents gives see what r says, and calls alive for each line.
func readEvents(r io.Reader, alive func(), see func(*LiveEvent) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxEvent)
	var text []byte
	for s.Scan() {
		alive()
		line := s.Bytes()
		switch {
		case len(line) == 0 && len(text) > 0:
			var e LiveEvent
			if err := json.Unmarshal(text, &e); err != nil {
				return fmt.Errorf("event is not of an aggregator: %w", err)
			}
			if err := see(&e); err != nil {
				return err
			}
			text = text[:0]
		case bytes.HasPrefix(line, []byte("data:")):
			if len(text)+len(line) > maxEvent {
				return bufio.ErrTooLong
			}
			text = append(append(text, bytes.TrimPrefix(line[len("data:"):], []byte(" "))...), '\n')
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return io.EOF
}
