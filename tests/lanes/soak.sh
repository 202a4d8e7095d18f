#!/bin/bash
# make soak: what takes hours, part by part. Each part stands alone and can be run by itself.
source "$(dirname "$0")/environment.sh"
trap times EXIT

part "fuzzing" "$top/tests/lanes/fuzz.sh"
