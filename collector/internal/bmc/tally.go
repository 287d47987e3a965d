package bmc

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/energy"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A tally makes the counter of a meter: of its register where that can be
// believed, else of its power over time. It is used by one goroutine.
type tally struct {
	name     string
	most     float64 // W that no host draws more than
	window   time.Duration
	integral energy.Integral
	lives    *energy.Lives
	memory   memory
	log      *slog.Logger

	believed string     // the register's id
	verdict  string     // why the register is not believed in this run
	met      time.Time  // when it was first seen in this run
	powered  bool       // the integral was shown
	epoch    metric.Raw // of the register
	watch    watch
	unseen   int  // good readings in a row that did not show it
	forgets  bool // said that its epoch is not remembered
}

// A watch is what was seen of a register.
type watch struct {
	id    string
	first time.Time
	from  uint64     // mJ
	power metric.Raw // mJ of the integral at first
	lap   metric.Raw // epoch of the integral

	last  uint64
	at    time.Time // of last
	watts float64   // at the same time
	moved time.Time // when it last moved
	moves int
	step  uint64 // the greatest at once
	leap  bool   // at once, by more than coarsest allows
}

const (
	coarsest = 30 * time.Second // of power, that a register may move at once
	shortest = time.Minute      // that a trial takes
	longest  = 90 * time.Second // that one takes, or six periods
	convince = 5                // moves that it takes
	apart    = 0.4              // of the power's energy, that the register's may be off: a wrong unit is more
	standing = 3 * time.Minute  // that a register may stand still while power flows
	unshown  = 10               // readings without it
)

// newTally is the tally of the meter called name, whose register does not
// outlive boot; "" if it outlives all boots.
func newTally(name, folder, boot string, period time.Duration, most float64, log *slog.Logger) *tally {
	t := &tally{name: name, most: most, window: max(longest, 6*period), log: log}
	t.integral = energy.Integral{Name: name, Gap: max(time.Minute, 3*period)}
	lives := ""
	if folder != "" {
		t.memory.path, lives = filepath.Join(folder, "register-"+name+".json"), filepath.Join(folder, "lives-"+name+".json")
		if err := t.memory.load(); err != nil {
			log.Warn("energy register will be on trial again", "meter", name, "error", err)
		}
	}
	var err error
	if t.lives, err = energy.OpenLives(lives, boot); err != nil {
		log.Warn("counters may begin anew", "meter", name, "error", err)
	}
	return t
}

// restart begins the integral anew: another meter counted what it holds.
func (t *tally) restart() {
	t.integral = energy.Integral{Name: t.name, Gap: t.integral.Gap}
}

// add counts s, whose time is set.
func (t *tally) add(s sample) view {
	t.integral.Add(s.watts, s.at)
	r := t.see(s)
	switch {
	case r != nil && t.verdict == "" && t.believed == "":
		t.try(r, s)
	case r != nil && t.believed != "" && s.at.Sub(t.watch.moved) > standing:
		t.disbelieve("it stands still while power flows", s)
	case r == nil && (t.believed != "" || t.onTrial()) && t.unseen >= unshown:
		t.disbelieve("it is no longer shown", s)
	}
	v := view{about: s.about, watts: s.watts, at: s.at}
	switch {
	case t.believed != "" && r == nil: // it was there, and may be again
		v.energy, v.epoch, v.quality = metric.Missing, t.epoch, metric.Measured
		v.counter = "energy by its register, which was not shown now"
	case t.believed != "":
		var err error
		if t.epoch, err = t.lives.Epoch(r.id, r.driver, r.mj); err != nil && !t.forgets {
			t.log.Warn("counter may begin anew after a restart", "meter", t.name, "error", err)
		}
		t.forgets = err != nil
		v.energy, v.epoch, v.quality = metric.Raw(r.mj), t.epoch, metric.Measured
		v.counter = fmt.Sprintf("energy by its register, in steps of up to %d J", (t.watch.step+999)/1000)
	case t.onTrial():
		// What its power makes of this time would be counted twice if the register
		// went on from before.
		v.energy, v.epoch, v.quality = metric.Missing, metric.Missing, metric.QualityMissing
		v.counter = "its energy register on trial"
	default:
		t.powered = true
		v.energy, v.epoch, v.quality = t.integral.Energy(), t.integral.Epoch(), metric.Integrated
		v.counter = "energy integrated from its power"
		if t.verdict != "" {
			v.counter += "; not by its register: " + t.verdict
		}
	}
	return v
}

// see is the register that s shows, as far as it makes sense after what was seen
// before: a register at zero is one that was not read yet, and one that went
// further than any host could drive it is not the one it was.
func (t *tally) see(s sample) *register {
	r, w := s.register, &t.watch
	if r == nil || r.mj == 0 || r.mj >= 1<<62 {
		t.unseen++
		return nil
	}
	lap := t.integral.Epoch()
	if r.id != w.id || r.mj < w.last || t.believed == "" && lap != w.lap {
		if r.id != w.id {
			t.meet(r.id, s.at)
		}
		*w = watch{id: r.id, first: s.at, from: r.mj, power: t.integral.Energy(), lap: lap, last: r.mj, at: s.at, watts: s.watts, moved: s.at}
		t.unseen = 0
		return r
	}
	since, d := s.at.Sub(w.at), r.mj-w.last
	if t.believed != "" && float64(d) > t.most*(since+since/4+coarsest).Seconds()*1000 {
		t.unseen++
		return nil
	}
	t.unseen = 0
	if d > 0 || since > standing/2 { // nobody saw it stand still
		w.moved = s.at
	}
	if d > 0 {
		w.moves++
		w.step = max(w.step, d)
	}
	w.leap = float64(d) > max(w.watts, s.watts)*(since+since/2+coarsest).Seconds()*1000
	w.last, w.at, w.watts = r.mj, s.at, s.watts
	return r
}

// meet decides what is known of a register that was not seen in this run.
func (t *tally) meet(id string, at time.Time) {
	t.believed, t.verdict, t.met = "", "", at
	switch known := t.memory.of(id); {
	case t.powered:
		t.verdict = "it appeared when its power was counted already; a restart tries it"
	case known.Believed:
		t.believed = id
	case known.Why != "":
		t.verdict = known.Why
	}
}

// onTrial reports whether a register was seen that nobody has judged.
func (t *tally) onTrial() bool { return t.watch.id != "" && t.believed == "" && t.verdict == "" }

// try decides whether register r is to be believed from now on.
func (t *tally) try(r *register, s sample) {
	w := &t.watch
	counted, drawn := float64(w.last-w.from), float64(t.integral.Energy()-w.power) // mJ
	since, off := s.at.Sub(w.first), max(counted-drawn, drawn-counted)
	switch {
	case w.leap:
		t.disbelieve(fmt.Sprintf("it moves by %d J at once", w.step/1000), s)
	case since < shortest && s.at.Sub(t.met) < 2*t.window:
	case since >= shortest && w.moves >= convince && off <= apart*drawn+float64(w.step):
		t.lives.Epoch(r.id, r.driver, r.mj) // it may be in another life than when it was given up
		if t.lives.Forsaken(r.id) {
			t.disbelieve("in this life of it, its power was counted", s)
			return
		}
		t.believed = r.id
		t.keep("")
		t.log.Info("energy register is believed", "meter", t.name, "register", r.id)
	case since < t.window && s.at.Sub(t.met) < 2*t.window:
	default:
		t.disbelieve(fmt.Sprintf("it moved %d times in %v and counted %.0f J where the power makes %.0f J",
			w.moves, since.Round(time.Second), counted/1000, drawn/1000), s)
	}
}

// disbelieve leaves the register for the rest of the run. If it was believed,
// its power counts from s on.
func (t *tally) disbelieve(why string, s sample) {
	t.log.Warn("energy register is not believed", "meter", t.name, "register", t.watch.id, "reason", why)
	t.verdict = why
	if t.believed != "" {
		if err := t.lives.Forsake(t.believed); err != nil {
			t.log.Warn("energy register will be on trial again", "meter", t.name, "error", err)
		}
		t.believed = ""
		t.restart()
		t.integral.Add(s.watts, s.at)
	}
	t.keep(why)
}

// keep remembers what came of the trial of the register.
func (t *tally) keep(why string) {
	if err := t.memory.keep(verdict{ID: t.watch.id, Believed: why == "", Why: why}); err != nil {
		t.log.Warn("energy register will be on trial again", "meter", t.name, "error", err)
	}
}
