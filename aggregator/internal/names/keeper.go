package names

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Kinds whose names have a secret: jobs are sealed by it.
const (
	KindTenant = "tenant"
	KindSite   = "site" // of jobs without a tenant
)

// Tenants of jobs are called by keys, and jobs by what the secret of their tenant
// makes of their names: whoever forgets the tenant makes the names of its jobs
// unreadable with it, and no list of jobs grows for years.
//
//	job "train-7" of "acme" ──▶ job-k3f9…, tenant-4k2h…
//	                 secret of acme ┘           └ key of acme

// A Keeper hides and shows the names of jobs of all sites of a data folder. It is
// for several goroutines.
type Keeper struct {
	data string
	now  func() time.Time

	mu    sync.Mutex
	books map[string]*Book
}

// NewKeeper is that of a data folder.
func NewKeeper(data string, now func() time.Time) *Keeper {
	return &Keeper{data: data, now: now, books: map[string]*Book{}}
}

// book is that of a site, as its file is now.
func (k *Keeper) book(site string) (*Book, error) {
	b := k.books[site]
	if b == nil {
		var err error
		if b, err = Open(k.data, site, k.now); err != nil {
			return nil, err
		}
		k.books[site] = b
		return b, nil
	}
	return b, b.refresh()
}

// refresh reads the file anew if another process changed it.
func (b *Book) refresh() error {
	i, err := os.Stat(b.path)
	if err != nil {
		if os.IsNotExist(err) && len(b.all) == 0 {
			return nil
		}
		return b.read()
	}
	if b.seen != nil && os.SameFile(i, b.seen) && i.ModTime().Equal(b.seen.ModTime()) && i.Size() == b.seen.Size() {
		return nil
	}
	return b.read()
}

// A Job is the names of one; Tenant may be empty.
type Job struct{ Name, Tenant string }

// Hide is what jobs of a site are called in what is kept. Whatever it takes to show
// them again is durable before.
func (k *Keeper) Hide(site string, jobs []Job) ([]Job, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b, err := k.book(site)
	if err != nil {
		return nil, err
	}
	today := k.now().UTC().Format(time.DateOnly)
	stale := false
	for _, j := range jobs {
		i, ok := b.keys[owner(site, j.Tenant)]
		stale = stale || !ok || b.all[i].Used < today || b.all[i].Secret == ""
	}
	if stale {
		if err := b.change(func() (write bool, err error) {
			for _, j := range jobs {
				changed, err := b.own(owner(site, j.Tenant), today)
				if err != nil {
					return false, err
				}
				write = write || changed
			}
			return write, nil
		}); err != nil {
			return nil, err
		}
	}
	out := make([]Job, len(jobs))
	for n, j := range jobs {
		x := &b.all[b.keys[owner(site, j.Tenant)]]
		if out[n].Name, err = x.hide(j.Name); err != nil {
			return nil, err
		}
		if j.Tenant != "" {
			out[n].Tenant = x.Key
		}
	}
	return out, nil
}

// owner is whose secret hides a job.
func owner(site, tenant string) [2]string {
	if tenant == "" {
		return [2]string{KindSite, site}
	}
	return [2]string{KindTenant, tenant}
}

// own makes a name with a secret, or notes that it was used; it reports whether
// anything changed.
func (b *Book) own(of [2]string, today string) (changed bool, err error) {
	i, ok := b.keys[of]
	if !ok {
		key, err := draw(of[0])
		if err != nil {
			return false, err
		}
		b.put(Name{Key: key, Kind: of[0], Name: of[1], Used: today})
		i, changed = len(b.all)-1, true
	}
	x := &b.all[i]
	if x.Secret == "" {
		var drawn [20]byte
		if _, err := rand.Read(drawn[:]); err != nil {
			return false, fmt.Errorf("draw a secret: %w", err)
		}
		x.Secret, changed = letters.EncodeToString(drawn[:]), true
	}
	if x.Used < today {
		x.Used, changed = today, true
	}
	return changed, nil
}

// Show is who stands behind what jobs are called; what was forgotten, and what was
// never hidden, stays as it is.
func (k *Keeper) Show(site string, jobs []Job) ([]Job, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b, err := k.book(site)
	if err != nil {
		return nil, err
	}
	out := make([]Job, len(jobs))
	for n, j := range jobs {
		out[n] = j
		i, ok := b.of[j.Tenant]
		if j.Tenant == "" {
			i, ok = b.keys[[2]string{KindSite, site}]
		}
		if !ok {
			continue
		}
		if j.Tenant != "" {
			out[n].Tenant = b.all[i].Name
		}
		if name, ok := b.all[i].show(j.Name); ok {
			out[n].Name = name
		}
	}
	return out, nil
}

// Hides reports whether names of jobs were ever hidden in a data folder: a program
// that seals what another left goes on as that did.
func Hides(data string) bool {
	paths, err := filepath.Glob(filepath.Join(data, "names", "*"))
	if err != nil {
		return false
	}
	for _, p := range paths {
		if strings.HasSuffix(p, ".lock") || strings.HasSuffix(p, ".new") {
			continue
		}
		b, err := Open(data, filepath.Base(p), time.Now)
		if err != nil {
			return true // rather than to seal names by mistake
		}
		for i := range b.all {
			if b.all[i].Secret != "" {
				return true
			}
		}
	}
	return false
}

// letters are those of keys: of lower case, without padding.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const (
	hiddenJob = "job-"
	tagBytes  = 10 // of the tag before a hidden name, which its stream begins with, too
)

// stream is the cipher of a name whose tag is known. Tag and stream follow from name
// and secret alone: an hour that is sealed again has the same bytes.
func (x *Name) stream(tag []byte) (cipher.Stream, error) {
	key := x.derive("stream")
	c, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("hide a name: %w", err)
	}
	var iv [aes.BlockSize]byte
	copy(iv[:], tag)
	return cipher.NewCTR(c, iv[:]), nil
}

func (x *Name) derive(of string) [sha256.Size]byte {
	m := hmac.New(sha256.New, []byte(x.Secret))
	_, _ = m.Write([]byte(of)) // it never fails
	return [sha256.Size]byte(m.Sum(nil))
}

func (x *Name) hide(name string) (string, error) {
	sum := x.derive("name " + name)
	out := append([]byte(nil), sum[:tagBytes]...)
	s, err := x.stream(out)
	if err != nil {
		return "", err
	}
	out = append(out, name...)
	s.XORKeyStream(out[tagBytes:], out[tagBytes:])
	return hiddenJob + letters.EncodeToString(out), nil
}

// show is the name that hide hid; ok is false if it did not.
func (x *Name) show(hidden string) (name string, ok bool) {
	text, ok := strings.CutPrefix(hidden, hiddenJob)
	if !ok || x.Secret == "" {
		return "", false
	}
	b, err := letters.DecodeString(text)
	if err != nil || len(b) <= tagBytes || letters.EncodeToString(b) != text {
		return "", false
	}
	s, err := x.stream(b[:tagBytes])
	if err != nil {
		return "", false
	}
	s.XORKeyStream(b[tagBytes:], b[tagBytes:])
	name = string(b[tagBytes:])
	sum := x.derive("name " + name)
	return name, hmac.Equal(sum[:tagBytes], b[:tagBytes])
}
