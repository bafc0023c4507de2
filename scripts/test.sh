#!/usr/bin/env bash
# Passes the tests from a bare checkout: system packages (as root), npm packages, build, types, lint, tests.
# Ends with the line "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

packages=(libyang-tools yangcli libyuma-base netconfd openssl python3 python3-ncclient curl openssh-client openssh-server chromium
  tcpdump procps iproute2 iputils-ping nftables charon-systemd strongswan-swanctl libcharon-extra-plugins wireguard-go wireguard-tools
  softhsm2 opensc make g++)
source scripts/packages.sh
need_packages "The tests talk to real peers" "${packages[@]}" || { echo "0 passed, 1 failed"; exit 1; }

# The optional pkcs11js is compiled: an install made before the compiler was there left it out.
[ -d node_modules/mocha ] && [ -d node_modules/pkcs11js ] || npm ci || { echo "0 passed, 1 failed"; exit 1; }

failed=0
step() {
  echo "== $1"
  shift
  "$@" || { echo "FAILED: $*"; failed=$((failed + 1)); }
}
step "build" npm run --silent build
step "types" npx --no-install tsc --noEmit -p tsconfig.json
[ -f src/dashboard/page.tsx ] && step "types of the page" npx --no-install tsc -p src/dashboard/tsconfig.json
step "lint" npx --no-install eslint --cache --cache-location .cache/eslint .
step "format" npx --no-install biome ci --reporter=summary .

mkdir -p .cache
counts=.cache/test-counts.json
rm -f "$counts"
echo "== tests"
KEYLOOM_TEST_COUNTS=$counts npx --no-install c8 --reporter=text-summary --reporter=html node scripts/run-tests.js "$@"
status=$?
if [ -f "$counts" ]; then
  passed=$(node -p "JSON.parse(require('fs').readFileSync('$counts')).passes")
  broken=$(node -p "JSON.parse(require('fs').readFileSync('$counts')).failures")
  skipped=$(node -p "JSON.parse(require('fs').readFileSync('$counts')).pending")
else
  passed=0; broken=1; skipped=0
fi
failed=$((failed + broken))
[ $status -ne 0 ] && [ "$broken" = 0 ] && failed=$((failed + 1))
[ "$skipped" != 0 ] && echo "$skipped skipped (each says why above)"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
