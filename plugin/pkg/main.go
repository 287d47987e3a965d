package main

import (
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	_ "github.com/grafana/grafana-plugin-sdk-go/data"
)

func main() {
	if err := datasource.Manage("gigawatch-gigawatch-datasource", nil, datasource.ManageOpts{}); err != nil {
		log.DefaultLogger.Error("plugin ended", "error", err)
		os.Exit(1)
	}
}
