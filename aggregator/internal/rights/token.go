package rights

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// A hash stands for a token in a file. Tokens are 256 random bits, so that nobody
// finds one by its hash, and the hash need not be slow.
type hash [sha256.Size]byte

const (
	tokenMark = "gw_" // by which scanners for lost secrets know a token
	hashMark  = "sha256:"
)

// NewToken makes a token, and the word that stands for it in the file.
func NewToken() (token, word string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it does not fail
	token = tokenMark + base64.RawURLEncoding.EncodeToString(b[:])
	return token, hashOf(token).word()
}

func hashOf(token string) hash { return sha256.Sum256([]byte(token)) }

func (h hash) word() string { return hashMark + hex.EncodeToString(h[:]) }

// matches compares in a time that says nothing of either.
func (h *hash) matches(o *hash) bool { return subtle.ConstantTimeCompare(h[:], o[:]) == 1 }

// parseHash reads a word.
func parseHash(word string) (h hash, err error) {
	text, ok := strings.CutPrefix(word, hashMark)
	if ok {
		var b []byte
		if b, err = hex.DecodeString(text); err == nil && len(b) == len(h) {
			return hash(b), nil
		}
	}
	// What stands there is not repeated: it may be the token itself.
	return h, errors.New("is not sha256: and 64 hexadecimal digits; aggregator token makes one, and the token itself never stands here")
}
