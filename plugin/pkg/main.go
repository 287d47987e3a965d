package main

import (
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
)

// pluginID is the id of plugin.json.
const pluginID = "gigawatch-gigawatch-datasource"

// version is set by the build.
var version = "dev"

func main() {
	if err := serve(); err != nil {
		log.DefaultLogger.Error("plugin ended", "error", err)
		os.Exit(1)
	}
}
