package ledger

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// Hours of the same devices have one list of them in memory, whatever was drawn.
func TestHoursShareWhatIsAlike(t *testing.T) {
	l, err := open(config(), newMemory(nil))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newReplay(t, sim.Config{Site: "fra1", Hosts: 4, GPUs: 2, Seed: 3, Start: began}, l)
	r.run(3*time.Hour + 10*time.Minute)
	r.commit()
	plainly := func(i int) *account.Hour {
		h, err := readSealed(l.disk, &l.logs["fra1"].leaves[i], l.logs["fra1"].file(i), readHour)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	var hours []*account.Hour
	for i := range l.logs["fra1"].leaves {
		h, err := l.hour(l.logs["fra1"], i)
		if err != nil {
			t.Fatal(err)
		}
		if x := plainly(i); string(appendHour(nil, h)) != string(appendHour(nil, x)) {
			t.Errorf("hour %d is read otherwise beside others than by itself", i)
		}
		if len(h.Devices) > 0 {
			hours = append(hours, h)
		}
	}
	if len(hours) < 3 {
		t.Fatalf("%d hours are sealed", len(hours))
	}
	for i := 1; i < len(hours); i++ {
		same := len(hours[i].Devices) == len(hours[i-1].Devices)
		for k := 0; same && k < len(hours[i].Devices); k++ {
			same = hours[i].Devices[k].Compare(&hours[i-1].Devices[k]) == 0
		}
		if shared := &hours[i].Devices[0] == &hours[i-1].Devices[0]; shared != same {
			t.Errorf("hour %d has the devices of the one before: %t; the list is shared: %t", i, same, shared)
		}
	}
	if &hours[len(hours)-1].Devices[0] != &hours[len(hours)-2].Devices[0] || &hours[len(hours)-1].Places[0] != &hours[len(hours)-2].Places[0] {
		t.Error("nothing is shared")
	}
}
