package fault

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"
)

// A kind is a way to fail. The number is that of the list in FAULTS.md.
type kind int

const (
	killCollector  kind = iota // 1
	killAggregator             // 2: between two records
	killBeforeAck              // 2: after a commit, before anybody is told
	crashCommit                // 2, 18: the power goes at one step of a commit
	crashOpen                  // 2: and again while it starts
	restartBus                 // 3
	wipeBus                    // 4
	fullBus                    // 5: it takes nothing more, and does not say so
	sickSpool                  // 6: the collector's disk is full, read-only or dead for a while
	cutHost                    // 7
	cutRack                    // 7
	cutSite                    // 7
	lose                       // 7: one message
	loseAck                    // 7: one acknowledgement
	double                     // 8
	delay                      // 9
	clock                      // 10
	resetGPU                   // 11
	deadHost                   // 11, 18: its counters begin anew, its disk loses what was not synced
	glitchCounter              // 12
	freezeCounter              // 12
	lostGPU                    // 13
	blankDriver                // 13
	hungProbe                  // 13
	divide                     // 15: a board is divided, and each part shows the counter of the whole
	flipSlot                   // 17: a bit of the newer slot
	holeInBus                  // 17: messages that were stored are gone
	powerCut                   // 18: of a collector
	ioError                    // 19: one operation of the aggregator's disk
	junk                       // 23: bytes that no collector sends
	resetMeter                 // 26
	hungMeter                  // 26
	spoolLost                  // the collector's disk was replaced
	flipSpool                  // 17: a bit of a collector's spool, while it does not run
	cutSick                    // 18, 19: the power goes while the collector's disk fails
	revenant                   // 14: an earlier life of a collector goes on, as a clone of its machine does
	cutLong                    // 7: for longer than an hour waits for who is behind
	rename                     // 12: a counter that reads zero, and that its agent takes for another from then on
	kinds

	first = flipSpool // those from here on came later: the seeds of the others draw what they always did
)

// table has the name of each kind, the faults of the list that it is, and how often it
// happens in a million steps: of the site, or of each collector or message, or in a million
// times that it can happen at all.
var table = [kinds]struct {
	name  string
	rows  string
	often int
}{
	killCollector:  {"collector killed", "1", 4000},
	killAggregator: {"aggregator killed between records", "2", 12000},
	killBeforeAck:  {"aggregator killed before it told", "2", 8000},
	crashCommit:    {"power cut during a commit", "2 18", 12000},
	crashOpen:      {"power cut during recovery", "2 18", 150000},
	restartBus:     {"bus restarted", "3", 6000},
	wipeBus:        {"bus store wiped", "4", 4000},
	fullBus:        {"bus disk full, silently", "5", 3000},
	sickSpool:      {"collector's disk full, read-only or dead", "6 19", 5000},
	cutHost:        {"one agent cut off", "7", 3000},
	cutRack:        {"a rack cut off", "7", 1500},
	cutSite:        {"the site cut off", "7 22", 1500},
	lose:           {"message lost", "7", 20000},
	loseAck:        {"acknowledgement lost", "7", 80000},
	double:         {"message doubled up to 50 times", "8", 40000},
	delay:          {"message delayed, out of order", "9", 30000},
	clock:          {"clock set or fast", "10", 3000},
	resetGPU:       {"GPU counter begins anew", "11", 2500},
	deadHost:       {"host dead, all counters begin anew", "11 18", 1200},
	glitchCounter:  {"counter reads zero or nonsense, then goes on", "12", 3000},
	freezeCounter:  {"counter stands still", "12", 1500},
	lostGPU:        {"GPU off the bus, comes back", "13", 1500},
	blankDriver:    {"driver answers for no board", "13", 1000},
	hungProbe:      {"readings of a GPU stop, counter goes on", "13", 1500},
	divide:         {"board divided, each part shows the whole", "13 15", 3000},
	flipSlot:       {"bit of the newer slot flipped", "17", 4000},
	holeInBus:      {"stored messages silently gone", "17", 4000},
	powerCut:       {"collector's power cut before a sync", "18", 1500},
	ioError:        {"aggregator's disk fails once", "19", 5000},
	junk:           {"junk and forged records on the bus", "23", 20000},
	resetMeter:     {"meter begins anew", "26", 1000},
	hungMeter:      {"meter does not answer", "26", 1000},
	spoolLost:      {"collector comes back without its spool", "1", 300},
	flipSpool:      {"bit of a spool flipped", "17", 100_000},
	cutSick:        {"power cut while the collector's disk fails", "18 19", 60_000},
	revenant:       {"record of an earlier life of a collector", "14", 5000},
	rename:         {"counter reads zero, and its agent calls it anew", "12", 500_000},
	cutLong:        {"one agent cut off past the sealing of hours", "7", 2500},
}

func (k kind) String() string { return table[k].name }

// options are all that a seed draws before it begins.
type options struct {
	Seed       uint64
	Hosts      int
	GPUs       int
	Interval   time.Duration
	Hours      int
	SpoolBytes int64 // 0: there is room
	Often      [kinds]int
}

// drawn are the options of a seed: about half of the faults, as often as the table
// says or several times as often, so that some meet that seldom do.
func drawn(seed uint64) options {
	rng := rand.New(rand.NewPCG(seed, 2))
	o := options{
		Seed: seed, Hosts: 1 + rng.IntN(3), GPUs: 1 + rng.IntN(2),
		Interval: pick(rng, []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, 30 * time.Second}), Hours: 1 + rng.IntN(3),
	}
	if rng.IntN(6) == 0 {
		o.SpoolBytes = 150_000
	}
	times := pick(rng, []int{1, 1, 2, 4})
	for k := range first {
		if rng.IntN(2) == 0 {
			o.Often[k] = table[k].often * times
		}
	}
	// What is not promised is not drawn. A reading is judged by its time, so that one which
	// is nonsense is told from others only while the clock is right; and
	if o.Often[clock] > 0 && o.Often[glitchCounter] > 0 {
		o.Often[pick(rng, []kind{clock, glitchCounter})] = 0
	}
	if o.SpoolBytes > 0 { // thinning keeps the last reading of a life, and cannot know that it is nonsense
		o.Often[glitchCounter] = 0
	}
	for k := first; k < kinds; k++ {
		if rng.IntN(2) == 0 {
			o.Often[k] = table[k].often * times
		}
	}
	if o.Often[flipSlot] > 0 && o.Often[flipSpool] > 0 { // what the newer state alone knew, the spools have
		o.Often[pick(rng, []kind{flipSlot, flipSpool})] = 0
	}
	if o.Often[flipSlot] > 0 { // a state that goes back to before a life began cannot tell the one before it
		o.Often[revenant] = 0
	}
	if rng.IntN(4) > 0 {
		o.Often[cutLong] = 0
	} else if o.Often[cutLong] > 0 && !o.without(cutLong) {
		o.Hours = 6
	}
	o.leaveOut()
	return o
}

// everything are the options of a seed for three days with every fault there is, as often as the table
// says, except for what is not promised together; of such the seed says which it is.
func everything(seed uint64) options {
	o := options{Seed: seed, Hosts: 3, GPUs: 2, Interval: 30 * time.Second, Hours: 72}
	for k := range kinds {
		o.Often[k] = table[k].often
	}
	if seed%2 == 0 {
		o.Often[clock], o.Often[flipSlot] = 0, 0
	} else {
		o.Often[glitchCounter], o.Often[rename], o.Often[flipSpool], o.Often[revenant] = 0, 0, 0, 0
	}
	o.leaveOut()
	return o
}

func (o *options) leaveOut() {
	for k := range kinds {
		if o.without(k) {
			o.Often[k] = 0
		}
	}
}

// without reports whether a fault is left out, to find out what a failure needs, or to see it
// as it was when there was no such fault.
func (o *options) without(k kind) bool {
	early := slices.ContainsFunc(regressions, func(x regression) bool { return x.seed == o.Seed && x.early })
	return k >= first && early || slices.Contains(strings.Split(os.Getenv("FAULT_WITHOUT"), ";"), k.String())
}

func (o options) String() string {
	var of []string
	for k, n := range o.Often {
		if n > 0 {
			of = append(of, fmt.Sprintf("%s %d", kind(k), n))
		}
	}
	return fmt.Sprintf("seed %d: %d hosts of %d GPUs, a record each %v, %d hours of faults, spool of %d bytes; in a million: %s",
		o.Seed, o.Hosts, o.GPUs, o.Interval, o.Hours, o.SpoolBytes, strings.Join(of, ", "))
}

// chance is whether a fault happens now.
func (r *run) chance(k kind) bool {
	if r.calm || r.o.Often[k] == 0 || r.rng.IntN(1_000_000) >= r.o.Often[k] {
		return false
	}
	r.sum.Injected[k.String()]++
	return true
}

// A tally is what happened in a run.
type tally struct {
	Injected map[string]int

	steps, records, lostRecords int
	hours, restatements         int
	resets                      int
	booked                      uint64 // mJ
	difference                  uint64 // mJ
	checks                      int    // of what is on disk
}

func (a *tally) add(b tally) {
	if a.Injected == nil {
		a.Injected = map[string]int{}
	}
	for k, n := range b.Injected {
		a.Injected[k] += n
	}
	a.steps += b.steps
	a.records += b.records
	a.lostRecords += b.lostRecords
	a.hours += b.hours
	a.restatements += b.restatements
	a.resets += b.resets
	a.booked += b.booked
	a.difference += b.difference
	a.checks += b.checks
}
