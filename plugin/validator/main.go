package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	var p plugin
	flag.StringVar(&p.archive, "zip", "../../out/gigawatch-gigawatch-datasource.zip", "the plugin's archive")
	flag.StringVar(&p.source, "source", "..", "the folder of the plugin's source")
	flag.StringVar(&p.root, "root", "../..", "the folder of the Go module that the plugin's program is built by")
	flag.Parse()
	ok, err := check(os.Stdout, p, accepted)
	if err != nil {
		fmt.Fprintln(os.Stderr, "validator:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}
