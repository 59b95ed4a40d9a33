#!/bin/sh
# Installs Debian's nginx, if this machine is Debian's kin and we may. Safe to repeat.
set -u

say() { printf 'partners: %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

install_package() {
    as_root apt-get update --quiet -o DPkg::Lock::Timeout=300
    # Run level 1: the machine gets no running service of it; tests start their own, each on ports that were free.
    as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=300 nginx-light
}

is_there() {
    PATH="$PATH:/usr/sbin" command -v nginx >/dev/null 2>&1
}

is_there && exit 0
if ! may_install; then
    say "MISSING: nginx (as root on Debian: apt-get install --no-install-recommends nginx-light)"
    exit 1
fi
log=$(mktemp)
say "installing nginx-light (log: $log)"
install_package >>"$log" 2>&1
if ! is_there; then
    say "MISSING: nginx-light (apt-get could not install it; see $log)"
    exit 1
fi
rm -f "$log"
