package store_test

import (
	"fmt"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const day = 24 * 3600

// say appends one tick of an agent of one host, of that name.
func (b *bench) say(agent string, second int, values ...metric.Raw) {
	b.Helper()
	l := host(column(metric.HostUp, 0, 2, 1), column(metric.GPUEnergyJoules, 0, 3, 1))
	l.Entities[2].Name = agent
	if err := b.w.Append("dc1/"+agent, l, "dc1", at(second), values); err != nil {
		b.Fatal(err)
	}
}

func TestAnAgentThatIsSilentForAWeekIsForgottenAndResumes(t *testing.T) {
	b := open(t)
	b.say("a", 0, 1, 1000)
	b.say("b", 0, 1, 1000)
	for hour := 1; hour <= 8*24; hour++ {
		b.say("b", hour*3600, 1, metric.Raw(1000*hour))
		if err := b.w.Gone("dc1/a", at(hour*3600)); err != nil {
			t.Fatal(err)
		}
		b.commit()
		switch hour {
		case 7*24 - 1:
			b.wantAnswer(`host_up{host="a"}`, at(hour*3600), 0)
		case 7*24 + 1:
			b.wantAnswer(`host_up{host="a"}`, at(hour*3600))
		}
	}
	if n := b.w.Agents(); n != 1 {
		t.Errorf("%d agents are remembered, want 1", n)
	}
	// It comes back: its series go on under the same labels.
	b.say("a", 9*day, 1, 5000)
	b.say("a", 9*day+10, 1, 6000)
	b.commit()
	if n := b.w.Agents(); n != 2 {
		t.Errorf("%d agents are remembered, want 2", n)
	}
	if got := b.stored("gpu_energy_joules_total", "host", "a"); len(got) != 1 {
		t.Errorf("%d series of its energy, want one: %v", len(got), got)
	}
	b.want(fmt.Sprintf("0:1 3600:– %d:5 %d:6", 9*day, 9*day+10), "gpu_energy_joules_total", "host", "a")
	b.wantAnswer(`host_up{host="a"}`, at(9*day+10), 1)
}

// Nobody says that it is gone: its series end when it is forgotten.
func TestAnAgentThatNobodyMissesIsForgottenToo(t *testing.T) {
	b := open(t)
	b.say("a", 0, 1, 1000)
	for hour := 1; hour <= 7*24+1; hour++ {
		b.say("b", hour*3600, 1, metric.Raw(1000*hour))
	}
	b.commit()
	if n := b.w.Agents(); n != 1 {
		t.Errorf("%d agents are remembered, want 1", n)
	}
	b.want(fmt.Sprintf("0:1 %d:–", 7*day), "host_up", "host", "a")
}

// An agent that only sends what is late, off its spool, is not silent.
func TestWhoSendsOldTicksIsNotForgotten(t *testing.T) {
	b := open(t)
	b.say("a", day, 1, 1000)
	for hour := 1; hour <= 8*24; hour++ {
		b.say("b", day+hour*3600, 1, metric.Raw(1000*hour))
		b.say("a", hour, 1, 1000)
	}
	b.commit()
	if n := b.w.Agents(); n != 2 {
		t.Errorf("%d agents are remembered, want 2", n)
	}
}

func TestMoreAgentsThanAreRememberedAreRefusedAndCounted(t *testing.T) {
	b := open(t, func(c *store.Config) { c.Agents = 10 })
	for s := range 3 {
		for i := range 15 {
			b.say(fmt.Sprint("n", i), 10*s, 1, metric.Raw(s))
		}
	}
	b.commit()
	if n := b.w.Agents(); n != 10 {
		t.Errorf("%d agents are remembered, want 10", n)
	}
	if n := b.counted(dropped("too_many_agents")); n != 3*5*2 {
		t.Errorf("%d values of agents too many, want 30", n)
	}
	if got := b.stored("host_up"); len(got) != 10 {
		t.Errorf("%d hosts are stored, want 10", len(got))
	}
	// Their places are given to others after a week, though only those speak.
	for hour := range 8 * 24 {
		b.say("n14", 3600*(hour+1), 1, 5)
	}
	b.commit()
	if n := b.w.Agents(); n != 1 {
		t.Errorf("%d agents are remembered, want the one that speaks", n)
	}
	b.wantAnswer(`host_up{host="n14"}`, at(8*day), 1)
	if n := b.counted(store.MetricCommits); n != 0 {
		t.Errorf("%d commits failed", n)
	}
}
