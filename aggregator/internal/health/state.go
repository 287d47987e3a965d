package health

import (
	"slices"
	"strconv"
)

// A State is a verdict, or what one finding makes of its subject.
type State uint8

// The states, best first.
const (
	OK       State = iota
	Watch          // nothing to do yet
	Unknown        // cannot be judged
	Degraded       // works; somebody should look at it in working hours
	Failed         // does not work, or must not be worked with
	States         // their number
)

var stateNames = [...]string{"ok", "watch", "unknown", "degraded", "failed"}

func (s State) String() string { return stateNames[min(int(s), len(stateNames)-1)] }

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the state's name.
func (s *State) UnmarshalText(b []byte) error {
	i := slices.Index(stateNames[:], string(b))
	if i < 0 {
		return strconv.ErrSyntax
	}
	*s = State(i)
	return nil
}

// A kind says when a finding ends by itself.
type kind uint8

const (
	condition kind = iota // when it is no longer true
	event                 // when the board begins anew, if that heals it; else after its time
	rate                  // when it was not exceeded for a while
)

var kindNames = [...]string{"condition", "event", "rate"}

// MarshalText writes the kind's name.
func (k kind) MarshalText() ([]byte, error) {
	return []byte(kindNames[min(int(k), len(kindNames)-1)]), nil
}

// UnmarshalText reads the kind's name.
func (k *kind) UnmarshalText(b []byte) error {
	i := slices.Index(kindNames[:], string(b))
	if i < 0 {
		return strconv.ErrSyntax
	}
	*k = kind(i)
	return nil
}

// An Action is what to do, in one word for machines.
type Action string

// The actions.
const (
	None           Action = "none"
	RestartApp     Action = "restart_app"
	RestartEngine  Action = "restart_engine" // the DCGM host engine
	RestartVM      Action = "restart_vm"
	UpdateSoftware Action = "update_software"
	ResetAtNext    Action = "reset_at_maintenance"
	CheckCabling   Action = "check_cabling"
	CheckCooling   Action = "check_cooling"
	CheckHost      Action = "check_host"
	CheckNetwork   Action = "check_network"
	DrainP2P       Action = "drain_p2p"
	RecoverIMEX    Action = "recover_imex_domain"
	ResetGPU       Action = "reset_gpu"
	ResetBus       Action = "reset_bus"
	DrainAndReset  Action = "drain_and_reset"
	Reboot         Action = "reboot"
	ContactSupport Action = "contact_support"
	ReplaceDisk    Action = "replace_disk"
)

var actions = []Action{
	None, RestartApp, RestartEngine, RestartVM, UpdateSoftware, ResetAtNext, CheckCabling, CheckCooling, CheckHost, CheckNetwork,
	DrainP2P, RecoverIMEX, ResetGPU, ResetBus, DrainAndReset, Reboot, ContactSupport, ReplaceDisk,
}
