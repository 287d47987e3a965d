package authority

import (
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

// head is what a NATS server is told first, and may not be told otherwise while it
// runs: its operator, and a system account, of which nobody is a user.
func head(seed string) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("make operator: %w", err) }
	operator, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return fail(err)
	}
	pair, err := nkeys.CreateAccount()
	if err != nil {
		return fail(err)
	}
	system, err := pair.PublicKey()
	if err != nil {
		return fail(err)
	}
	public, err := operator.PublicKey()
	if err != nil {
		return fail(err)
	}
	oc, sc := jwt.NewOperatorClaims(public), jwt.NewAccountClaims(system)
	oc.Name, oc.SystemAccount, sc.Name = "gigawatch", system, "SYSTEM"
	top, err := oc.Encode(operator)
	if err != nil {
		return fail(err)
	}
	beside, err := sc.Encode(operator)
	if err != nil {
		return fail(err)
	}
	return fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n  %s: %s\n", top, system, system, beside), nil
}

// conf is what a NATS server is told: the operator, the accounts and who is
// revoked. It holds no secret.
func (k *Book) conf() ([]byte, error) {
	operator, err := nkeys.FromSeed([]byte(k.b.Operator))
	if err != nil {
		return nil, fmt.Errorf("read the operator's key: %w", err)
	}
	account, err := k.account()
	if err != nil {
		return nil, err
	}
	token, err := account.Encode(operator)
	if err != nil {
		return nil, fmt.Errorf("sign account: %w", err)
	}
	return fmt.Appendf(nil, "# Who may speak on the bus, as made by aggregator bus. It holds no secret. A NATS\n# server includes it, and reads it again on SIGHUP.\n%s  %s: %s\n}\n", k.b.Head, account.Subject, token), nil
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
