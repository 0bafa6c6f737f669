#!/bin/sh
# Inside the guest, in the host's files: a system bus, then the tests.
# Usage: guest.sh FOLDER PYTHON PYTHONPATH [OPTIONS OF PYTEST]
set -eu
folder=$1 python=$2
export PYTHONPATH=$3
shift 3
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=dumb LANG=C.UTF-8 ECGEDGE_BLUEZ_VM=1

mkdir -p /run/dbus /var/lib/bluetooth
dbus-uuidgen --ensure
dbus-daemon --system --nopidfile
cd "$folder/../.."
# Every module that is loaded costs here: no plug-ins but the one, and no looking for doctests.
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
exec "$python" -m pytest -p pytest_asyncio.plugin -p no:cacheprovider -o addopts=--import-mode=importlib \
    --confcutdir="$folder" -ra --durations=5 "$folder/test_real_stack.py" "$@"
