package sim

// A source draws pseudo-random numbers (xorshift64*). Everything that varies by
// itself has a source of its own, so that one more draw in one place leaves the
// others as they were.
type source uint64

// newSource is the source of one stream of a seed.
func newSource(seed, stream uint64) source {
	s := mix(mix(seed) ^ mix(stream*0x9E3779B97F4A7C15+0x632BE59BD9B4E019))
	if s == 0 {
		s = 1 // the one state that xorshift cannot leave
	}
	return source(s)
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func (s *source) next() uint64 {
	x := uint64(*s)
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*s = source(x)
	return x * 0x2545F4914F6CDD1D
}

// uniform is in [0, 1).
func (s *source) uniform() float64 { return float64(s.next()>>11) * (1.0 / (1 << 53)) }

func (s *source) between(lo, hi float64) float64 { return lo + (hi-lo)*s.uniform() }

// below is an integer in [0, n).
func (s *source) below(n int) int { return int(s.next() >> 33 % uint64(n)) }

// bell is in (-1, 1), around zero: a triangular distribution.
func (s *source) bell() float64 { return bell(s.next()) }

// bell makes a number in (-1, 1) of the upper half of a draw.
func bell(n uint64) float64 {
	return float64(int32(n>>48)+int32(n>>32&0xffff)-0xffff) * (1.0 / 65536)
}

// toward is the share of the way to its goal that a first-order lag of tau
// seconds goes in dt seconds: the implicit Euler step, which no dt makes swing.
func toward(dt, tau float64) float64 { return dt / (dt + tau) }
