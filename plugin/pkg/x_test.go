package main

import (
	_ "github.com/grafana/dataplane/sdata/numeric"
	_ "github.com/grafana/dataplane/sdata/timeseries"
	_ "github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	_ "github.com/hashicorp/go-plugin"
)
