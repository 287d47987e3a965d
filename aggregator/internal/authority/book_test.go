package authority

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
)

// begun is an authority of sites in a folder of its own.
func begun(t *testing.T, sites ...string) *Book {
	t.Helper()
	k, err := Open(filepath.Join(t.TempDir(), "authority"), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := k.AddSites(sites...); err != nil {
		t.Fatal(err)
	}
	return k
}

// NATS takes a role without any list for one that may everything.
func TestNoRoleIsLeftWithoutLists(t *testing.T) {
	for _, r := range Roles() {
		scope := r.scope("s1", "K")
		for what, p := range map[string]jwt.Permission{"publish": scope.Template.Pub, "subscribe": scope.Template.Sub} {
			if len(p.Allow) == 0 {
				t.Errorf("%s may %s anything", r.Name, what)
			}
			if len(p.Deny) > 0 {
				t.Errorf("%s: what it may %s is allowed here and denied there", r.Name, what)
			}
		}
		if len(scope.Template.AllowedConnectionTypes) == 0 {
			t.Errorf("%s may come any way", r.Name)
		}
		for _, subject := range r.Subscribe { // NATS would allow ctl.s1.all.> to whom it allows ctl.s1.all.*
			if strings.HasSuffix(subject, "*") {
				t.Errorf("%s subscribes to %s, which says less than it allows", r.Name, subject)
			}
		}
		if scope.Template.BearerToken {
			t.Errorf("%s need not prove that it holds its key", r.Name)
		}
	}
}

func TestNamesThatWouldReachFurtherAreRefused(t *testing.T) {
	k := begun(t, "s1")
	for _, name := range []string{"*", ">", "", "a.b", "n1.>", "n 1", "n1\n", "n1\r", "{{name()}}", "{name}", "{site}", "../n1", "n1/../../x", "ä", "all", strings.Repeat("n", 64), "$SYS"} {
		for _, role := range roleNames() {
			w := Wish{Role: role, Names: []string{"good", name}, Valid: time.Hour}
			if r, _ := RoleOf(role); r.OfASite {
				w.Site = "s1"
			}
			if _, err := k.Add(w); err == nil {
				t.Errorf("%s %q has credentials", role, name)
			}
		}
		if err := k.AddSites(name); err == nil {
			t.Errorf("there is a site %q", name)
		}
	}
	if n := len(k.Users()); n != 0 {
		t.Errorf("%d users were made on the way", n)
	}
	if _, err := os.Stat(filepath.Join(k.dir, credsDir)); !errors.Is(err, os.ErrNotExist) {
		t.Error("files were made on the way")
	}
}

// A site's name may have capitals, which NATS's tags lose.
func TestASiteKeepsItsCapitals(t *testing.T) {
	r, _ := RoleOf("host")
	if p := r.scope("AMS-1", "K").Template.Pub.Allow; !p.Contains("telemetry.AMS-1.{{name()}}") || len(p) != 2 {
		t.Errorf("a host of AMS-1 publishes %v", p)
	}
}

func TestWhoHasCredentialsIsLeftAlone(t *testing.T) {
	k := begun(t, "s1", "s2")
	wish := Wish{Role: "host", Site: "s1", Names: []string{"n1", "n2", "n1"}, Valid: time.Hour}
	first, err := k.Add(wish)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Files) != 2 || first.Had != 1 {
		t.Errorf("made %v, %d had some", first.Files, first.Had)
	}
	text, err := os.ReadFile(first.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	wish.Names = []string{"n1", "n2", "n3"}
	again, err := k.Add(wish)
	if err != nil || len(again.Files) != 1 || again.Had != 2 {
		t.Errorf("made %v, %d had some, %v", again.Files, again.Had, err)
	}
	if now, _ := os.ReadFile(first.Files[0]); string(now) != string(text) {
		t.Error("credentials that are in use were replaced")
	}
	wish.Renew = true
	renewed, err := k.Add(wish)
	if err != nil || len(renewed.Files) != 3 || renewed.Had != 0 {
		t.Errorf("renewed %v, %d had some, %v", renewed.Files, renewed.Had, err)
	}
	if n, err := k.Revoke("host", "s1", []string{"n1"}); err != nil || n != 2 { // the renewed and the one before
		t.Errorf("%d credentials taken back, %v", n, err)
	}
	if n, err := k.Revoke("host", "s1", []string{"n2", "nobody"}); err == nil || n != 0 {
		t.Errorf("%d credentials taken back, %v", n, err)
	}
	if n, err := k.Revoke("host", "s2", []string{"n2"}); err == nil || n != 0 {
		t.Errorf("%d credentials of another site taken back, %v", n, err)
	}
}

// What lets somebody in is for its owner's eyes, whatever the mask of the process.
func TestFilesWithSecretsAreTheirOwnersAlone(t *testing.T) {
	k := begun(t, "s1")
	if _, err := k.Add(Wish{Role: "host", Site: "s1", Names: []string{"n1"}, Valid: time.Hour}); err != nil {
		t.Fatal(err)
	}
	secrets := 0
	err := filepath.WalkDir(k.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			if i.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is open to others: %v", path, i.Mode())
			}
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		secret := false
		for _, kind := range []string{"SO", "SA", "SU"} { // how seeds begin
			for word := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r < '0' || r > 'Z' || r > '9' && r < 'A' }) {
				secret = secret || strings.HasPrefix(word, kind) && len(word) == 58
			}
		}
		if secret {
			secrets++
			if i.Mode().Perm() != 0o600 {
				t.Errorf("%s holds a seed and is %v", path, i.Mode())
			}
		}
		if secret && filepath.Base(path) == UsersFile {
			t.Error("what the server reads holds a seed")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if secrets != 2 { // the authority's and n1's
		t.Errorf("%d files hold seeds", secrets)
	}
}

func TestADamagedAuthorityShowsNoSeed(t *testing.T) {
	k := begun(t, "s1")
	dir := k.dir
	text, err := os.ReadFile(filepath.Join(dir, bookFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.unlock(); err != nil {
		t.Fatal(err)
	}
	k.unlock = func() error { return nil }
	for _, cut := range []int{0, 10, len(text) / 2, len(text) - 3} {
		if err := os.WriteFile(filepath.Join(dir, bookFile), text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, false)
		if err == nil || strings.Contains(err.Error(), k.b.Operator[:8]) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

// An authority that was made before there was a role makes its credentials, too.
func TestAnOlderAuthorityKnowsNewRoles(t *testing.T) {
	k := begun(t, "s1")
	delete(k.b.Keys, "hub")
	delete(k.b.Keys, "site/s1")
	for role, site := range map[string]string{"hub": "", "site": "s1"} {
		if done, err := k.Add(Wish{Role: role, Site: site, Names: []string{"x"}, Valid: time.Hour}); err != nil || len(done.Files) != 1 {
			t.Errorf("%s: %+v, %v", role, done, err)
		}
	}
	conf, err := os.ReadFile(filepath.Join(k.dir, UsersFile))
	if account, e := k.account(); e != nil || err != nil || len(account.SigningKeys) != len(Roles()) || len(conf) == 0 {
		t.Errorf("%v, %v", e, err)
	}
}
