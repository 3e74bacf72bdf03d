#!/bin/sh
# First process of the guest: mounts what the recorder needs, loads the driver, hands over to guest.py, powers off.
# From the kernel's command line: exchange=DIR (a folder of the host), modules=DIR (with modules.dep), self=DIR (this folder).
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
for word in $(cat /proc/cmdline); do
  case $word in exchange=*|modules=*|self=*) export "$word" ;; esac
done
mkdir /run/exchange
mount -t hostfs none /run/exchange -o "$exchange"
mknod /run/line c 4 64
mknod /run/tun c 10 200
# In the order of their needs; what is built into another kernel is no module there.
for module in lib/crc-ccitt net/ipv6/ipv6 drivers/net/tun drivers/net/ipvlan/ipvlan net/sched/sch_ingress net/sched/cls_fw net/sched/cls_matchall net/sched/act_gact; do
  for file in "$modules/kernel/$module.ko" "$modules/kernel/$module.ko.xz" "$modules/kernel/$module.ko.zst"; do
    [ -f "$file" ] && insmod "$file"
  done
done
python3 -S -E "$self/guest.py" 2>/run/exchange/errors
poweroff -f
