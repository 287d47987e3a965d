package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/authority"
	"github.com/gigawatch/gigawatch/collector/program"
)

const busUsage = `usage: aggregator bus init -dir DIR -sites A,B
       aggregator bus add -dir DIR -site S -name H,I | -list FILE [-renew] [-valid 8760h] [-o DIR]
       aggregator bus add -dir DIR -role aggregator|operator|leaf|site|hub|simulator [-site S] -name N
       aggregator bus revoke -dir DIR [-role R] -site S -name H,I | -list FILE
       aggregator bus show -dir DIR

init    begins the authority of a bus, or adds sites to it, and makes the aggregator's credentials
add     makes credentials of hosts, and of others by -role; who has some is left alone
revoke  takes credentials back: the bus cuts off who holds them once it has the new users.conf
show    lists who was let in, until when, and who was revoked, and names the account

DIR holds the keys that let anybody in: keep it off the bus, where nobody else reads it. The bus
gets users.conf of it alone, and each host its own file of creds.
`

// aYear is how long credentials are good unless told otherwise.
const aYear = 365 * 24 * time.Hour

// busCommand keeps who may speak on the bus.
func busCommand(args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	if len(args) == 0 {
		fmt.Fprint(stderr, busUsage)
		return fmt.Errorf("%w: bus: what to do is missing", program.ErrUsage)
	}
	verb, args := args[0], args[1:]
	flags := flag.NewFlagSet("aggregator bus "+verb, flag.ContinueOnError)
	dir := flags.String("dir", "", "`folder` of the authority")
	var do func(*authority.Book) error
	switch verb {
	case "init":
		var sites []string
		flags.Var(listFlag{&sites}, "sites", "`names` of the sites that speak on the bus")
		do = func(k *authority.Book) error { return busInit(k, *dir, sites, stdout) }
	case "add":
		w := authority.Wish{}
		names, file := nameFlags(flags)
		flags.StringVar(&w.Role, "role", "host", "`role`: host, aggregator, operator, leaf, site, hub or simulator")
		flags.StringVar(&w.Site, "site", "", "`name` of the site")
		flags.StringVar(&w.Dir, "o", "", "`folder` for the files; left out, creds in the authority's")
		flags.DurationVar(&w.Valid, "valid", aYear, "how long they are good")
		flags.BoolVar(&w.Renew, "renew", false, "make new ones of who has some, too; those stay good until their time is over")
		do = func(k *authority.Book) (err error) {
			if w.Names, err = listed(*names, *file, stdin); err != nil {
				return err
			}
			return busAdd(k, w, stdout)
		}
	case "revoke":
		names, file := nameFlags(flags)
		role := flags.String("role", "host", "`role` of who is revoked")
		site := flags.String("site", "", "`name` of the site")
		do = func(k *authority.Book) error {
			list, err := listed(*names, *file, stdin)
			if err != nil {
				return err
			}
			n, err := k.Revoke(*role, *site, list)
			if err != nil {
				return fmt.Errorf("%w: %w", program.ErrUsage, err)
			}
			_, err = fmt.Fprintf(stdout, "%d credentials of %d users taken back; they are cut off when the bus has %s\n", n, len(list), filepath.Join(*dir, authority.UsersFile))
			return err
		}
	case "show":
		do = func(k *authority.Book) error { return busShow(k, stdout) }
	case "-h", "-help", "--help", "help":
		_, err := fmt.Fprint(stdout, busUsage)
		return err
	default:
		fmt.Fprint(stderr, busUsage)
		return fmt.Errorf("%w: bus: unknown %q", program.ErrUsage, verb)
	}
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	if *dir == "" {
		return fmt.Errorf("%w: -dir is missing: the folder of the authority", program.ErrUsage)
	}
	k, err := authority.Open(*dir, verb == "init")
	if errors.Is(err, authority.ErrNone) {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	return do(k)
}

// nameFlags are those by which somebody is named.
func nameFlags(flags *flag.FlagSet) (names *[]string, file *string) {
	names = &[]string{}
	flags.Var(listFlag{names}, "name", "`names`, as the collectors call themselves")
	return names, flags.String("list", "", "`file` of names, one a line; - for what is piped in")
}

// listed are the names that were given, in one way or the other.
func listed(names []string, file string, stdin io.Reader) ([]string, error) {
	if (len(names) == 0) == (file == "") {
		return nil, fmt.Errorf("%w: name somebody: by -name, or by -list", program.ErrUsage)
	}
	if file == "" {
		return names, nil
	}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("%w: read list of names: %w", program.ErrUsage, err)
		}
		defer func() { _ = f.Close() }() // it was only read
		stdin = f
	}
	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && line[0] != '#' {
			names = append(names, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read list of names: %w", err)
	}
	return names, nil
}

// busInit begins an authority, or adds to one.
func busInit(k *authority.Book, dir string, sites []string, stdout io.Writer) error {
	if len(sites) == 0 {
		return fmt.Errorf("%w: -sites is missing: who speaks on the bus", program.ErrUsage)
	}
	if err := k.AddSites(sites...); err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	fmt.Fprintf(stdout, "authority    %s, of %s: keep it off the bus and to yourself\nthe bus's    %s\n", dir, strings.Join(k.Sites(), ", "), filepath.Join(dir, authority.UsersFile))
	if slices.ContainsFunc(k.Users(), func(u authority.User) bool { return u.Role == "aggregator" && u.Revoked == nil }) {
		return nil
	}
	done, err := k.Add(authority.Wish{Role: "aggregator", Names: []string{"aggregator"}, Valid: aYear})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "aggregator's %s\nhosts next   aggregator bus add -dir %s -site %s -list FILE\n", done.Files[0], dir, k.Sites()[0])
	return nil
}

func busAdd(k *authority.Book, w authority.Wish, stdout io.Writer) error {
	done, err := k.Add(w)
	if err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	if len(done.Files) > 0 {
		fmt.Fprintf(stdout, "%d credentials, good until %s, in %s\n", len(done.Files), time.Now().Add(w.Valid).UTC().Format(time.DateOnly), filepath.Dir(done.Files[0]))
	}
	if done.Had > 0 {
		fmt.Fprintf(stdout, "%d have some already, and keep them; -renew makes new ones\n", done.Had)
	}
	return nil
}

func busShow(k *authority.Book, stdout io.Writer) error {
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "role\tsite\tname\tissued\tgood until\t")
	for _, u := range k.Users() {
		state := ""
		if u.Revoked != nil {
			state = "revoked " + u.Revoked.Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Role, u.Site, u.Name, u.Issued.Format(time.DateOnly), u.Expires.Format(time.DateOnly), state)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	account, err := k.Account()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "account %s\n", account)
	return err
}
