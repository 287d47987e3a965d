package authority

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// A Wish is whose credentials are wanted.
type Wish struct {
	Role  string
	Site  string   // of a role that is of one
	Names []string // of hosts, or of people
	Valid time.Duration
	Renew bool   // also of those who have some; theirs stay good until their time is over
	Dir   string // of the files; "": creds in the authority's folder
}

// Issued is what became of a wish.
type Issued struct {
	Files []string // new ones, of credentials
	Had   int      // who had some already, and was left alone
}

// Add makes credentials. All the names are in order, or nothing is made.
func (k *Book) Add(w Wish) (done Issued, err error) {
	r, dir, err := k.check(&w)
	if err != nil {
		return done, err
	}
	if err := k.makeKeys(); err != nil {
		return done, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return done, fmt.Errorf("make folder of credentials: %w", err)
	}
	defer func() {
		if err != nil { // nobody else knows them
			for _, f := range done.Files {
				err = errors.Join(err, os.Remove(f))
			}
			done = Issued{}
		}
	}()
	has := map[string]bool{}
	for _, u := range k.b.Users {
		if u.Role == w.Role && u.Site == w.Site && u.Revoked == nil && time.Now().Before(u.Expires) {
			has[u.Name] = true
		}
	}
	var users []User
	for _, name := range w.Names {
		if has[name] && !w.Renew {
			done.Had++
			continue
		}
		has[name] = true
		u, text, err := k.credentials(&r, w.Site, name, w.Valid)
		if err != nil {
			return done, err
		}
		file := filepath.Join(dir, name+".creds")
		if err := durable.Replace(file, text, 0o600); err != nil {
			return done, fmt.Errorf("write credentials of %s: %w", name, err)
		}
		done.Files = append(done.Files, file)
		users = append(users, u)
	}
	k.b.Users = append(k.b.Users, users...)
	return done, k.save()
}

// check says what is wrong with a wish, and where its files go.
func (k *Book) check(w *Wish) (r Role, dir string, err error) {
	r, ok := RoleOf(w.Role)
	switch {
	case !ok:
		return r, "", fmt.Errorf("role %q is none of %s", w.Role, strings.Join(roleNames(), ", "))
	case r.OfASite && !slices.Contains(k.b.Sites, w.Site):
		return r, "", fmt.Errorf("site %q is none of this authority's (%s); aggregator bus init -sites adds it", w.Site, strings.Join(k.b.Sites, ", "))
	case !r.OfASite && w.Site != "":
		return r, "", fmt.Errorf("role %s is of no site", w.Role)
	case len(w.Names) == 0:
		return r, "", errors.New("nobody is named")
	case w.Valid < time.Minute:
		return r, "", fmt.Errorf("credentials that are good for %s are good for nothing", w.Valid)
	}
	for i, name := range w.Names {
		if err := checkName(r.Name, name); err != nil {
			return r, "", fmt.Errorf("name %d: %w", i+1, err)
		}
	}
	if dir = w.Dir; dir == "" {
		dir = filepath.Join(k.dir, credsDir, filepath.FromSlash(slot(&r, w.Site)))
	}
	return r, dir, nil
}

// Revoke takes back all credentials of names. Who is named and has none is told, and
// then nothing is done.
func (k *Book) Revoke(role, site string, names []string) (revoked int, err error) {
	r, ok := RoleOf(role)
	if !ok {
		return 0, fmt.Errorf("role %q is none of %s", role, strings.Join(roleNames(), ", "))
	}
	if !r.OfASite && site != "" {
		return 0, fmt.Errorf("role %s is of no site", role)
	}
	of := func(name string) func(User) bool {
		return func(u User) bool { return u.Role == role && u.Site == site && u.Name == name }
	}
	for _, name := range names {
		if !slices.ContainsFunc(k.b.Users, of(name)) {
			return 0, fmt.Errorf("%s %s has no credentials that are good", slot(&r, site), name)
		}
	}
	now := time.Now().UTC()
	for _, name := range names {
		is := of(name)
		for i := range k.b.Users {
			if u := &k.b.Users[i]; is(*u) && u.Revoked == nil {
				u.Revoked = &now
				revoked++
			}
		}
	}
	return revoked, k.save()
}
