# The commands people type; what is longer than a line lives in .ci/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export PATH := $(CURDIR)/.ci/bin:$(PATH)
# One way to compile for all but the race detector, so that the cache serves all.
export CGO_ENABLED := 0

tools    := $(addprefix .ci/bin/,gofumpt golangci-lint govulncheck oapi-codegen)
modules  := frontend/node_modules/.package-lock.json
spa      := frontend/dist/index.html
contract := internal/web/openapi.yaml
version  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# Everything a build reads: embedded files too, tests not.
go_sources  := $(shell find cmd internal jobs migrations frontend/*.go -type f -not -name '*_test.go' -not -path '*/testdata/*')
spa_sources := $(shell find frontend/src frontend/public -type f) $(wildcard frontend/*.html frontend/*.ts frontend/*.json)

.PHONY: help run build frontend generate check test bench fuzz cluster fmt setup tools clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

run: build ## build all and serve the demo on http://localhost:8080
	bin/adgang serve --demo

build: bin/adgang ## the binary, with the frontend in it: bin/adgang

bin/adgang: $(go_sources) $(spa) go.mod go.sum $(wildcard .git/logs/HEAD)
	go build -buildvcs=false -ldflags '-s -w -X main.version=$(version)' -o $@ ./cmd/adgang

bin/adgang-pkcs11: $(go_sources) $(spa) go.mod go.sum $(wildcard .git/logs/HEAD)
	CGO_ENABLED=1 go build -tags pkcs11 -buildvcs=false -ldflags '-s -w -X main.version=$(version)' -o $@ ./cmd/adgang

frontend: $(spa) ## the frontend alone: frontend/dist

$(spa): $(spa_sources) | $(modules)
	npm --prefix frontend run build

$(modules): frontend/package.json frontend/package-lock.json
	npm --prefix frontend ci --no-fund --no-audit
	touch $@

generate: .ci/bin/oapi-codegen $(modules) ## Go and TypeScript types from openapi.yaml
	oapi-codegen -config .ci/oapi-codegen.yaml -o internal/web/api.gen.go $(contract)
	npm --prefix frontend run --silent generate

check: setup tools $(modules) ## the gate: format, lint, architecture, types, stale generation
	.ci/check

test: check build bin/adgang-pkcs11 ## the gate, then every test: both engines, browser, SAML peer
	.ci/services with .ci/test

bench: setup ## the measured ratios
	.ci/services with --durable go test ./internal/bench -run '^$$' -bench . -benchtime 1x

fuzz: ## every fuzz target for a few seconds (FUZZTIME=5s)
	.ci/fuzz

cluster: setup build ## two API nodes, two workers, PostgreSQL, Redis and a proxy, as plain processes
	.ci/services with go run ./internal/cluster/run

fmt: .ci/bin/gofumpt ## format the Go files
	gofumpt -w cmd internal jobs migrations frontend/*.go

setup: ## install what the tests need and this machine lacks
	.ci/setup

tools: $(tools)

# Pinned in .ci/tools/go.mod, a module of its own that the product does not see.
.ci/bin/gofumpt: package := mvdan.cc/gofumpt
.ci/bin/golangci-lint: package := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
.ci/bin/govulncheck: package := golang.org/x/vuln/cmd/govulncheck
.ci/bin/oapi-codegen: package := github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen
$(tools): .ci/tools/go.sum
	go -C .ci/tools build -o $(CURDIR)/$@ $(package)

clean: ## remove what was built; ./data stays
	rm -rf bin .ci/bin frontend/dist/assets frontend/dist/index.html frontend/node_modules
