package mqtt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Brokers are those of a site, one an address and user. The zero Brokers has none.
type Brokers struct{ list []*Broker }

// Of is the reader of a device as a site's file describes it. It has a line of its
// own: it waits for nobody. It is to be called before the broker's Run.
func (s *Brokers) Of(d *site.MQTT) (r *Reader, line string, err error) {
	if r, err = s.reader(d); err != nil {
		return nil, "", fmt.Errorf("topic %s of broker %s: %w", short(d.Topic), short(secret.Shown(d.Broker)), err)
	}
	return r, "", nil
}

func (s *Brokers) reader(d *site.MQTT) (*Reader, error) {
	a, err := accountOf(d.Broker)
	if err != nil {
		return nil, err
	}
	a.user, a.passwordFile, a.ca = d.User, d.PasswordFile, d.CA
	switch {
	case a.user == "" && a.passwordFile != "":
		return nil, errors.New("a password without a user")
	case a.ca != "" && !a.tls:
		return nil, errors.New("ca is for tls")
	case !oneTopic(d.Topic) || d.Status != "" && !oneTopic(d.Status):
		return nil, errors.New("want the names of single topics")
	case len(d.Fields) == 0:
		return nil, errors.New("nothing is said of what its messages hold")
	}
	r := &Reader{topic: d.Topic, status: d.Status, time: d.Time, onChange: d.OnChange, sent: make(chan struct{}, 1), first: make(chan struct{}), newest: map[meter.Kind]meter.Value{}}
	r.began = sync.OnceFunc(func() { close(r.first) })
	for i := range d.Fields {
		f, err := fieldOf(&d.Fields[i])
		switch {
		case err != nil:
			return nil, err
		case slices.Contains(r.gives, f.kind):
			return nil, fmt.Errorf("%s stands there twice", f.kind)
		}
		r.fields, r.gives = append(r.fields, f), append(r.gives, f.kind)
	}
	r.broker = s.open(a)
	r.broker.add(r)
	return r, nil
}

// oneTopic reports whether a message may come on t and on no other of that name.
func oneTopic(t string) bool {
	return t != "" && len(t) < 1<<16 && utf8.ValidString(t) && !strings.ContainsAny(t, "+#\x00") && !strings.HasPrefix(t, "$share/") && !strings.HasPrefix(t, "$queue/")
}

// open is the broker of an account: the one of before where it is the same.
func (s *Brokers) open(a account) *Broker {
	if i := slices.IndexFunc(s.list, func(b *Broker) bool { return b.c == a }); i >= 0 {
		return s.list[i]
	}
	b := &Broker{
		c: a, name: a.String(), trouble: "broker " + a.String() + ": not connected yet",
		meters: map[string][]*Reader{}, states: map[string][]*Reader{},
		shortest: shortest, longest: longest,
	}
	s.list = append(s.list, b)
	return b
}

func (b *Broker) add(r *Reader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.meters[r.topic] = append(b.meters[r.topic], r)
	if r.status != "" {
		b.states[r.status] = append(b.states[r.status], r)
	}
}

// Feeds are the brokers as what readers share.
func (s *Brokers) Feeds() (list []meter.Feed) {
	for _, b := range s.list {
		list = append(list, b)
	}
	return list
}
