#!/bin/sh
# Installs the programs that tests talk to: a real PostgreSQL, mail server, browser. As root on Debian; everybody else
# is told what is missing, and which tests are therefore skipped. Never fails: a test without its peer says so itself.
# None of the programs is left running: tests start their own, on free ports, in folders of their own.

missing=""
need() { # PACKAGE PATH-OR-COMMAND…: the package is wanted when one of them is not there
    package=$1
    shift
    for thing in "$@"; do
        command -v "$thing" >/dev/null 2>&1 || [ -e "$thing" ] || {
            missing="$missing $package"
            return
        }
    done
}

PATH=$PATH:/usr/sbin:/sbin
need postgresql-15 /usr/lib/postgresql/15/bin/initdb
need chromium chromium
need fonts-dejavu-core /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
need dovecot-imapd dovecot /usr/lib/dovecot/imap
need dovecot-lmtpd /usr/lib/dovecot/lmtp
need dovecot-sieve /usr/lib/dovecot/modules/lib90_sieve_plugin.so
need exim4-daemon-light exim4
need swaks swaks
need redis-server redis-server
need openssl openssl
need curl curl
need nodejs node
need npm npm

# Chromium of a distribution may be called otherwise; tests look for this name only.
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed:$missing"
    echo "Tests with these programs are skipped (as root, \`make test\` installs them)."
    exit 0
fi

# Package scripts ask this file whether they may start a service. A machine's own answer is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold"
echo "Installing for the tests:$missing (some minutes) …"
# One at a time when all at once does not work: one absent package does not cost the others.
if ! { $apt update && $apt install --no-install-recommends $missing; } >"$log" 2>&1; then
    for package in $missing; do
        $apt install --no-install-recommends "$package" >"$log" 2>&1 || {
            echo "Not installed: $package; tests that need it are skipped. $(grep -m 1 '^E: ' "$log")"
        }
    done
fi
rm -f "$log"
exit 0
