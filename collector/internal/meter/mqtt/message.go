package mqtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits of a message.
const (
	mostBytes = 256 << 10
	deepest   = 32
)

// whole is the path of a message that is nothing but a value.
const whole = "."

// parse reads the JSON of a message. Numbers are kept as they were written.
func parse(b []byte) (any, error) {
	if len(b) > mostBytes {
		return nil, fmt.Errorf("more than %d bytes", mostBytes)
	}
	b = bytes.Trim(bytes.TrimPrefix(b, []byte("\ufeff")), " \t\r\n\x00")
	if len(b) == 0 {
		return nil, errors.New("nothing in it")
	}
	tame, err := tamed(b)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(tame))
	d.UseNumber()
	var m any
	if err = d.Decode(&m); err == nil {
		if _, err = d.Token(); err == nil {
			err = errors.New("there is more after it")
		} else if err == io.EOF {
			return m, nil
		}
	}
	if err == io.ErrUnexpectedEOF {
		err = errors.New("it ends in the middle")
	}
	return nil, fmt.Errorf("%d bytes that are no JSON: %w: %q", len(b), err, short(string(b)))
}

// noNumbers are what programs write for a number that is none, though JSON does
// not have it.
var noNumbers = [...]string{"NaN", "Infinity", "-Infinity", "-NaN", "nan", "inf", "-inf", "-nan"}

// tamed is b with null for what is no number. It says so if b is too deep.
func tamed(b []byte) ([]byte, error) {
	out := make([]byte, 0, len(b))
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted && c == '\\' && i+1 < len(b):
			out = append(out, c)
			i++
			c = b[i]
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > deepest {
				return nil, fmt.Errorf("more than %d levels", deepest)
			}
		case c == ']' || c == '}':
			depth--
		case strings.IndexByte("NI-ni", c) >= 0:
			if n := noNumber(b[i:]); n > 0 {
				out = append(out, "null"...)
				i += n - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// noNumber is how long the word is for what is no number with which b begins, 0 if
// it does not.
func noNumber(b []byte) int {
	for _, word := range noNumbers {
		if after, ok := bytes.CutPrefix(b, []byte(word)); ok && (len(after) == 0 || strings.IndexByte(",]} \t\r\n", after[0]) >= 0) {
			return len(word)
		}
	}
	return 0
}

// find follows names into a message. A name may have dots in it: the shortest that
// leads on is taken.
func find(in any, names []string) (any, bool) {
	if len(names) == 0 {
		return in, true
	}
	switch t := in.(type) {
	case map[string]any:
		for n := 1; n <= len(names); n++ {
			if next, ok := t[strings.Join(names[:n], ".")]; ok {
				if found, ok := find(next, names[n:]); ok {
					return found, true
				}
			}
		}
	case []any:
		if i, err := strconv.ParseUint(names[0], 10, 31); err == nil && i < uint64(len(t)) {
			return find(t[i], names[1:])
		}
	}
	return nil, false
}

// lacks says where names do not lead on, and what is there instead.
func lacks(in any, names []string) string {
	at, n := in, 0
	for n < len(names) {
		next, ok := find(at, names[n:n+1])
		if !ok {
			break
		}
		at, n = next, n+1
	}
	where := "it"
	if n > 0 {
		where = strconv.Quote(short(strings.Join(names[:n], ".")))
	}
	switch t := at.(type) {
	case map[string]any:
		return fmt.Sprintf("%s has %s", where, listed(slices.Sorted(maps.Keys(t))))
	case []any:
		return fmt.Sprintf("%s is a list of %d", where, len(t))
	}
	return fmt.Sprintf("%s is %s; the path of nothing but a value is a dot", where, sort(at))
}

// mostNamed is how many members an error names.
const mostNamed = 12

func listed(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	more := ""
	if n := len(names) - mostNamed; n > 0 {
		names, more = names[:mostNamed], fmt.Sprintf(" and %d more", n)
	}
	for i, n := range names {
		if strings.ContainsFunc(n, func(c rune) bool { return c <= ' ' || c == 0x7f || c == ',' }) || n == "" || len(n) > longestShown {
			names[i] = strconv.Quote(short(n))
		}
	}
	return strings.Join(names, ", ") + more
}

// sort is what sort of thing stands somewhere in a message.
func sort(v any) string {
	switch t := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(t)
	case json.Number:
		return short(t.String())
	case string:
		return strconv.Quote(short(t))
	case []any:
		return "a list"
	}
	return "an object"
}

// longestShown is how much of what others wrote stands in an error.
const longestShown = 40

func short(s string) string {
	if len(s) > longestShown {
		return s[:longestShown] + "…"
	}
	return s
}
