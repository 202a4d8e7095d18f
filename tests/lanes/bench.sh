#!/bin/bash
# make bench: every measured comparison, one after the other; each prints its own table. Alone on the machine, or it measures
# the neighbours.
source "$(dirname "$0")/environment.sh"
part "packages" "$top/tests/lanes/packages.sh"
part "verified synchronous answers" "$top/tests/bench/requests"
part "speech" "$top/tests/bench/speech"
part "analysis without transcription" "$top/tests/bench/analyze"
times
