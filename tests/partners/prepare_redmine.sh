#!/bin/sh
# Installs Debian's Redmine, when it may, and makes the template that tests copy. Safe to repeat. Exit 1 and a sentence when it cannot.
#
# Redmine's own installation script runs `bundle install --local`, which takes the newest Bundler there is. A security update of
# Ruby (libruby3.1 3.1.7) brought Bundler 2.3.27 without Debian's patches; it counts gems packaged by Debian as deleted, and the
# installation fails with "Could not find racc-1.6.2.gem for installation". So Debian's Bundler goes in first and is then named.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
packages="redmine redmine-sqlite ruby-sqlite3 puma ruby-bundler"

say() { printf 'partners: %s\n' "$*"; }

lack() {
    say "MISSING: $*"
    exit 1
}

# The files are enough: a package whose own set-up failed serves the tests as well.
is_unpacked() {
    for package in $packages; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed | half-configured | unpacked | triggers-*) ;;
        *) return 1 ;;
        esac
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true "BUNDLER_VERSION=$(debian_bundler)" \
        apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1
}

debian_bundler() {
    dpkg-query -W -f '${Version}' ruby-bundler 2>/dev/null | sed 's/-[^-]*$//'
}

install_packages() {
    log=$(mktemp)
    say "installing $packages (a minute at most; log: $log)"
    # Redmine would make a database for every user of the machine; the tests make their own.
    as_root apt-get update --quiet -o DPkg::Lock::Timeout=300 >>"$log" 2>&1
    apt_install ruby ruby-bundler debconf || return 1
    echo 'redmine redmine/instances/default/dbconfig-install boolean false' | as_root debconf-set-selections >>"$log" 2>&1
    # An installation that broke off earlier is finished first, or apt refuses everything.
    as_root env DEBIAN_FRONTEND=noninteractive "BUNDLER_VERSION=$(debian_bundler)" dpkg --configure --pending >>"$log" 2>&1
    # shellcheck disable=SC2086  # a list of packages
    apt_install $packages
}

if ! command -v dpkg-query >/dev/null 2>&1; then
    lack "Redmine (only Debian and its kin package it: $packages)"
fi
if ! is_unpacked; then
    may_install || lack "Redmine; as root: apt-get install --no-install-recommends ruby-bundler, then
    BUNDLER_VERSION=2.3.15 apt-get install --no-install-recommends $packages"
    install_packages || say "apt-get is not content: $(tail -n 1 "$log")"
    is_unpacked || lack "Redmine (apt-get could not install $packages; see $log)"
    rm -f "$log"
fi
exec "${PYTHON:-python3}" "$here/redmine_template.py"
