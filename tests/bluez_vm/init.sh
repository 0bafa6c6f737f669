#!/bin/busybox sh
# First process of the guest: modules, the host's files, then the host's systemd in them as the first process.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1

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

# None of the host's own services: of what is enabled here only the tests, the bus, and what systemd needs.
mount -t tmpfs units /guest/etc/systemd/system
mkdir -p /guest/run
mount -t tmpfs run /guest/run
mkdir /guest/run/bluez-vm
cp /settings /guest.sh /guest/run/bluez-vm/
cp /units/* /guest/etc/systemd/system/
while read -r unit; do
    ln -s /dev/null "/guest/etc/systemd/system/$unit"
done </masked

# The host may be a container, where systemd would look for its settings elsewhere.
rm -f /guest/.dockerenv
exec switch_root -c /dev/console /guest /lib/systemd/systemd
