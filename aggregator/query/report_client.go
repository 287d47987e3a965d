package query

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// reportTime is how long a client waits for a record to be made.
const reportTime = 3 * time.Minute

// path is where q is asked for, and with which version.
func (q *ReportQuestion) path(below string) (string, url.Values) {
	v := url.Values{}
	if q.Version > 0 {
		v.Set("version", strconv.Itoa(q.Version))
	}
	return "/api/v1/report/" + url.PathEscape(q.Site) + "/" + strconv.Itoa(q.Year) + below, v
}

// patient is one that waits longer.
func (c *Client) patient() *Client {
	p := *c
	p.HTTP = c.client(reportTime)
	return &p
}

// Reports asks which reports there are.
func (c *Client) Reports(ctx context.Context) (*ReportList, error) {
	var a ReportList
	if _, err := c.ask(ctx, "/api/v1/report", url.Values{}, &a); err != nil {
		return nil, fmt.Errorf("ask for reports: %w", err)
	}
	return &a, nil
}

// Report asks for a record and how far it has come.
func (c *Client) Report(ctx context.Context, q ReportQuestion) (*Report, error) {
	var a Report
	path, v := q.path("")
	if _, err := c.patient().ask(ctx, path, v, &a); err != nil {
		return nil, fmt.Errorf("ask for the report of %s on %d: %w", q.Site, q.Year, err)
	}
	return &a, nil
}

// ReportFigure asks what is behind a figure, at a month, a day or an hour.
func (c *Client) ReportFigure(ctx context.Context, q ReportQuestion, figure, at string) (*ReportFigure, error) {
	var a ReportFigure
	path, v := q.path("/figure/" + url.PathEscape(figure))
	if at != "" {
		v.Set("at", at)
	}
	if _, err := c.patient().ask(ctx, path, v, &a); err != nil {
		return nil, fmt.Errorf("ask what is behind %s of %s, %d: %w", figure, q.Site, q.Year, err)
	}
	return &a, nil
}

// ReportTrail asks for the steps that were taken.
func (c *Client) ReportTrail(ctx context.Context, site string, year int) (*ReportTrail, error) {
	var a ReportTrail
	path, v := (&ReportQuestion{Site: site, Year: year}).path("/steps")
	if _, err := c.ask(ctx, path, v, &a); err != nil {
		return nil, fmt.Errorf("ask for the steps of the report of %s on %d: %w", site, year, err)
	}
	return &a, nil
}

// ReportFile asks for a record in a format.
func (c *Client) ReportFile(ctx context.Context, q ReportQuestion, format string) (*ReportFile, error) {
	path, v := q.path("/file")
	v.Set("format", format)
	f, err := c.file(ctx, path, v)
	if err != nil {
		return nil, fmt.Errorf("ask for the report of %s on %d as %s: %w", q.Site, q.Year, format, err)
	}
	return f, nil
}

func (c *Client) file(ctx context.Context, path string, v url.Values) (*ReportFile, error) {
	r, err := c.request(ctx, http.MethodGet, path, v, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.patient().HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		_, err := answered(resp, nil)
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	case len(b) > maxAnswer:
		return nil, errors.New("answer is longer than 256 MiB")
	}
	f := &ReportFile{Type: resp.Header.Get("Content-Type"), Bytes: b}
	if _, p, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil {
		f.Name = p["filename"]
	}
	return f, nil
}

// ReportStep takes a step, in the name of whoever the token is of.
func (c *Client) ReportStep(ctx context.Context, s ReportStep) (*ReportReceipt, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	path, v := (&ReportQuestion{Site: s.Site, Year: s.Year}).path("/" + s.Action)
	r, err := c.request(ctx, http.MethodPost, path, v, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	var a ReportReceipt
	if _, err := c.patient().do(r, &a); err != nil {
		return nil, fmt.Errorf("%s the report of %s on %d: %w", s.Action, s.Site, s.Year, err)
	}
	return &a, nil
}
