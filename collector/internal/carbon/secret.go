package carbon

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// A Key says where a provider's key is: in a file, or in the environment. It is
// read anew each time, and may be put right at any time.
type Key struct {
	File string // its first line
	Env  string // name of the variable
}

func (k Key) String() string {
	switch {
	case k.File != "":
		return "file " + k.File
	case k.Env != "":
		return "variable " + k.Env
	}
	return "no key"
}

// mostKey is how long a key may be.
const mostKey = 4096

// read is the key, none if there is none to be had.
func (k Key) read() (secret.Text, error) {
	text := ""
	switch {
	case k.File != "":
		b, err := readSmall(k.File, mostKey)
		if err != nil {
			return secret.Text{}, fmt.Errorf("read key: %w", err)
		}
		text, _, _ = strings.Cut(string(b), "\n")
	case k.Env != "":
		text = os.Getenv(k.Env)
	default:
		return secret.Text{}, nil
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return secret.Text{}, fmt.Errorf("read key: %s is empty", k)
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return secret.Text{}, fmt.Errorf("read key: %s has a character that no key has", k)
		}
	}
	return secret.Of(text), nil
}

// A pause is an error after which a provider is left alone for a while.
type pause struct {
	error
	wait time.Duration
}

func (p pause) Unwrap() error { return p.error }

// mostError is how long an error of a provider may be: it may quote the answer.
const mostError = 400

// A told error shows another text than the error that it stands for.
type told struct {
	text string
	err  error
}

func (t told) Error() string { return t.text }

// Is finds what it stands for, without giving it away.
func (t told) Is(target error) bool { return errors.Is(t.err, target) }

// conceal is err without texts in its own, on one line and no longer than is useful.
func conceal(err error, texts ...secret.Text) error {
	if err == nil || errors.Is(err, errSame) {
		return err
	}
	text := err.Error()
	shorn := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	shorn = secret.Hide(shorn, texts...)
	if len(shorn) > mostError {
		shorn = strings.ToValidUTF8(shorn[:mostError], "") + " …"
	}
	if shorn == text {
		return err
	}
	if p := (pause{}); errors.As(err, &p) {
		return pause{told{shorn, err}, p.wait}
	}
	return told{shorn, err}
}
