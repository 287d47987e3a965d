package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Names makes of the name of a job or a tenant a key that tells nothing of it.
type Names interface {
	Key(kind, name string) (string, error)
}

// Kinds of names.
const (
	KindJob    = "job"
	KindTenant = "tenant"
)

// What a statement says of names.
const (
	namesJoined = "joined" // they stand in it
	namesOpaque = "opaque" // keys do
)

// again is a copy of a statement, as it is written.
func again[T any](s *T) (*T, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("copy statement: %w", err)
	}
	c := new(T)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("copy statement: %w", err)
	}
	return c, nil
}

// hide puts keys for names.
func hide(n Names, kind string, names ...*string) error {
	for _, t := range names {
		if *t == "" {
			continue
		}
		key, err := n.Key(kind, *t)
		if err != nil {
			return err
		}
		*t = key
	}
	return nil
}

// Hidden is s with keys for the names of jobs and tenants, and without what its
// provider states in free text.
func (s *JobStatement) Hidden(n Names) (*JobStatement, error) {
	s, err := again(s)
	if err != nil {
		return nil, err
	}
	s.Names = namesOpaque
	for i := range s.Jobs {
		if err := hide(n, KindJob, &s.Jobs[i].Job); err != nil {
			return nil, err
		}
		if err := hide(n, KindTenant, &s.Jobs[i].Tenant); err != nil {
			return nil, err
		}
	}
	a := &s.About
	a.Provider, a.Evidence, a.Notes = "", "", ""
	slices.SortStableFunc(s.Jobs, func(a, b JobPart) int {
		return cmp.Or(strings.Compare(a.Start, b.Start), strings.Compare(a.Job, b.Job))
	})
	return s, nil
}

// Own is s with nothing but the rows of the tenant it is of: for who sees no figures
// of a whole site.
func (s *TenantStatement) Own() (*TenantStatement, error) {
	s, err := again(s)
	if err != nil {
		return nil, err
	}
	only := func(rows []TenantRow) []TenantRow {
		rows = slices.DeleteFunc(rows, func(r TenantRow) bool { return r.Of != OfTenant || r.Tenant != s.Tenant })
		for i := range rows {
			rows[i].Share = nil
		}
		return rows
	}
	for i := range s.Months {
		s.Months[i].Rows = only(s.Months[i].Rows)
	}
	s.Total = only(s.Total)
	s.Method += " Rows of others and of the site are left out here."
	return s, nil
}

// Hidden is s with keys for the names of tenants, and rows in the order of those:
// the order of names tells of them.
func (s *TenantStatement) Hidden(n Names) (*TenantStatement, error) {
	s, err := again(s)
	if err != nil {
		return nil, err
	}
	s.Names = namesOpaque
	if err := hide(n, KindTenant, &s.Tenant); err != nil {
		return nil, err
	}
	lists := [][]TenantRow{s.Total}
	for i := range s.Months {
		lists = append(lists, s.Months[i].Rows)
	}
	for _, rows := range lists {
		for i := range rows {
			if err := hide(n, KindTenant, &rows[i].Tenant); err != nil {
				return nil, err
			}
		}
		slices.SortStableFunc(rows, func(a, b TenantRow) int {
			return cmp.Or(cmp.Compare(slices.Index(rowOrder, a.Of), slices.Index(rowOrder, b.Of)), cmp.Compare(a.Tenant, b.Tenant))
		})
	}
	return s, nil
}
