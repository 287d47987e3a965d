package secret

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// shortest is from how many bytes on a text is looked for in other forms than its own:
// those of fewer stand in any number.
const shortest = 4

// Hide is said without texts, in whatever form it has them: as they are, as a URL,
// JSON or a quoted string has them, as a list of bytes, in hex, and in base64 alone or
// with something before or behind.
func Hide(said string, texts ...Text) string {
	var forms []string
	for _, t := range texts {
		if t.s != nil {
			forms = append(forms, formsOf(*t.s)...)
		}
	}
	if len(forms) == 0 {
		return said
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // one may begin as another does
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, redacted)
	}
	return strings.NewReplacer(pairs...).Replace(said)
}

// Stands reports whether t is in what was said, in any form.
func (t Text) Stands(said string) bool { return Hide(said, t) != said }

// formsOf are the ways in which s may be written, s among them.
func formsOf(s string) []string {
	list := []string{s}
	if len(s) < shortest {
		return list
	}
	quoted := strconv.Quote(s)
	ascii := strconv.QuoteToASCII(s)
	list = append(list, url.QueryEscape(s), url.PathEscape(s), quoted[1:len(quoted)-1], ascii[1:len(ascii)-1],
		fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), strings.Trim(fmt.Sprint([]byte(s)), "[]"))
	if b, err := json.Marshal(s); err == nil {
		list = append(list, string(b[1:len(b)-1]))
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		list = append(list, e.EncodeToString([]byte(s)))
		for at := range 3 { // where in a group of three bytes it begins
			whole := e.WithPadding(base64.NoPadding).EncodeToString([]byte("\x00\x00"[:at] + s))
			list = append(list, whole[(8*at+5)/6:8*(at+len(s))/6]) // what is of s alone
		}
	}
	return list
}

// Conceal is err with a text that has no texts in it; see [Hide].
func Conceal(err error, texts ...Text) error {
	if err == nil {
		return nil
	}
	said := err.Error()
	if without := Hide(said, texts...); without != said {
		return concealed{without, err}
	}
	return err
}

// A concealed error stands for another, and shows another text.
type concealed struct {
	said string
	err  error
}

func (c concealed) Error() string { return c.said }
func (c concealed) Unwrap() error { return c.err }

// Format writes the same as Error, whatever the verb.
func (c concealed) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.said)) }
