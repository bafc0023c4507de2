# Sourced: `need_packages WHAT PACKAGE...` installs the Debian packages that are missing (as root), or says how and fails.

need_packages() {
  local what=$1 package missing=()
  shift
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" != 0 ]; then
    echo "$what. Missing Debian packages: ${missing[*]}"
    echo "Install them with: sudo apt-get install --no-install-recommends ${missing[*]}"
    return 1
  fi
  echo "Installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null && apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null && return 0
  echo "Could not install: ${missing[*]}"
  return 1
}
