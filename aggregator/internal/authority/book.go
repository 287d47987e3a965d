package authority

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Files of an authority's folder.
const (
	bookFile  = "authority.json" // its keys and whom it let in: a secret
	UsersFile = "users.conf"     // what a NATS server is told: none
	credsDir  = "creds"
)

// A Book is an authority: its keys, and whom it let in. One at a time holds a
// folder.
type Book struct {
	dir    string
	unlock func() error
	b      book
}

// book is what authority.json holds.
type book struct {
	Version  int               `json:"version"`
	Head     string            `json:"head"`     // of what a server is told: it takes no other while it runs
	Operator string            `json:"operator"` // seed
	Account  string            `json:"account"`  // seed
	Keys     map[string]string `json:"keys"`     // seeds of the keys that sign users, by slot
	Sites    []string          `json:"sites"`
	Users    []User            `json:"users"` // all that credentials were made for and that have not expired
}

// A User holds credentials.
type User struct {
	Role    string     `json:"role"`
	Site    string     `json:"site,omitempty"` // "" of a role that is of no site
	Name    string     `json:"name"`
	Key     string     `json:"key"` // public
	Issued  time.Time  `json:"issued"`
	Expires time.Time  `json:"expires"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

// ErrNone is returned where a folder holds no authority.
var ErrNone = errors.New("no authority of a bus there; aggregator bus init makes one")

// Open holds the authority in dir until Close; make begins one where there is none.
func Open(dir string, make bool) (k *Book, err error) {
	if make {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make folder of the bus's authority: %w", err)
		}
	} else if _, err := os.Stat(filepath.Join(dir, bookFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open %s: %w", dir, ErrNone)
	}
	lock, err := durable.Lock(filepath.Join(dir, "lock"), 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the bus's authority: %w", err)
	}
	k = &Book{dir: dir, unlock: lock.Close}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	text, err := os.ReadFile(filepath.Join(dir, bookFile))
	switch {
	case make && errors.Is(err, fs.ErrNotExist):
		return k, k.begin()
	case err != nil:
		return nil, fmt.Errorf("open the bus's authority: %w", err)
	}
	if err := json.Unmarshal(text, &k.b); err != nil || k.b.Version != 1 {
		// Not with the error's text, which may quote a seed.
		return nil, fmt.Errorf("open the bus's authority: %s is damaged or of another version", filepath.Join(dir, bookFile))
	}
	return k, nil
}

// Close lets others open it.
func (k *Book) Close() error { return k.unlock() }

// begin makes the keys of a new authority.
func (k *Book) begin() error {
	operator, err := newSeed(nkeys.PrefixByteOperator)
	if err != nil {
		return err
	}
	account, err := newSeed(nkeys.PrefixByteAccount)
	if err != nil {
		return err
	}
	k.b = book{Version: 1, Operator: operator, Account: account, Keys: map[string]string{}}
	k.b.Head, err = head(operator)
	return err
}

// AddSites makes room for more sites. What the server is told changes by it.
func (k *Book) AddSites(sites ...string) error {
	for _, s := range sites {
		if err := checkName("site", s); err != nil {
			return err
		}
		if !slices.Contains(k.b.Sites, s) {
			k.b.Sites = append(k.b.Sites, s)
		}
	}
	if err := k.makeKeys(); err != nil {
		return err
	}
	return k.save()
}

// makeKeys makes those that are missing: of sites that are new, and of roles that an
// older version of the program did not know.
func (k *Book) makeKeys() error {
	for _, r := range Roles() {
		of := []string{""}
		if r.OfASite {
			of = k.b.Sites
		}
		for _, site := range of {
			if k.b.Keys[slot(&r, site)] != "" {
				continue
			}
			seed, err := newSeed(nkeys.PrefixByteAccount)
			if err != nil {
				return err
			}
			k.b.Keys[slot(&r, site)] = seed
		}
	}
	return nil
}

// Sites are those that credentials can be made for.
func (k *Book) Sites() []string { return k.b.Sites }

// Users are all that credentials were made for, but those whose time is over.
func (k *Book) Users() []User { return k.b.Users }

// Account is the public name of the account that all are users of.
func (k *Book) Account() (string, error) { return publicOf(k.b.Account) }

// save writes the authority, and then what the server is told.
func (k *Book) save() error {
	k.b.Users = slices.DeleteFunc(k.b.Users, func(u User) bool { return time.Now().After(u.Expires) })
	text, err := json.MarshalIndent(&k.b, "", "\t")
	if err != nil {
		return fmt.Errorf("save the bus's authority: %w", err)
	}
	if err := durable.Replace(filepath.Join(k.dir, bookFile), text, 0o600); err != nil {
		return fmt.Errorf("save the bus's authority: %w", err)
	}
	conf, err := k.conf()
	if err != nil {
		return err
	}
	if err := durable.Replace(filepath.Join(k.dir, UsersFile), conf, 0o644); err != nil {
		return fmt.Errorf("save what the bus is told: %w", err)
	}
	return nil
}

// checkName says why a name must not stand in a subject.
func checkName(of, name string) error {
	if !metric.ValidName(name) {
		return fmt.Errorf("%s %q is not 1 to 63 of A-Z a-z 0-9 _ -, as in subjects of the bus; a collector calls itself by its host's name with _ for all else", of, name)
	}
	if name == "all" {
		return fmt.Errorf("%s %q: what is said to all hosts is said under that name", of, name)
	}
	return nil
}
