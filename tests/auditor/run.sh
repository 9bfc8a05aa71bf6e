#!/bin/sh
# Makes the auditor's own Python environment in target/foreign/auditor and runs it with the arguments
# given (a first argument such as by_hand.py names another script); without arguments runs its tests. Prints SKIPPED where Python or its packages can't be had.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=${CARGO_TARGET_DIR:-$here/../../target}/foreign/auditor
wanted=$(cksum < "$here/requirements.txt")

skip() {
    echo "SKIPPED: the auditor did not run: $1" >&2
    # A place where it must run says so.
    [ -z "${FOOTBRIDGE_FOREIGN_REQUIRED:-}" ] || exit 3
    exit 0
}

command -v python3 > /dev/null || skip "there is no python3"
if [ "$(cat "$home/made-from" 2> /dev/null || true)" != "$wanted" ]; then
    rm -rf "$home"
    mkdir -p "$(dirname "$home")"
    python3 -m venv "$home" > /dev/null 2>&1 || skip "python3 -m venv does not work (on Debian: apt install python3-venv)"
    "$home/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" >&2 \
        || skip "pip could not install its packages"
    echo "$wanted" > "$home/made-from"
fi
cd "$here"
export PYTHONDONTWRITEBYTECODE=1
if [ $# -eq 0 ]; then
    exec "$home/bin/python" -m unittest discover --top-level-directory . --start-directory tests
fi
case $1 in
*.py) exec "$home/bin/python" "$@" ;;
*) exec "$home/bin/python" audit.py "$@" ;;
esac
