# flowlog-exporter: what can be done with the source. `make help` lists the targets.

GO       ?= go
FUZZTIME ?= 10s

module  := github.com/prometheus/common/version
version := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
ldflags := -s -w \
  -X $(module).Version=$(version) \
  -X $(module).Revision=$(shell git rev-parse HEAD 2>/dev/null || echo unknown) \
  -X $(module).Branch=$(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown) \
  -X $(module).BuildDate=$(shell git log -1 --format=%cd --date=format:%Y%m%d-%H:%M:%S 2>/dev/null)
lint    := .tools/bin/golangci-lint

# The image: `DOCKERREPO=mycompany make`, `DOCKERREPO=mycompany make push`.
DOCKERREPO ?= localhost
DOCKERTAG  ?= $(version)
PLATFORMS  ?= linux/amd64,linux/arm64
DOCKER     ?=
RELEASES   ?= linux/amd64,linux/arm64,darwin/amd64,darwin/arm64
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

comma    := ,
programs  = $(foreach p,$(subst $(comma), ,$(1)),dist/$(subst /,-,$(p))/flowlog-exporter)
compile   = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(ldflags)'
told      = GO='$(GO)' VERSION='$(version)' REVISION='$(shell git rev-parse HEAD 2>/dev/null || echo unknown)' SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)'
container = $(told) DOCKER='$(DOCKER)' DOCKERREPO='$(DOCKERREPO)' DOCKERTAG='$(DOCKERTAG)' PLATFORMS='$(PLATFORMS)' deploy/docker/image

.DEFAULT_GOAL := all
.PHONY: all image push release deploy-test FORCE build demo mutations test durability tools lint fuzz bench corpus clean help

all: build image ## the program for this machine, and the image

build: ## compile bin/flowlog-exporter, static, needs only Go
	$(compile) -o bin/flowlog-exporter .

# Go's own cache knows what is up to date.
dist/%/flowlog-exporter: FORCE
	GOOS=$(word 1,$(subst -, ,$*)) GOARCH=$(word 2,$(subst -, ,$*)) $(compile) -o $@ .

image: $(call programs,$(PLATFORMS)) ## build DOCKERREPO/flowlog-exporter:DOCKERTAG for PLATFORMS, by DOCKER or without an engine
	$(container) build

push: image ## push the image as DOCKERTAG and latest, with its SBOM
	$(container) push

release: build $(call programs,$(RELEASES)) ## archives, checksums, deb and rpm for RELEASES, in dist/release
	$(told) RELEASES='$(RELEASES)' deploy/packages/release

deploy-test: ## image, packages and units: built, pushed, pulled, unpacked, run
	test/setup.sh deploy
	$(GO) -C test/deploy test -count 1 -timeout 30m -v .

demo: build ## show the product working on a synthetic VPC, needs only Go
	bin/flowlog-exporter demo

test: tools lint ## set up all that tests need, lint, run every test there is
	$(GO) test -race -timeout 20m ./...
	$(GO) -C tools/hcl test ./...
	$(GO) test -race -tags e2e -count 1 -timeout 30m -v ./test
	$(GO) test -tags durability -count 1 -timeout 20m -v ./test/durability
	$(MAKE) --no-print-directory kube
	$(MAKE) --no-print-directory deploy-test

.PHONY: kube kube-update
kube: tools ## hold the Helm chart and the manifests against Kubernetes' types and the program
	$(GO) -C tools/kube test -count 1 .

kube-update: # rewrite what is made from the chart's values, its templates and monitoring
	$(GO) -C tools/kube test -count 1 -run 'Copies|Manifests$$|ValuesTable' . -update

durability: tools ## kill, crash, simulate and starve it; prints the figures
	$(GO) -C tools/promql test ./...
	FLOWLOG_KILLS=1000 $(GO) test -tags durability -count 1 -timeout 30m -v ./test/durability
	$(GO) test -count 1 -v -run 'PowerLoss' ./internal/ledger
	FLOWLOG_DURABILITY=1 $(GO) test -count 1 -timeout 30m -v -run Simulation ./internal/source

mutations: ## break the promises of the ledger on purpose; fails when a suite does not notice
	test/mutations.sh

tools: $(lint) ## bring the linter, moto and Prometheus; nothing is done twice
	test/setup.sh

$(lint): tools/lint/go.mod tools/lint/go.sum
	GOBIN=$(CURDIR)/$(@D) $(GO) -C tools/lint install tool
	@touch $@

lint: $(lint) ## gofmt, go vet, golangci-lint, actionlint
	@unformatted=$$(gofmt -l .); \
	  test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	$(GO) vet -tags e2e,durability ./...
	$(lint) run
	$(GO) -C tools/actionlint tool actionlint -shellcheck= -pyflakes= $(wildcard $(CURDIR)/.github/workflows/*.yml)

fuzz: ## run each fuzz target for FUZZTIME (10s)
	@set -e; for file in $$(grep -rl --include='*_test.go' --exclude-dir='.?*' '^func Fuzz' .); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$file); do \
	    $(GO) -C $$(dirname $$file) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x .; \
	  done; \
	done

bench: ## measure everything that docs/benchmarks.md tells, and write it
	bench/setup.sh
	$(GO) run ./bench/report

corpus: bench/.corpus/manifest.json ## make the flow logs that are measured on

bench/.corpus/manifest.json:
	$(GO) run ./bench/generate -out $(@D)

clean: ## remove what was built and brought
	rm -rf bin dist .tools .venv coverage.out bench/.corpus

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
