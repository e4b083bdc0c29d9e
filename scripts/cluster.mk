# SPDX-License-Identifier: GPL-3.0-or-later
# A real Kubernetes on this machine with decksweep in it; see tests/cluster/README.md.
#   eval "$(make -s cluster-up)" && decksweep submit sweep.yaml --wait

.PHONY: cluster-up cluster-down cluster-build agent-image
# Only the exports go to stdout.
cluster-up: deps
	@$(MAKE) --no-print-directory -s -j2 all >&2
	@tests/cluster/start $(BUILD)

cluster-down:
	@tests/cluster/down

# The one program of the cluster: minutes when nothing is cached.
cluster-build: deps
	@tests/cluster/build

# The decksweep image as an OCI archive, BUILD/cluster/decksweep.tar; TAG names it.
agent-image: all
	@tests/cluster/agent_image $(BUILD) $(TAG)
