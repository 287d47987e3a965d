package rule

import (
	"context"
	"time"
)

// An Answer is what a receiver said to a test.
type Answer struct {
	Receiver string
	Says     string
	Taken    bool
}

// Test sends one alert along the way of all and waits for what each receiver
// answers. Run runs meanwhile.
func (d *Delivery) Test(ctx context.Context, m Message) []Answer {
	m.Direct, m.Fresh = true, true
	return d.deliver(ctx, []Message{m})
}

// deliver sends, and waits for an answer of each receiver.
func (d *Delivery) deliver(ctx context.Context, list []Message) (answers []Answer) {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	var before []int
	for sent := false; ; {
		switch {
		case !sent && d.ready():
			before, sent = d.attempts(), true
			d.Send(list)
		case sent:
			var all bool
			if answers, all = d.since(before); all {
				return answers
			}
		}
		select {
		case <-ctx.Done():
			return answers
		case <-every.C:
		}
	}
}

// ready reports whether each Alertmanager has its queue.
func (d *Delivery) ready() bool {
	for _, am := range d.alertmanagers {
		if len(am.manager.Alertmanagers()) == 0 {
			return false
		}
	}
	return true
}

func (d *Delivery) attempts() (list []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.receivers {
		list = append(list, r.attempts)
	}
	return list
}

func (d *Delivery) since(before []int) (answers []Answer, all bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all = true
	for i, r := range d.receivers {
		a := Answer{r.name, r.says, r.since == 0}
		if r.attempts == before[i] {
			a, all = Answer{r.name, "no answer", false}, false
		}
		answers = append(answers, a)
	}
	return answers, all
}
