#!/bin/bash
# Ends every cluster that the demo or a test may have left; what was built stays in the cache.
source "$(dirname "$0")/environment.sh"
for name in demo marketplace; do CLUSTER_NAME=$name "$cluster" down; done
