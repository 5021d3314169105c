#!/usr/bin/env bash
# Runs the tests, which are built already: those of values together, then those that run servers module by module, so
# that a small machine does not play them all at the same time.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0
for modules in "XMPPTests|TLSTests|StorageTests|ReplayTests" AccountsTests ServerTests FeaturesTests ConformanceTests; do
	swift test --skip-build --filter "^($modules)\\." || failed=1
done
exit $failed
