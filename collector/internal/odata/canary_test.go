package odata

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A service may send us to a host that is called as the password is.
func TestAPasswordThatIsSaidBackIsNotSaid(t *testing.T) {
	const told = "hunter2-7f3a91d2"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, word, _ := r.BasicAuth(); word != "" {
			http.Redirect(w, r, "http://"+word+".example/redfish/v1/", http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusNotFound) // it has no sessions
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(told+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{URL: s.URL, User: "root", PasswordFile: file, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Get(t.Context(), ServicePath, &struct{}{})
	if err == nil || !strings.Contains(err.Error(), "it redirects to [redacted].example") || strings.Contains(err.Error(), told) {
		t.Errorf("%v", err)
	}
}
