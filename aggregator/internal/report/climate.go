package report

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sort"
	"strings"
	"time"
)

// A Series is daily means of the outdoor temperature.
type Series struct {
	Source string
	Days   map[string]*big.Rat // °C, by day as 2026-07-15
}

// Limits of a file of temperatures.
const (
	mostSeriesDays  = 200 * 366
	mostSeriesBytes = 16 << 20
)

// ParseSeries reads temperatures: lines of a day and a number of °C, with a comma,
// semicolon or tab between and a heading or none. What is not a whole day, such as
// 2026-07-15T14:00Z, counts towards the mean of its day.
func ParseSeries(r io.Reader, source string) (Series, error) {
	s := Series{Source: source, Days: map[string]*big.Rat{}}
	in := bufio.NewReader(io.LimitReader(r, mostSeriesBytes))
	head, _ := in.Peek(4096)
	c := csv.NewReader(in)
	c.FieldsPerRecord, c.TrimLeadingSpace, c.Comment, c.ReuseRecord = -1, true, '#', true
	first, _, _ := strings.Cut(string(head), "\n")
	for _, by := range []rune{'\t', ';'} {
		if strings.ContainsRune(first, by) {
			c.Comma = by
			break
		}
	}
	count := map[string]int64{}
	for n := 1; ; n++ {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, fmt.Errorf("read temperatures: %w", err)
		}
		if len(row) < 2 {
			return s, fmt.Errorf("read temperatures: line %d has %d fields, want a day and a temperature", n, len(row))
		}
		day, ok := dayOf(strings.TrimSpace(strings.TrimPrefix(row[0], "\ufeff")))
		t, err := temperature(strings.TrimSpace(row[1]))
		switch {
		case n == 1 && !ok && err != nil:
			continue // a heading
		case !ok:
			return s, fmt.Errorf("read temperatures: line %d: %s is no day, such as 2026-07-15", n, quoted(row[0]))
		case err != nil:
			return s, fmt.Errorf("read temperatures: line %d: %w", n, err)
		}
		if s.Days[day] == nil {
			if len(s.Days) == mostSeriesDays {
				return s, fmt.Errorf("read temperatures: more than %d days", mostSeriesDays)
			}
			s.Days[day] = new(big.Rat)
		}
		s.Days[day].Add(s.Days[day], t)
		count[day]++
	}
	for day, n := range count {
		s.Days[day] = over(s.Days[day], n)
	}
	return s, nil
}

// dayOf is the day at the beginning of a time.
func dayOf(t string) (string, bool) {
	if len(t) < len(time.DateOnly) {
		return "", false
	}
	if _, err := time.Parse(time.DateOnly, t[:len(time.DateOnly)]); err != nil {
		return "", false
	}
	return t[:len(time.DateOnly)], true
}

func temperature(t string) (*big.Rat, error) {
	d, err := ParseDecimal(t)
	if err != nil {
		return nil, err
	}
	if v := d.Float(); v < -90 || v > 70 {
		return nil, fmt.Errorf("%s °C is the temperature of no place", t)
	}
	return d.Rat(), nil
}

// Eurostat's method, and the base that the regulation names: a day of a mean of at
// least the threshold counts for what it is warmer than the base.
const (
	coolingThreshold = 24
	coolingBase      = 21
)

// DegreeDays are the cooling degree days of a series from one day to another, both
// included, and the days that it lacks.
func (s *Series) DegreeDays(first, last string) (sum *big.Rat, lacks []string) {
	sum = new(big.Rat)
	for d := dateOf(first); d.Compare(dateOf(last)) <= 0; d = d.Next() {
		t := s.Days[d.String()]
		switch {
		case t == nil:
			lacks = append(lacks, d.String())
		case t.Cmp(big.NewRat(coolingThreshold, 1)) >= 0:
			sum = sumOf(sum, lessOf(t, big.NewRat(coolingBase, 1)))
		}
	}
	sort.Strings(lacks)
	return sum, lacks
}

// degreeDays is CDD: of the temperatures that were given, else as entered.
func (b *build) degreeDays(f *Figure, a *Asked) {
	if len(b.Weather.Days) == 0 {
		b.entered(f, a)
		if f.Missing != "" {
			f.Missing = "no daily temperatures are given; " + f.Missing
		}
		return
	}
	sum, lacks := b.Weather.DegreeDays(b.r.Period.From, b.r.Period.To)
	f.Quality, f.At = QualityCalculated, b.Weather.Source
	n := b.r.Period.days()
	f.Coverage = percent(n-int64(len(lacks)), n)
	if len(lacks) > 0 {
		f.Missing = fmt.Sprintf("the temperatures lack %d of %d days, such as %s", len(lacks), n, lacks[0])
		return
	}
	f.set(sum, a.Decimals)
	f.Method = "Eurostat: of days with a mean of 24 °C and more, what it is above 21 °C"
}
