package query_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// says is a transport that answers everything with one stream.
type says string

func (s says) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader(string(s)))}, nil
}

func TestEventsAreReadAsTheyAreWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		stream string
		want   int // events
		err    string
	}{
		"with all there may be":   {"retry: 2000\n\nid: 7\ndata: {\"at\":null,\"rows\":[]}\n\n:\n\ndata:{}\n\n", 2, "EOF"},
		"in two lines":            {"data: {\"rows\":\ndata: []}\n\n", 1, "EOF"},
		"with carriage returns":   {"data: {}\r\n\r\n", 1, "EOF"},
		"an event that was cut":   {"data: {}\n\ndata: {\"rows\"", 1, "EOF"},
		"what is no event":        {"data: [1]\n\n", 0, "event is not of an aggregator"},
		"what is not JSON":        {"data: {\n\n", 0, "event is not of an aggregator"},
		"nothing":                 {"", 0, "EOF"},
		"a line that has no end":  {"data: " + strings.Repeat("x", 17<<20), 0, "too long"},
		"an event without an end": {strings.Repeat("data: "+strings.Repeat("x", 1<<20)+"\n", 17), 0, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			c := query.Client{URL: "http://aggregator", HTTP: &http.Client{Transport: says(tc.stream)}}
			n := 0
			err := c.Live(t.Context(), query.LiveQuestion{}, func(*query.LiveEvent) error { n++; return nil })
			if err == nil || !strings.Contains(err.Error(), tc.err) || n != tc.want {
				t.Errorf("%d events, want %d; %v, want %s", n, tc.want, err, tc.err)
			}
		})
	}
}

func TestAStreamEndsWhereItsReaderWantsItTo(t *testing.T) {
	c := query.Client{URL: "http://aggregator", HTTP: &http.Client{Transport: says(strings.Repeat("data: {}\n\n", 5))}}
	n, enough := 0, errors.New("enough")
	err := c.Live(t.Context(), query.LiveQuestion{}, func(*query.LiveEvent) error {
		if n++; n == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 3 {
		t.Errorf("%d events, %v", n, err)
	}
}

// Whatever an aggregator sends, the client ends with an error that says something,
// and what it gave was whole.
func FuzzLiveEvents(f *testing.F) {
	for _, s := range []string{"data: {}\n\n", "id: 1\ndata: {\"at\":\"2026-11-23T00:00:00Z\",\"lost\":2,\"rows\":[{\"site\":\"s\",\"watts\":1}]}\n\n", ":\n\n", "data:\n\n", "\n\n\n", "data: {\"at\":1}\n\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := query.Client{URL: "http://aggregator", HTTP: &http.Client{Transport: says(s)}}
		n := 0
		err := c.Live(t.Context(), query.LiveQuestion{}, func(e *query.LiveEvent) error {
			if n++; e == nil {
				t.Error("no event")
			}
			return nil
		})
		if err == nil || n > strings.Count(s, "data:") {
			t.Errorf("%d events of %q, %v", n, s, err)
		}
	})
}
