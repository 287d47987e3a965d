package query

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

var _ Imports = (*Client)(nil)

// Import sends a file and says what it would change, or did.
func (c *Client) Import(ctx context.Context, q ImportQuestion, file io.Reader) (*ImportReport, error) {
	r, err := c.request(ctx, http.MethodPost, "/api/v1/imports", q.Values(), file)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", q.Name, err)
	}
	r.Header.Set("Content-Type", "text/csv")
	var a ImportReport
	if _, err := c.do(r, &a); err != nil {
		return nil, fmt.Errorf("import %s: %w", q.Name, err)
	}
	return &a, nil
}

// Imports asks what was taken in at a site.
func (c *Client) Imports(ctx context.Context, site string) (*ImportList, error) {
	v := url.Values{}
	if site != "" {
		v.Set("site", site)
	}
	var a ImportList
	if _, err := c.ask(ctx, "/api/v1/imports", v, &a); err != nil {
		return nil, fmt.Errorf("ask for imports: %w", err)
	}
	return &a, nil
}

// RevertImport takes back all that an import said.
func (c *Client) RevertImport(ctx context.Context, site, id string) (*ImportReceipt, error) {
	v := url.Values{}
	if site != "" {
		v.Set("site", site)
	}
	r, err := c.request(ctx, http.MethodDelete, "/api/v1/imports/"+url.PathEscape(id), v, nil)
	if err != nil {
		return nil, fmt.Errorf("revert import %s: %w", id, err)
	}
	var a ImportReceipt
	if _, err := c.do(r, &a); err != nil {
		return nil, fmt.Errorf("revert import %s: %w", id, err)
	}
	return &a, nil
}
