package ledger

import (
	"encoding/hex"
	"strings"
)

// packUUID is the 16 bytes of a UUID as NVIDIA spells it; ok is false of any
// other name.
func packUUID(s string) (id [16]byte, ok bool) {
	if len(s) != 40 || s[:4] != "GPU-" || s[12] != '-' || s[17] != '-' || s[22] != '-' || s[27] != '-' {
		return id, false
	}
	digits := s[4:12] + s[13:17] + s[18:22] + s[23:27] + s[28:]
	if strings.ToLower(digits) != digits {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil
}

func spellUUID(id [16]byte) string {
	var s [40]byte
	copy(s[:], "GPU-")
	at := 4
	for i, n := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			s[at] = '-'
			at++
		}
		at += hex.Encode(s[at:], id[:n])
		copy(id[:], id[n:])
	}
	return string(s[:])
}
