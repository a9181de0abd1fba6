#!/usr/bin/env bash
# Put two real wikis, as Debian packages them, into .servers of the checkout, for tests to start, and
# see that the machine has git, and Samba where this may install it.
#
# MediaWiki and DokuWiki are only unpacked: installed, they would set up and start Apache. What runs
# them (php-cli and four extensions) is installed for the whole machine, if it is not there.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$PWD/.servers

# Without Samba its tests are skipped; S3 and WebDAV are served by packages from PyPI.
missing=""
command -v git >/dev/null || missing="git"
[ -x /usr/sbin/smbd ] || missing="$missing samba"
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq
  # Samba's own services are not started: tests start theirs, on a port of their own.
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing \
    >/dev/null
fi

if [ -e "$target/ready" ]; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "The wikis come from Debian's packages, and there is no apt-get here." >&2
  exit 1
fi
if ! php -m 2>/dev/null | grep -q pdo_sqlite; then
  if [ "$(id -u)" != 0 ]; then
    echo "Run as root: apt-get install php-cli php-sqlite3 php-xml php-mbstring php-intl" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    php-cli php-sqlite3 php-xml php-mbstring php-intl >/dev/null
fi

rm -rf "$target"
mkdir -p "$target/packages"
(cd "$target/packages" && apt-get download -qq \
  mediawiki mediawiki-classes dokuwiki php-phpseclib libphp-simplepie php-geshi 2>/dev/null)
for package in "$target"/packages/*.deb; do
  dpkg --extract "$package" "$target"
done
rm -r "$target/packages"

# Debian's packages point at each other by absolute paths.
grep -rlE "/usr/share/php(-geshi)?/|/usr/share/php/" "$target/usr/share/dokuwiki" --include='*.php' |
  xargs sed -i "s#'/usr/share/php#'$target/usr/share/php#g"
find "$target" -type l -lname '/*' | while read -r link; do
  ln -sfn "$target$(readlink "$link")" "$link"
done
touch "$target/ready"
