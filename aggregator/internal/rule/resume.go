package rule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// starting is for how long receivers are to keep what fires while an aggregator
// starts: the store of a gigafactory takes minutes to open after a crash, and what is
// not spoken of for so long would end, and fire again.
const starting = 15 * time.Minute

// Resume tells receivers what of the file at path fired when it was last written, so
// that nothing ends before an evaluator looks at it. It returns when all have
// answered, or ctx ends.
func Resume(ctx context.Context, path string, rules []table.Rule, c DeliveryConfig) error {
	c.Direct, c.DirectFile = Endpoint{}, "" // it has a memory of its own
	list, err := fired(path, rules, time.Now())
	if err != nil || len(list) == 0 || len(c.Alertmanagers) == 0 {
		return err
	}
	d, err := NewDelivery(c)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running) }()
	d.deliver(ctx, list)
	stop()
	return <-ended
}

// fired are the messages of what fired.
func fired(path string, rules []table.Rule, now time.Time) ([]Message, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	kept, err := decode(b)
	if err != nil {
		return nil, nil // who opens it says so
	}
	byName := map[string]*compiled{}
	for i := range rules {
		byName[rules[i].Name] = &compiled{Rule: &rules[i]}
	}
	var list []Message
	e := &Evaluator{}
	for i := range kept {
		k := &kept[i]
		c := byName[k.Rule]
		if c == nil || k.Phase != Firing || now.UnixMilli()-k.Sent > starting.Milliseconds() { // who was told has long ended it
			continue
		}
		m := Message{Labels: pairs(k.Labels), StartsAt: time.UnixMilli(k.Since), EndsAt: now.Add(starting), rule: c, value: k.number(), said: said{evidence: k.Evidence, advice: k.Advice}}
		e.render(&m)
		list = append(list, m)
	}
	return list, nil
}
