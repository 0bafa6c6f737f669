#!/bin/busybox sh
# First process of the guest: modules, the host's files, then guest.sh inside them; ends with the status.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
. /settings

say_status_and_end() {
    echo "BLUEZ_VM_STATUS=$1"
    sync
    poweroff -f
}

while read -r module; do
    insmod "/modules/$module" || say_status_and_end 90
done </modules/order

# The host's files as they are, and what is written goes to memory.
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host || say_status_and_end 91
mount -t tmpfs layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /guest ||
    say_status_and_end 92
mount -t proc proc /guest/proc
mount -t sysfs sys /guest/sys
mount -t devtmpfs dev /guest/dev
mkdir -p /guest/dev/pts /guest/dev/shm
mount -t devpts pts /guest/dev/pts
mount -t tmpfs shm /guest/dev/shm
mount -t tmpfs run /guest/run

eval "set -- $PYTEST"
chroot /guest /usr/bin/env - /bin/sh "$FOLDER/guest.sh" "$FOLDER" "$PYTHON" "$PYTHONPATH" "$@"
say_status_and_end $?
