package hub

import (
	"bytes"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A flood of forged messages is counted to the last, and is a line of its first and
// then a sum a minute, whatever the sender makes up.
func TestAFloodOfForgeriesDoesNotFillTheLog(t *testing.T) {
	_, conn := newBus(t, server.Options{})
	c := newCenter(t, t.TempDir(), conn, newBooks(t, "fra1", 1), newBooks(t, "ams1", 2))
	var log bytes.Buffer
	c.Hub.c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	junk := bytes.Repeat([]byte("junk"), 50)
	began := time.Now()
	const flood = 9000
	for i := range flood { // two and a half minutes
		at := began.Add(time.Duration(i) * 150 * time.Second / flood)
		c.Take(subject("fra1", tellsNow), junk, at)
		c.Take(fmt.Sprintf("site.fra1.rollup.%0300d", i), junk, at)
		c.Take(fmt.Sprintf("site.s%d.rollup.now", i), junk, at)
	}
	c.Take(subject("ams1", tellsNow), junk, began.Add(150*time.Second))
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 3+2+2+1 { // firsts, sums of the site and of strangers, and the first of another site
		t.Errorf("%d lines:\n%s", len(lines), log.String())
	}
	c.sum(began.Add(4 * time.Minute)) // as time passes
	for outcome, counted := range map[string]uint64{
		"forged": c.came("fra1", "forged"), "bad": c.came("fra1", "bad"), "stranger": c.set.GetOrCreateCounter(MetricMessages + `{site="",outcome="stranger"}`).Get(),
	} {
		said := 1
		for _, m := range regexp.MustCompile(`msg="more messages of a site were refused".* `+outcome+`=(\d+)`).FindAllStringSubmatch(log.String(), -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			said += n
		}
		if counted != flood || said != flood {
			t.Errorf("of %d that are %s, %d are counted and %d are said", flood, outcome, counted, said)
		}
	}
	for _, line := range lines {
		if len(line) > 400 {
			t.Errorf("a line of %d bytes: %.500s", len(line), line)
		}
	}
	log.Reset()
	c.sum(began.Add(6 * time.Minute))
	if log.Len() > 0 {
		t.Errorf("when nothing comes it says %s", log.String())
	}
	c.Take(subject("fra1", tellsNow), junk, began.Add(7*time.Minute))
	if !strings.Contains(log.String(), `msg="a message of a site is refused" site=fra1 what=now outcome=forged`) {
		t.Errorf("what comes long after is not said: %s", log.String())
	}
}
