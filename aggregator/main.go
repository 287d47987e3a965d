// Command aggregator turns what the collectors of a site send into power,
// energy, PUE and carbon, and answers for every joule.
package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/program"
)

// version is set by the linker.
var version = "dev"

func main() { program.Main("aggregator", run) }

const usage = `usage: aggregator serve -config FILE [-check] [-log LEVEL]
       aggregator serve -init > FILE
       aggregator all-in-one [-data DIR] [-listen ADDR] [-principals FILE] [-hosts N] [-gpus N] [-seed S] [-interval 1s]
       aggregator verify -data DIR [-site S] [-checkpoint [-since N] | -hour H [-in FILE]]
       aggregator verify -proof FILE -key KEY[,KEY…] [-in FILE] [-file HOUR]
       aggregator hub -config FILE [-check] [-log LEVEL] | -init > FILE
       aggregator witness -data DIR -name N | -data DIR -key KEY [-file FILE]
       aggregator import -data DIR|-url URL -site S -file F [-meter M] [-apply] | -list | -revert ID
       aggregator token -name N -sites A,B [-role R] [-tenants T] [-site-wide] [-o FILE]
       aggregator bus init|add|revoke|show -dir DIR [-sites A,B] [-site S] [-name N|-list FILE] [-role R]
       aggregator alert test -config FILE [-severity critical] [-owner platform] [-site S]
       aggregator alert window -url URL [-site S] -match LABEL=VALUE… -for 4h -owner O -reason R | -list | -close ID
       aggregator quarantine -url URL -list [-site S] | -release AGENT -site S
       aggregator site -init > FILE
       aggregator site -check -file FILE
       aggregator report -data DIR -site-file FILE -year Y [-as json|csv|xlsx] [-o FILE]
       aggregator report … -do validate|lock|approve|submit|correct -by NAME | -do history|check|prove
       aggregator report job|tenant|esrs|fleet -data DIR -site-file FILE|-url URL -year Y|-month M|-from D -to D [-job J] [-tenant T] [-as …] [-o FILE]
       aggregator report verify -file FILE -key KEY [-data DIR]
       aggregator report forget -data DIR -site-file FILE -name N|-unused-since DAY -by NAME -text REASON

serve       the aggregator of a site
all-in-one  bus, this host's collector, a simulated site and the aggregator in one process
verify      checks the ledger; exit 0 and one line, or exit 1 naming the first bad entry; prints the signed checkpoint
            of a site's log and proofs of its hours, and checks those anywhere, by public keys alone
hub         answers for many sites, from what their aggregators tell it: sealed hours and the present
witness     signs the checkpoint of a site's log besides, if it goes on from the last one that was signed
import      says what a CSV file of meter readings would change, and with -apply changes it
token       makes a token, and prints the line of the list of principals that lets it in
bus         makes and takes back the credentials by which hosts, and others, speak on the bus
alert       sends a test alert the way of all, and says what each receiver answered; opens, lists and closes windows of maintenance
quarantine  lists the hosts that are not heard because of what they sent, and has one heard again
site        begins the file that describes a site, or says what one describes and what is wrong with it
report      makes the report of a site's year to the Commission, and takes it from draft to submitted; makes and
            signs the energy of training jobs, statements to tenants, the extract for ESRS E1 and the fleet
`

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return fmt.Errorf("%w: a command is missing", program.ErrUsage)
	}
	switch command, args := args[0], args[1:]; command {
	case "serve":
		return serve(ctx, args, stdout, stderr)
	case "all-in-one":
		return allInOne(ctx, args, stdout, stderr)
	case "verify":
		return verify(args, stdout, stderr)
	case "hub":
		return hubCommand(ctx, args, stdout, stderr)
	case "witness":
		return witnessCommand(args, stdin, stdout, stderr)
	case "site":
		return siteCommand(args, stdout, stderr)
	case "alert":
		return alertCommand(ctx, args, stdout, stderr)
	case "quarantine":
		return quarantineCommand(ctx, args, stdout, stderr)
	case "import":
		return importCommand(ctx, args, stdin, stdout, stderr)
	case "bus":
		return busCommand(args, stdin, stdout, stderr)
	case "token":
		return tokenCommand(args, stdout, stderr)
	case agent.ReadGPUsCommand:
		return agent.ReadGPUs(ctx, args, stderr)
	case "-version", "--version", "version":
		fmt.Fprintln(stdout, "aggregator", version)
		return nil
	case "-h", "-help", "--help", "help":
		fmt.Fprint(stdout, usage)
		return nil
	case "report":
		return reportCommand(args, stdout, stderr)
	default:
		fmt.Fprint(stderr, usage)
		return fmt.Errorf("%w: unknown command %q", program.ErrUsage, command)
	}
}
