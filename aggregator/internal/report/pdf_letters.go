package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// A typeface is a font of a document: it has the letters of all official languages of
// the Union.
type typeface string

const (
	plain typeface = ""
	bold  typeface = "B"
	mono  typeface = "M"
)

// family is the name of a face, and its style.
func (f typeface) family() (name, style string) {
	if f == mono {
		return "mono", ""
	}
	return "text", string(f)
}

// unwritten stands for a character that no font here has.
const unwritten = '□'

// letters makes of foreign texts what the fonts can write.
type letters struct {
	font *sfnt.Font
	buf  sfnt.Buffer
	has  map[rune]bool
	lost int // characters that were replaced
}

func newLetters() (*letters, error) {
	f, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	return &letters{font: f, has: map[rune]bool{}}, nil
}

// file is the font of a face. It is a copy: the library writes into it.
func (f typeface) file() []byte {
	switch f {
	case bold:
		return slices.Clone(gobold.TTF)
	case mono:
		return slices.Clone(gomono.TTF)
	}
	return slices.Clone(goregular.TTF)
}

func (l *letters) can(r rune) bool {
	ok, known := l.has[r]
	if !known {
		i, err := l.font.GlyphIndex(&l.buf, r)
		ok = err == nil && i != 0 && r <= 0xffff
		l.has[r] = ok
	}
	return ok
}

// alike are characters that look as others do.
var alike = strings.NewReplacer("\u202f", "\u00a0", "\u2007", "\u00a0", "\u2009", "\u00a0", "\u2010", "-", "\u2011", "-", "\u2212", "−", "ẞ", "SS", "ʼ", "’", "\t", " ", "\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n")

// clean is s in characters that can be written: accents that the fonts lack are
// left out, other characters become a box.
func (l *letters) clean(s string) string {
	whole := true
	for _, r := range s {
		if whole = r >= ' ' && r < 0x7f; !whole {
			break
		}
	}
	if whole {
		return s
	}
	var out strings.Builder
	for _, r := range alike.Replace(norm.NFC.String(strings.ToValidUTF8(s, string(unwritten)))) {
		switch {
		case r == '\n' || r != unicode.ReplacementChar && !unicode.IsControl(r) && l.can(r):
			out.WriteRune(r)
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r): // an accent, or a mark that is not seen
		default:
			base, _ := firstRune(norm.NFD.String(string(r)))
			if base == r || !l.can(base) {
				base = unwritten
				l.lost++
			}
			out.WriteRune(base)
		}
	}
	return out.String()
}

func firstRune(s string) (rune, bool) {
	for _, r := range s {
		return r, true
	}
	return unwritten, false
}

// grouped is a number with a space before every three digits of its whole part.
func grouped(s string) string {
	whole, fraction, has := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "−", whole[1:]
	}
	var out strings.Builder
	out.WriteString(sign)
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteRune('\u00a0')
		}
		out.WriteRune(r)
	}
	if has {
		out.WriteString("." + fraction)
	}
	return out.String()
}

// unitWords are units as people write them.
func unitWords(u string) string {
	switch u {
	case "1":
		return ""
	case "m2":
		return "m²"
	case "m3":
		return "m³"
	}
	return u
}

// plural is n of something.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
