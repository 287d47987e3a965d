package authority

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

func newSeed(kind nkeys.PrefixByte) (string, error) {
	pair, err := nkeys.CreatePair(kind)
	if err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	seed, err := pair.Seed()
	if err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	return string(seed), nil
}

func publicOf(seed string) (string, error) {
	pair, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return "", fmt.Errorf("read a key of the bus's authority: %w", err)
	}
	return pair.PublicKey()
}

// conf is what a NATS server is told: the operator, the accounts and who is
// revoked. It holds no secret.
func (k *Book) conf() ([]byte, error) {
	operator, err := nkeys.FromSeed([]byte(k.b.Operator))
	if err != nil {
		return nil, fmt.Errorf("read the operator's key: %w", err)
	}
	top, err := operator.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("read the operator's key: %w", err)
	}
	oc := jwt.NewOperatorClaims(top)
	oc.Name, oc.SystemAccount = "gigawatch", k.b.System
	operatorJWT, err := oc.Encode(operator)
	if err != nil {
		return nil, fmt.Errorf("sign operator: %w", err)
	}
	system := jwt.NewAccountClaims(k.b.System)
	system.Name = "SYSTEM"
	systemJWT, err := system.Encode(operator)
	if err != nil {
		return nil, fmt.Errorf("sign system account: %w", err)
	}
	account, err := k.account()
	if err != nil {
		return nil, err
	}
	accountJWT, err := account.Encode(operator)
	if err != nil {
		return nil, fmt.Errorf("sign account: %w", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Who may speak on the bus, as made by aggregator bus. It holds no secret. A NATS\n# server includes it, and reads it again on SIGHUP.\n"+
		"operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n  %s: %s\n  %s: %s\n}\n",
		operatorJWT, k.b.System, k.b.System, systemJWT, account.Subject, accountJWT)
	return b.Bytes(), nil
}

// account is the one that all are users of.
func (k *Book) account() (*jwt.AccountClaims, error) {
	public, err := publicOf(k.b.Account)
	if err != nil {
		return nil, err
	}
	a := jwt.NewAccountClaims(public)
	a.Name = "GIGAWATCH"
	a.Limits.DisallowBearer = true // a JWT alone, which is no secret, lets nobody in
	a.Limits.JetStreamLimits.DiskStorage = jwt.NoLimit
	a.Limits.JetStreamLimits.MemoryStorage = jwt.NoLimit
	a.Limits.JetStreamLimits.Streams, a.Limits.JetStreamLimits.Consumer = jwt.NoLimit, jwt.NoLimit
	// Who was signed by the account's own key, by no role's, may nothing.
	a.DefaultPermissions.Pub.Deny.Add(">")
	a.DefaultPermissions.Sub.Deny.Add(">")
	for _, name := range slices.Sorted(maps.Keys(k.b.Keys)) {
		role, site, _ := strings.Cut(name, "/")
		r, ok := RoleOf(role)
		if !ok { // of another version of the program
			continue
		}
		key, err := publicOf(k.b.Keys[name])
		if err != nil {
			return nil, err
		}
		a.SigningKeys.AddScopedSigner(r.scope(site, key))
	}
	for _, u := range k.b.Users {
		if u.Revoked != nil {
			a.RevokeAt(u.Key, *u.Revoked)
		}
	}
	return a, nil
}

// credentials signs a new user, and is the text of the file by which it shows who
// it is.
func (k *Book) credentials(r *Role, site, name string, valid time.Duration) (User, []byte, error) {
	fail := func(err error) (User, []byte, error) {
		return User{}, nil, fmt.Errorf("make credentials of %s: %w", name, err)
	}
	signer, err := nkeys.FromSeed([]byte(k.b.Keys[slot(r, site)]))
	if err != nil {
		return fail(err)
	}
	account, err := publicOf(k.b.Account)
	if err != nil {
		return fail(err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		return fail(err)
	}
	seed, err := user.Seed()
	if err != nil {
		return fail(err)
	}
	key, err := user.PublicKey()
	if err != nil {
		return fail(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	u := User{Role: r.Name, Site: site, Name: name, Key: key, Issued: now, Expires: now.Add(valid)}
	c := jwt.NewUserClaims(key)
	c.SetScoped(true)
	c.Name, c.IssuerAccount, c.Expires = name, account, u.Expires.Unix()
	token, err := c.Encode(signer)
	if err != nil {
		return fail(err)
	}
	text, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		return fail(err)
	}
	return u, text, nil
}
