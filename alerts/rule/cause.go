package rule

// Causes that the aggregator finds besides those of the health judgement. A rule
// names them in Judged in the same way.
const (
	// Silent is a host that stopped reporting seconds ago and is not part of what
	// follows: a rack in which many did, a hall of such racks, a site of such halls.
	Silent     = "silent"
	SilentRack = "silent_rack"
	SilentHall = "silent_hall"
	SilentSite = "silent_site"
	// HotRack is a rack of which many boards are too hot, or near it, and HotHall a hall
	// of such racks: what rules with Heat watch.
	HotRack = "hot_rack"
	HotHall = "hot_hall"
	// Blind is a site of which nothing is heard at all: the bus, or the network to
	// it. Nothing is then said of what would be silent.
	Blind = "blind"

	// Advancing is always so while both lanes of a site bring something new: what a
	// dead man's switch stands on.
	Advancing = "advancing"
	// Canary is a board that does not exist and gets too hot every ten minutes, and
	// CanaryMissed that nobody said to have been told so, twice.
	Canary       = "canary"
	CanaryMissed = "canary_missed"
	// NeverReported is that hosts of a site's file were never heard of.
	NeverReported = "never_reported"
	// Capped is that more alerts of a site fire than are sent.
	Capped = "alerts_capped"
	// Undelivered is that an Alertmanager, or the direct way past them, does not take
	// alerts; it is sent the other way as well. Its level is the aggregator.
	Undelivered = "alerts_undelivered"
)
