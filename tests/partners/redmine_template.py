"""A Redmine ready to be copied: Debian's package with an empty SQLite database, its REST interface on, and sign-in by header.

Made once in `${XDG_CACHE_HOME:-~/.cache}/muster-tests/`, by `prepare_redmine.sh` or by the first test that needs it; only the
standard library, so that any Python may run it: `python3 redmine_template.py`.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SHARE = Path("/usr/share/redmine")
PACKAGES = ("redmine", "redmine-sqlite", "ruby-sqlite3", "puma", "ruby-bundler")

SIGN_IN_BY_HEADER = """
# Whoever X-Forwarded-User names is signed in, as behind any proxy that signs people in; a request without it stays as it was.
ApplicationController.prepend(Module.new do
  def find_current_user
    login = request.headers['X-Forwarded-User']
    login ? User.active.find_by_login(login) : super
  end
end)
"""

ENVIRONMENT = """
config.paths['tmp'] = ENV.fetch('MUSTER_REDMINE') + '/tmp'
config.paths['log'] = ENV.fetch('MUSTER_REDMINE') + '/redmine.log'
config.paths['config/database'] = 'config/database.yml'
config.cache_store = :memory_store
config.secret_key_base = 'only for tests' * 5
config.log_level = :warn
"""

DATABASE = """
production:
  adapter: sqlite3
  database: <%= ENV['MUSTER_REDMINE'] %>/redmine.sqlite
  timeout: 10000
"""

FIRST_CONTENT = """
Setting.rest_api_enabled = '1'
Setting.login_required = '1'
Setting.self_registration = '0'
Setting.notified_events = []
admin = User.find_by_login('admin')
admin.update_columns(must_change_passwd: false, language: 'en')
Token.create!(user: admin, action: 'api')
"""


class Missing(Exception):
    """What is not installed, in one sentence."""


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "muster-tests"


def missing_packages() -> tuple[str, ...]:
    """The Debian packages whose files are not there."""
    if shutil.which("dpkg-query") is None:
        return PACKAGES
    return tuple(name for name in PACKAGES if not _is_unpacked(name)) or _without_tools()


def _is_unpacked(package: str) -> bool:
    return bool(_version(package))


def _without_tools() -> tuple[str, ...]:
    lacking = [
        name
        for name, path in (("redmine", SHARE / "config.ru"), ("puma", Path("/usr/bin/puma")))
        if not path.exists()
    ]
    return tuple(lacking)


def _version(package: str) -> str:
    """Its version once its files are there, configured or not; else nothing."""
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.partition(" ")
    return (
        shown[2]
        if shown[0] in {"installed", "half-configured", "unpacked", "triggers-pending", "triggers-awaited"}
        else ""
    )


def ruby_environment(folder: Path) -> dict[str, str]:
    """What Redmine needs to run in `folder`.

    Debian's own Bundler is named because a newer one, without Debian's patches, came with a security update of Ruby (3.1.7):
    it counts gems that Debian packages as deleted. It is also why installing the package fails unless this is set.
    """
    return {
        "BUNDLER_VERSION": _version("ruby-bundler").partition("-")[0],
        "BUNDLE_GEMFILE": str(template_folder() / "tree" / "Gemfile"),
        "BUNDLE_APP_CONFIG": str(folder / "bundle"),
        "RAILS_ENV": "production",
        "MUSTER_REDMINE": str(folder),
        "REDMINE_LANG": "en",
        "SCHEMA": "/dev/null",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
    }


def template_folder() -> Path:
    """Named by what it is made of: another version of the package or of this recipe makes another."""
    versions = " ".join(_version(name) for name in (*PACKAGES, "libruby3.1"))
    digest = hashlib.sha256(versions.encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    return cache_folder() / f"redmine-{digest}"


def ready_template() -> Path:
    """The template, made if it is not there yet; raises Missing when Redmine is not installed."""
    lacking = missing_packages()
    if lacking:
        raise Missing(
            f"Debian packages {', '.join(lacking)} (sh tests/partners/prepare_redmine.sh installs them)"
        )
    folder = template_folder()
    if not (folder / "ready").exists():
        with _alone(folder):
            if not (folder / "ready").exists():
                _make(folder)
    return folder


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path) -> None:
    """Nothing of it counts until `ready` is written, last."""
    shutil.rmtree(folder, ignore_errors=True)
    tree = folder / "tree"
    shutil.copytree(SHARE, tree, symlinks=False, ignore=_what_is_installed, ignore_dangling_symlinks=True)
    _configure(tree)
    environment = ruby_environment(folder)
    for command in (
        ["bundle", "install", "--local", "--quiet"],
        ["bundle", "exec", "rake", "db:migrate", "redmine:load_default_data"],
        ["ruby", "-e", f"require './config/environment'\n{FIRST_CONTENT}"],
    ):
        _run(command, tree, environment)
    (folder / "ready").write_text("")


def _what_is_installed(at: str, names: list[str]) -> set[str]:
    """The installed instance is no part of the template."""
    return (
        {"instances", "Gemfile.lock", "database.yml"} & set(names)
        if Path(at) in {SHARE, SHARE / "config"}
        else set()
    )


def _configure(tree: Path) -> None:
    gemfile = tree / "Gemfile"
    gemfile.write_text(gemfile.read_text().replace(f"{SHARE}/", f"{tree}/"))
    (tree / "config" / "database.yml").write_text(DATABASE)
    (tree / "config" / "additional_environment.rb").write_text(ENVIRONMENT)
    rackup = (tree / "config.ru").read_text()
    (tree / "config.ru").write_text(
        rackup.replace("run Rails.application", f"{SIGN_IN_BY_HEADER}\nrun Rails.application")
    )


def _run(command: list[str], tree: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(
            f"a Redmine that works: {' '.join(command[:4])} failed:\n{(done.stderr + done.stdout)[:2000]}"
        )


def main() -> int:
    try:
        print(f"partners: Redmine is ready in {ready_template()}")
    except Missing as error:
        print(f"partners: MISSING: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
