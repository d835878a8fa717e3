#!/usr/bin/env bash
# Runs the interop tests: installs the reference engines if need be, then both directions against each of them.
# Arguments go to vitest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export FLOE_INTEROP_CACHE="${FLOE_INTEROP_CACHE:-$PWD/.interop}"
bash test/interop/setup.sh
npm run --silent build
exec npx vitest run --config vitest.interop.config.ts "$@"
