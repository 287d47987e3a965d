package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/secret"
)

const canary = "canary-7f3a91d2"

// printed is all that printing makes of values.
func printed(t *testing.T, values ...any) string {
	t.Helper()
	var out strings.Builder
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%t", "%c", "%U", "%08.3f"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v, fmt.Errorf("of %v: %w", v, errors.New("x")))
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).With("with", v).WithGroup("in").Info("said", "value", v, slog.Group("group", "value", v))
		}
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
			if b, err := marshal(v); err == nil {
				out.Write(b)
			}
		}
	}
	return out.String()
}

func TestNoPrintingShowsAText(t *testing.T) {
	s := secret.Of(canary)
	type settings struct {
		Password secret.Text
		hidden   secret.Text
		inner    *struct{ of []secret.Text }
	}
	c := settings{s, s, &struct{ of []secret.Text }{[]secret.Text{s}}}
	said := printed(t, s, &s, c, &c, []secret.Text{s}, map[string]secret.Text{"s": s}, map[secret.Text]int{s: 1}, struct{ any }{s}, errors.Join(fmt.Errorf("%v", s)))
	if s.Stands(said) {
		t.Error(said)
	}
	if !strings.Contains(said, "[redacted]") {
		t.Error("nothing says that something was redacted")
	}
	if s.Reveal() != canary || s.Len() != len(canary) || !s.Matches(canary) || s.Matches(canary+" ") || s.IsZero() {
		t.Error("it is another")
	}
	none := secret.Of("")
	if none != (secret.Text{}) || !none.IsZero() || none.Matches("") || none.String() != "" || none.Reveal() != "" || none.Len() != 0 {
		t.Error("none is something")
	}
}

func TestAnAddressIsShownWithoutWhatMayBeASecret(t *testing.T) {
	for text, want := range map[string]string{
		"": "",
		"http://victoria:8428/api/v1/write?extra_label=site=" + canary: "http://victoria:8428/api/v1/write",
		"https://user:" + canary + "@host:1/path#" + canary:            "https://host:1/path",
		"https://" + canary + "@host/":                                 "https://host/",
		"opc.tcp://10.0.0.1:4840":                                      "opc.tcp://10.0.0.1:4840",
		"tls://[fe80::1]:8883":                                         "tls://[fe80::1]:8883",
		"/var/run/socket":                                              "/var/run/socket",
		"10.0.0.17":                                                    "10.0.0.17",
		"user:" + canary + "@host":                                     "user:",
		canary + "@host":                                               "(no address)",
		"//user:" + canary + "@host/x":                                 "//host/x",
		"http://user:" + canary + "@[::1":                              "(no address)",
		"http://user:" + canary + "/x@host":                            "(no address)",
		"http:/user:" + canary + "@host":                               "(no address)",
		"http://host/%zz?" + canary:                                    "(no address)",
	} {
		a := secret.At(text)
		if got := secret.Shown(text); got != want || a.String() != want {
			t.Errorf("%s is shown as %s and %v, want %s", text, got, a, want)
		}
		if said := printed(t, a, &a, struct{ a secret.Address }{a}, struct{ A secret.Address }{a}); strings.Contains(said, canary) {
			t.Error(said)
		}
		if a.Reveal() != text || a.IsZero() != (text == "") {
			t.Errorf("%q is %q", text, a.Reveal())
		}
		if _, err := a.Parse(); err != nil && strings.Contains(err.Error(), canary) {
			t.Error(err)
		}
	}
	if q := secret.At("http://h/?a=" + canary + "&b=xyz&a=" + canary + "2").Query(); len(q) != 2 {
		t.Errorf("%d values are long enough to be secrets", len(q))
	}
}

func TestHide(t *testing.T) {
	for name, word := range map[string]string{
		"plain": canary, "of signs": `c"a\n<&> %+/é` + "\t'`", "short": "ab1", "as base64": "MTIzNDU2Nzg=", "long": strings.Repeat(canary, 20),
	} {
		s := secret.Of(word)
		for form, said := range said(t, word) {
			if len(word) < 4 && form != "as it is" {
				continue
			}
			hidden := secret.Hide("before "+said+" behind", s)
			if !s.Stands(said) || !strings.HasPrefix(hidden, "before ") || !strings.HasSuffix(hidden, " behind") || !strings.Contains(hidden, "[redacted]") || strings.Contains(hidden, said) {
				t.Errorf("%s, %s: %s is %s", name, form, said, hidden)
			}
		}
	}
	if s := "401 Unauthorized"; secret.Hide(s) != s || secret.Hide(s, secret.Text{}) != s || secret.Hide(s, secret.Of(canary)) != s {
		t.Error("what is none hides something")
	}
	if got := secret.Hide("in abcdefgh", secret.Of("abcd"), secret.Of("abcdefgh")); got != "in [redacted]" {
		t.Errorf("of one that begins as another does: %s", got)
	}
}

func TestConceal(t *testing.T) {
	why := errors.New("no: you said " + canary)
	err := secret.Conceal(fmt.Errorf("ask: %w", why), secret.Of(canary))
	if err == nil || !errors.Is(err, why) || strings.Contains(printed(t, err, struct{ Err error }{err}), canary) || err.Error() != "ask: no: you said [redacted]" {
		t.Errorf("%v", err)
	}
	if got := secret.Conceal(why); got != why {
		t.Errorf("%v", got)
	}
	if got := secret.Conceal(nil, secret.Of(canary)); got != nil {
		t.Errorf("%v", got)
	}
}

// said is word in the ways in which careless devices say it back.
func said(t *testing.T, word string) map[string]string {
	t.Helper()
	j, err := json.Marshal(word)
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	if err := e.Encode(word); err != nil {
		t.Fatal(err)
	}
	return forms(word, string(j), strings.TrimSpace(plain.String()))
}
