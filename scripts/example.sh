#!/usr/bin/env bash
# Runs an example of examples/ from a bare checkout: system packages (as root), npm packages, build, the example.
# Usage: scripts/example.sh NAME [ARGUMENT...]; its exit status is the example's.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

name=${1:?which example}
shift
network=(iproute2 iputils-ping nftables tcpdump)
case $name in
  vpn-ipsec) packages=("${network[@]}" charon-systemd strongswan-swanctl libcharon-extra-plugins) ;;
  vpn-wireguard) packages=("${network[@]}" wireguard-go wireguard-tools) ;;
  hsm-storage) packages=(softhsm2 opensc tcpdump make g++ python3) ;;
  *) echo "no example is called $name"; exit 2 ;;
esac
need_packages "The example runs the real programs" "${packages[@]}" || exit 1
[ -d node_modules/tsx ] && { [ "$name" != hsm-storage ] || [ -d node_modules/pkcs11js ]; } || npm ci || exit 1
npm run --silent build || exit 1
exec node --import tsx "examples/$name/main.ts" "$@"
