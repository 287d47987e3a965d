# gigawatch: make run shows it, make test proves it.
SHELL := /bin/bash -o pipefail
PAGE := aggregator/internal/page
BACNET := collector/internal/meter/bacnet/testdata
# Labels as references into one symbol table: half a kilobyte less a series.
TAGS := dedupelabels
PLUGIN := gigawatch-gigawatch-datasource
JEST := npm test --prefix plugin --silent -- --reporters=../.ci/jest.cjs
LONGEST := ./plugin/pkg ./aggregator ./plugin/browser # they begin first, and wait more than they work
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD := go build -trimpath -tags $(TAGS) -ldflags "-X main.version=$(VERSION)" -o bin/
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOSEC := github.com/securego/gosec/v2/cmd/gosec@v2.22.11
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: run build plugin plugin-zip test test-plugin check check-plugin bench bench-site bench-backlog bench-storm bench-hub bench-peers bench-dashboards bench-collector soak soak-alerts generate fuzz properties faults seeds clean packages

run: build
	./bin/aggregator all-in-one $(ARGS)

build: $(PAGE)/static/vendor/uPlot.esm.js
	$(BUILD) ./collector ./aggregator

$(PAGE)/static/vendor/uPlot.esm.js: $(PAGE)/package-lock.json
	npm ci --prefix $(PAGE) --no-fund --no-audit
	npm run --prefix $(PAGE) vendor
	touch $@

$(BACNET)/node_modules/.package-lock.json: $(BACNET)/package-lock.json
	npm ci --prefix $(BACNET) --no-fund --no-audit
	touch $@

# The Grafana data source in plugin/dist, with the program for linux/amd64 and the list of its sources that Grafana's builder writes.
plugin: plugin/node_modules/.package-lock.json
	cd plugin && npm run typecheck && npm run build
	cd plugin && CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -trimpath -tags $(TAGS),arrow_json_stdlib -ldflags "-s -w -X main.version=$(VERSION)" -o dist/gpx_gigawatch_linux_amd64 ./pkg
	cd plugin && find . -path ./node_modules -prune -o -name '*.go' -printf '%P\n' | LC_ALL=C sort | xargs sha256sum | sed 's/  /:/' > dist/go_plugin_build_manifest

plugin/node_modules/.package-lock.json: plugin/package-lock.json
	npm ci --prefix plugin --no-fund --no-audit
	touch $@

# What one drops into Grafana's folder of plugins. It is not signed: Grafana must be told to load it.
plugin-zip: plugin
	rm -rf out/zip out/$(PLUGIN).zip && mkdir -p out/zip && cp -R plugin/dist out/zip/$(PLUGIN)
	cd out/zip && zip -qrX ../$(PLUGIN).zip $(PLUGIN)
	@echo "out/$(PLUGIN).zip is not signed: set allow_loading_unsigned_plugins = $(PLUGIN) in Grafana's [plugins]"

# All of it, the data source's front end and its tests in a browser included. What it needs is fetched while it builds.
test:
	@$(MAKE) --no-print-directory -j2 packages plugin build
	@{ failed=0; $(JEST) || failed=1; go test -tags $(TAGS),browser -p 3 -count=1 -timeout 14m -v $(LONGEST) ./... || failed=1; exit $$failed; } 2>&1 | awk -f .ci/count.awk

# Of these the front end's alone.
test-plugin: plugin packages
	@{ failed=0; $(JEST) || failed=1; go test -tags $(TAGS),browser -count=1 -timeout 14m -v ./plugin/browser || failed=1; exit $$failed; } 2>&1 | awk -f .ci/count.awk

# What some tests talk to: a browser, LibreOffice, promtool, amtool, a remote-write target, a BMC, a Modbus meter, an MQTT broker, an SNMP agent, a BACnet device.
packages: $(BACNET)/node_modules/.package-lock.json
	@missing=; for p in zip:zip ip:iproute2 chromium:chromium pdftotext:poppler-utils soffice:libreoffice-calc-nogui promtool:prometheus amtool:prometheus-alertmanager victoria-metrics:victoria-metrics prometheus-node-exporter:prometheus-node-exporter ipmi_sim:openipmi /usr/include/OpenIPMI/mcserv.h:libopenipmi-dev gcc:gcc snmpd:snmpd /usr/lib/python3/dist-packages/pymodbus:python3-pymodbus /usr/lib/python3/dist-packages/serial:python3-serial /usr/lib/python3/dist-packages/serial_asyncio:python3-serial-asyncio mosquitto:mosquitto mosquitto_pub:mosquitto-clients; do [ -e $${p%:*} ] || command -v $${p%:*} >/dev/null || missing="$$missing $${p#*:}"; done; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -qy --no-install-recommends $$missing; fi

check: plugin/node_modules/.package-lock.json
	npm run lint --prefix plugin --silent
	@test -z "$$(gofmt -l aggregator alerts collector dashboards plugin/browser plugin/pkg plugin/validator deploy | tee /dev/stderr)"
	go vet -tags $(TAGS),browser ./...
	go mod tidy -diff
	go run $(STATICCHECK) -tags browser ./...
	go test -count=1 -run 'Import|Link' ./aggregator
	@go run $(GOVULNCHECK) ./... || if [ $$? = 3 ]; then exit 3; else echo "govulncheck: its database could not be reached; nothing was checked"; fi

# The plugin's archive against the rules of Grafana's catalogue. Not part of check: the analyzers are a module of their own
# of 200 others, which takes minutes to fetch and build first.
check-plugin: plugin-zip
	GOBIN=$(CURDIR)/out/bin go install $(GOSEC)
	cd plugin/validator && go vet . && go mod tidy -diff && go run $(STATICCHECK) . && go test -count=1 . && PATH=$(CURDIR)/out/bin:$$PATH go run .

bench:
	go test -tags $(TAGS) -run '^$$' -bench . -benchmem ./collector/... ./aggregator/internal/...

bench-site: build
	go test -tags $(TAGS) -run '^$$' -bench '^BenchmarkSite$$' -benchtime 1x -timeout 30m ./aggregator $(ARGS)

# A site that comes back after an hour without its bus, each host by a connection of its own; the bus is a process beside the aggregator.
bench-backlog: build
	go test -tags $(TAGS) -run '^$$' -bench '^BenchmarkBacklog$$' -benchtime 1x -timeout 40m ./aggregator $(ARGS)

# 10,000 clients who ask, all at once, what is made to hurt, while a site is taken in.
bench-storm: build
	go test -tags $(TAGS) -run '^$$' -bench '^BenchmarkStorm$$' -benchtime 1x -timeout 30m ./aggregator $(ARGS)

# A hub for 24 sites of 41,672 GPUs, 1,000,128 in all, at their real pace.
bench-hub: build
	go test -tags $(TAGS) -run '^$$' -bench '^BenchmarkHub$$' -benchtime 1x -timeout 30m ./aggregator $(ARGS)

bench-peers: build packages
	go test -tags $(TAGS) -run '^$$' -bench '^BenchmarkPeers$$' -benchtime 1x -timeout 30m ./aggregator $(ARGS)

# A day of 100,000 GPUs is made once, in minutes, and kept in a folder of 25 GB: ARGS="-dashboards.dir FOLDER".
bench-dashboards:
	go test -tags $(TAGS) -run '^$$' -bench '^BenchmarkDashboards$$' -benchtime 1x -timeout 2h ./aggregator $(ARGS)

# Every test that aggregator/internal/fault/FAULTS.md names, for a night, and its list with what was counted; in a few minutes with
# SEEDS=50 FLIPS=300 KILLS=30 COLLECTOR_KILLS=10 ALERTS=false BACKLOG=false STORM=false.
soak: packages build
	go run -tags $(TAGS) ./aggregator/internal/fault/soak -seeds $${SEEDS:-10000} -flips $${FLIPS:-10000} -kills $${KILLS:-500} -collector-kills $${COLLECTOR_KILLS:-200} -alerts=$${ALERTS:-true} -backlog=$${BACKLOG:-true} -storm=$${STORM:-true}

# What of alerts takes many minutes of real time, with Debian's Alertmanager: a receiver that fails for five, each hop of the watchdog's way.
soak-alerts: packages
	GIGAWATCH_SOAK=1 go test -tags $(TAGS) -run '^TestSoak' -v -count=1 -parallel 16 -timeout 30m ./aggregator/internal/rule

bench-collector: build packages
	go test -tags $(TAGS) -run '^$$' -bench '^BenchmarkOverhead$$' -benchtime 1x -timeout 30m ./collector $(ARGS)

generate:
	go generate ./...

fuzz:
	@for f in $$(grep -rlE '^func Fuzz' --include=*_test.go collector aggregator); do for t in $$(grep -oE '^func Fuzz[A-Za-z]+' $$f | cut -c6-); do \
	go test -tags $(TAGS) -run '^$$' -fuzz "^$$t$$" -fuzztime $${FUZZTIME:-30s} -fuzzminimizetime 10x ./$$(dirname $$f) || exit 1; done; done

# Properties of random sequences, each by so many of them, or as many as it can in TIME.
properties:
	@for f in $$(grep -rlF 'rapid.Check(' --include=*_test.go collector aggregator); do for t in $$(awk '/^func Test/ { sub(/\(.*/, "", $$2); t = $$2 } /rapid\.Check\(/ { print t }' $$f); do \
	echo $$t; go test -tags $(TAGS) -count=1 -timeout $${TIME:-5m} -run "^$$t$$" ./$$(dirname $$f) -rapid.checks=$${CHECKS:-100000} -rapid.nofailfile || exit 1; done; done

# Seeds of the fault simulation, and the bugs it must notice; FROM is the first, FLIPS how many bits of files are flipped, each file cut at every byte.
faults:
	FAULT_SEEDS=$${SEEDS:-1000} FAULT_FROM=$${FROM:-0} FAULT_FLIPS=$${FLIPS:-10000} FAULT_CUTS=1 FAULT_SEARCH=60 go test -tags $(TAGS) -count=1 -timeout 12h -v ./aggregator/internal/fault | grep -vE '^ *(=== |--- PASS)'

# The seeds of a release, 10,000, on one core in the background of other work; goes on where it was interrupted. SEEDS and FROM as above.
seeds:
	aggregator/internal/fault/seeds.sh

clean:
	rm -rf bin out data $(PAGE)/node_modules $(PAGE)/static/vendor plugin/node_modules plugin/dist
