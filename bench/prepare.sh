#!/bin/sh
# Installs what `make bench` compares Muster with, if this machine is Debian's kin and we may. Safe to repeat.
# What cannot be had is named; the bench leaves it out. Exit 1: something is missing.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

say() { printf 'bench: %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

is_there() {
    PATH="$PATH:/usr/sbin"
    for name in wrk haproxy apache2; do command -v "$name" >/dev/null 2>&1 || return 1; done
    [ -e /usr/lib/apache2/modules/mod_auth_openidc.so ]
}

# Run level 1: the machine gets no running service of them; the bench starts its own, each on ports that were free.
install_packages() {
    as_root apt-get update --quiet -o DPkg::Lock::Timeout=300
    as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=300 \
        wrk haproxy apache2 libapache2-mod-auth-openidc
}

missing=0
if ! is_there && may_install; then
    log=$(mktemp)
    say "installing wrk, HAProxy and Apache with mod_auth_openidc (log: $log)"
    install_packages >"$log" 2>&1
    is_there && rm -f "$log"
fi
if ! is_there; then
    say "MISSING (as root on Debian: apt-get install wrk haproxy apache2 libapache2-mod-auth-openidc)"
    missing=1
fi
"$here/../tests/partners/prepare.sh" node oidc_provider proxies || missing=1
exit "$missing"
