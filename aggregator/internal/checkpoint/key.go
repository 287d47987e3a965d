package checkpoint

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// kind is how a key signs; the numbers are those of signed notes.
type kind byte

const (
	ofLog     kind = 1 // the text, by whoever keeps the log
	ofWitness kind = 4 // when, and the text, by whoever watches it
)

// A Verifier checks signatures by a public key. It is a [note.Verifier].
type Verifier struct {
	name   string
	kind   kind
	public ed25519.PublicKey
}

// Name is that of whoever signs.
func (v Verifier) Name() string { return v.name }

// KeyHash tells keys of one name apart.
func (v Verifier) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(v.name+"\n"), append([]byte{byte(v.kind)}, v.public...)...))
	return binary.BigEndian.Uint32(sum[:])
}

// String is the key as it is handed out.
func (v Verifier) String() string {
	return fmt.Sprintf("%s+%08x+%s", v.name, v.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{byte(v.kind)}, v.public...)))
}

// Verify reports whether a signature is of a message.
func (v Verifier) Verify(msg, sig []byte) bool {
	if v.kind == ofLog {
		return ed25519.Verify(v.public, msg, sig)
	}
	at, sig, ok := stamped(sig)
	return ok && ed25519.Verify(v.public, cosigned(at, msg), sig)
}

// stamped takes a witness's signature apart.
func stamped(sig []byte) (at uint64, rest []byte, ok bool) {
	if len(sig) != 8+ed25519.SignatureSize {
		return 0, nil, false
	}
	return binary.BigEndian.Uint64(sig), sig[8:], true
}

// cosigned is what a witness signs.
func cosigned(at uint64, msg []byte) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, msg)
}

var errKey = errors.New("it is no key of a log or a witness")

// ParseKey reads a public key.
func ParseKey(s string) (Verifier, error) {
	v, key, err := split(strings.TrimSpace(s))
	if err != nil {
		return v, fmt.Errorf("read key: %w", err)
	}
	v.public = key
	if v.String() != strings.TrimSpace(s) {
		return v, fmt.Errorf("read key: %w: its hash is of another", errKey)
	}
	return v, nil
}

// split takes a key's text apart: NAME+HASH+KEY.
func split(s string) (v Verifier, key []byte, err error) {
	f := strings.Split(s, "+")
	if len(f) < 3 {
		return v, nil, errKey
	}
	v.name = f[0]
	hash, err := strconv.ParseUint(f[1], 16, 32)
	if key, _ = base64.StdEncoding.DecodeString(strings.Join(f[2:], "+")); err != nil || len(key) != 1+ed25519.PublicKeySize || f[1] != fmt.Sprintf("%08x", hash) || v.name == "" {
		return v, nil, errKey
	}
	if v.kind = kind(key[0]); v.kind != ofLog && v.kind != ofWitness {
		return v, nil, errKey
	}
	return v, key[1:], nil
}

// A Signer has a private key. It is a [note.Signer].
type Signer struct {
	Verifier
	private ed25519.PrivateKey
}

// Sign signs a message, a witness with the time it is now.
func (s *Signer) Sign(msg []byte) ([]byte, error) {
	if s.kind == ofLog {
		return ed25519.Sign(s.private, msg), nil
	}
	at := uint64(time.Now().Unix())
	return append(binary.BigEndian.AppendUint64(nil, at), ed25519.Sign(s.private, cosigned(at, msg))...), nil
}

const privateKey = "PRIVATE+KEY+"

// signer is the key in a folder, made under a name if there is none yet; "": it is
// not made.
func signer(dir, name string, k kind) (*Signer, error) {
	path := filepath.Join(dir, "key")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && name != "" {
		if err := makeKey(dir, name, k); err != nil {
			return nil, fmt.Errorf("make signing key: %w", err)
		}
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(b)), privateKey)
	v, seed, err := split(text)
	if !ok || err != nil || v.kind != k {
		return nil, fmt.Errorf("read signing key %s: %w", path, errKey)
	}
	s := &Signer{v, ed25519.NewKeyFromSeed(seed)}
	s.public = s.private.Public().(ed25519.PublicKey)
	public, err := readKey(dir)
	if err != nil {
		return nil, err
	}
	if public.String() != s.String() || name != "" && s.name != name {
		return nil, fmt.Errorf("read signing key %s: it does not go with %s.pub, or is not of %q", path, path, name)
	}
	return s, nil
}

// readKey is the public key in a folder.
func readKey(dir string) (Verifier, error) {
	path := filepath.Join(dir, "key.pub")
	b, err := os.ReadFile(path)
	if err != nil {
		return Verifier{}, fmt.Errorf("read public key: %w", err)
	}
	v, err := ParseKey(string(b))
	if err != nil {
		return v, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

// makeKey makes one, unless another process just has. The public half is there
// first: a private one alone is of no use to anybody.
func makeKey(dir, name string, k kind) (err error) {
	if strings.ContainsAny(name, "+ \t\r\n") {
		return fmt.Errorf("%q is no name of a key", name)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	lock, err := durable.Lock(filepath.Join(dir, "lock"), 0o640)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	path := filepath.Join(dir, "key")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	v := Verifier{name, k, public}
	secret := fmt.Sprintf("%s%s+%08x+%s\n", privateKey, name, v.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{byte(k)}, private.Seed()...)))
	if err := durable.Replace(path+".pub", []byte(v.String()+"\n"), 0o644); err != nil {
		return err
	}
	return durable.Replace(path, []byte(secret), 0o600)
}
