// Package account turns the readings of counters into energy that can be
// defended: so many millijoules, of this device, in that hour, known in this way.
//
// It is pure: no file, no clock, no goroutine, and no float where energy is
// counted.
package account
