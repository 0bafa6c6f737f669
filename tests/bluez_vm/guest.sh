#!/bin/sh
# Inside the guest, started by systemd: the tests; ends the guest with their status.
. /run/bluez-vm/settings
export PYTHONPATH
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=dumb LANG=C.UTF-8 ECGEDGE_BLUEZ_VM=1

eval "set -- $PYTEST"
cd "$FOLDER/../.."
# Every module that is loaded costs here: no plug-ins but the one, and no looking for doctests.
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
"$PYTHON" -m pytest -p pytest_asyncio.plugin -p no:cacheprovider -o addopts=--import-mode=importlib \
    --confcutdir="$FOLDER" -ra --durations=8 "$@" "$FOLDER"
echo "BLUEZ_VM_STATUS=$?"
systemctl poweroff --force --force
