# Everything a person does with this checkout. Each target is one script; this file only names them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
node := tools/node
modules := node_modules/.package-lock.json

.PHONY: help up down lab dashboard load rewind hood images build doctor what-if test check fuzz bench clean

help: ## what there is
	@echo 'Coxswain: Kubernetes as a small crew of TypeScript processes.'
	@echo
	@awk -F ' *## *' '/^[a-z-]+:.*##/ { sub(/:.*/, "", $$1); printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'Settings: .env.example. The story to follow: README.md.'

# An engine that has to be installed first unpacks beside the packages of npm; what keeps it from that is said by 'up', which asks for it again.
up: beside := deploy/with-settings.sh deploy/engine.sh 2>/dev/null &
up: $(modules) ## a cluster on this machine, ready when it returns; HA=1: one in which every part may fail
	@$(if $(HA),COXSWAIN_HA=$(HA)) $(node) deploy/up.ts

down: $(modules) ## removes the cluster and its data; KEEP=1 only stops it
	@$(node) deploy/down.ts $(if $(KEEP),--keep)

lab: $(modules) ## NODES=3: a lab of machines on this one, in namespaces; NAME=other, DOWN=1 removes it
	@$(node) deploy/lab/namespaces/up.ts $(if $(NODES),--nodes=$(NODES)) $(if $(NAME),--name=$(NAME)) $(if $(DOWN),--down)

dashboard: $(modules) ## a link that signs you in to the cluster's dashboard, once, as its administrator
	@$(node) deploy/dashboard.ts

load: $(modules) ## IMAGE=name: brings images of this machine's Docker into the cluster
	@$(node) deploy/load.ts $(IMAGE)

rewind: $(modules) ## what changed: FROM=moment, TO=, RESOURCE=, NAMESPACE=, OBJECT=; without FROM, which moments are there
	@$(node) deploy/rewind.ts '$(FROM)' 'to=$(TO)' 'resource=$(RESOURCE)' 'namespace=$(NAMESPACE)' 'name=$(OBJECT)'

hood: $(modules) ## how an object came to be as it is: NAME=web, KIND=v1/pods (apps/v1/deployments), NAMESPACE=default (- for none)
	@$(node) deploy/hood.ts '$(or $(KIND),apps/v1/deployments)' '$(or $(NAMESPACE),default)' '$(NAME)'

images: ## public images for cluster, examples and tests; stand-ins where no registry answers
	@deploy/with-settings.sh deploy/images.sh

build: $(modules) images ## the images of the cluster from this checkout
	@deploy/with-settings.sh deploy/build.sh

doctor: $(modules) ## looks for what would keep a cluster from running here
	@$(if $(HA),COXSWAIN_HA=$(HA)) $(node) deploy/doctor/doctor.ts

# A command may hold any sign that make or a shell has a use for.
what-if: export COXSWAIN_RUN := $(value RUN)
what-if: $(modules) ## RUN='kubectl …' DIES=node FOR=10m: what would become of the cluster; without them a copy of it to play with
	@$(if $(KUBECONFIG),,deploy/with-settings.sh) $(node) simulation/what-if/main.ts $(if $(DIES),--node-dies=$(DIES)) $(if $(FOR),--for=$(FOR)) $(if $(OUTPUT),--output=$(OUTPUT)) $(FLAGS)

test: $(modules) ## all tests but those of a lab; ONLY=path for some
	@deploy/test.sh $(ONLY)

check: $(modules) ## types, lint, import order, sizes, generated files
	@deploy/check.sh

fuzz: $(modules) ## feeds the readers of outside bytes; ONLY=name, SECONDS=n for each, SEED=n, KEEP=1
	@$(node) test/fuzz/fuzz.ts $(if $(ONLY),--only $(ONLY)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(if $(KEEP),--keep)

bench: $(modules) ## measurements with their ratios
	@deploy/bench.sh $(ONLY)

clean: ## removes the cluster's images and caches; public images stay
	@deploy/with-settings.sh deploy/clean.sh

# Installed anew when the versions change. The pinned Node comes with it.
$(modules): package-lock.json
	@deploy/packages.sh npm
	@echo 'npm: installing the packages of package-lock.json'
	@$(beside) npm ci --no-audit --no-fund --loglevel=error; code=$$?; wait; exit $$code
	@touch $@
