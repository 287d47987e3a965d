package rights

import (
	"context"
	"fmt"
)

// A Principal is somebody who was let in. Once made it does not change.
type Principal struct {
	Name  string // "": whoever holds the one token of the configuration, or is on this machine where none is asked for
	Role  Role
	Scope Scope

	gone   context.Context // ends when it is struck from the file; nil: it is in none
	revoke context.CancelFunc
	shows  entry
}

// Master is who may everything and has no name.
func Master() *Principal { return &Principal{Role: Admin, Scope: All()} }

// Bind is ctx with p in it, and ends with p: what runs for somebody does not
// outlive their rights. release frees what that takes.
func (p *Principal) Bind(ctx context.Context) (bound context.Context, release func()) {
	ctx = context.WithValue(ctx, key{}, p)
	if p.gone == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	if p.gone.Err() != nil { // AfterFunc would be late
		cancel()
	}
	stop := context.AfterFunc(p.gone, cancel)
	return ctx, func() { stop(); cancel() }
}

type key struct{}

// From is the principal in ctx, nil if there is none.
func From(ctx context.Context) *Principal {
	p, _ := ctx.Value(key{}).(*Principal)
	return p
}

// String is p as a refusal names it.
func (p *Principal) String() string {
	if p.Name == "" {
		return "this caller"
	}
	return fmt.Sprintf("%q (%s)", p.Name, p.Role)
}
