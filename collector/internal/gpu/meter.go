package gpu

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/energy"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// way is how the energy of a board is known.
type way int

const (
	unknown  way = iota
	counted      // by its register
	drawn        // it has no register: by its power
	forsaken     // its register stood still though power flowed: by its power since
)

// Rules for leaving a register.
const (
	patience  = 10          // readings that have power and no register: there is none
	stillFor  = time.Minute // a register that does not move for so long
	stillOver = 30.0        // W, while more than that flows, is broken
	doubtful  = 5 * time.Second
)

// A meter makes the counter of energy of one board.
//
//	unknown ──register read──▶ counted ──still for a minute under load──▶ forsaken
//	   └────ten readings without────▶ drawn
//
// A register that stands still under load is not shown while it is in doubt: what
// was drawn then is counted whole, by the register if it moves after all, else by
// the power.
type meter struct {
	device string
	lives  *energy.Lives
	hold   time.Duration // how far apart readings may be

	way   way
	power energy.Integral // since the first reading
	since energy.Integral // since the register moved last

	at      time.Time // of the newest reading
	read    bool      // it had the register
	value   uint64    // what the register showed last
	life    metric.Raw
	base    uint64     // what the register showed where epoch begins
	epoch   metric.Raw // of what is counted
	still   time.Duration
	without int

	check check
}

func newMeter(device string, lives *energy.Lives, hold, gap time.Duration) meter {
	m := meter{device: device, lives: lives, hold: hold, power: energy.Integral{Name: device, Gap: gap}}
	m.check.forget()
	return m
}

// take takes a reading of power at a time and of the register at another. The
// error says what will not be remembered.
func (m *meter) take(power metric.Raw, at time.Time, register metric.Raw, registerAt time.Time, driver string) (err error) {
	watts := power.Float()
	m.power.Add(watts, at)
	since := at.Sub(m.at)
	m.at, m.read = at, register >= 0 // a missing one is negative
	if !m.read {
		m.check.ratio = metric.Missing
		if m.way == forsaken {
			m.since.Add(watts, at)
		}
		if m.way == unknown && watts >= 0 {
			if m.without++; m.without == patience {
				m.way = drawn
				return m.lives.Forsake(m.device)
			}
		}
		return nil
	}
	value := uint64(register)
	life, err := m.lives.Epoch(m.device, driver, value)
	switch m.way {
	case unknown:
		m.way, m.epoch = counted, life
		if m.lives.Forsaken(m.device) { // before this agent began
			m.base, m.epoch = value, energy.Epoch("again", m.device, time.Now().UnixNano())
		}
		m.stir(watts, at)
	case counted:
		if life != m.life {
			m.base, m.epoch = 0, life
		}
		if value != m.value || life != m.life {
			m.stir(watts, at)
			break
		}
		m.since.Add(watts, at)
		if watts > stillOver && since > 0 && since <= m.power.Gap {
			m.still += since
		}
		if m.still >= stillFor {
			m.way = forsaken
		}
	case forsaken:
		m.since.Add(watts, at)
	}
	m.value, m.life = value, life
	if m.way != counted { // what the register shows from now on is counted by the power
		m.check.forget()
		if e := m.lives.Forsake(m.device); e != nil {
			err = e
		}
		return err
	}
	m.check.take(value-m.base, registerAt, m.epoch, &m.power, watts, at)
	return err
}

// stir notes that the register moved.
func (m *meter) stir(watts float64, at time.Time) {
	m.still = 0
	m.since = energy.Integral{Name: m.device, Gap: m.power.Gap}
	m.since.Add(watts, at)
}

// energy is the counter, if the board is there to be read.
func (m *meter) energy(now time.Time) metric.Raw {
	switch m.way {
	case counted:
		if m.read && m.still <= max(m.hold, doubtful) {
			return metric.Raw(m.value - m.base)
		}
	case drawn:
		if m.power.Current(now) {
			return m.power.Energy()
		}
	case forsaken:
		if m.since.Current(now) {
			return m.since.Energy()
		}
	}
	return metric.Missing
}

// lifetime is the epoch of energy, and quality how it is known. They stand while
// the board is away, for they tell nothing of now.
func (m *meter) lifetime() metric.Raw {
	switch m.way {
	case counted:
		return m.epoch
	case drawn:
		return m.power.Epoch()
	case forsaken:
		return m.since.Epoch()
	}
	return metric.Missing
}

func (m *meter) quality() metric.Raw {
	switch m.way {
	case counted:
		return metric.Raw(metric.Measured)
	case drawn, forsaken:
		return metric.Raw(metric.Integrated)
	}
	return metric.Missing
}
