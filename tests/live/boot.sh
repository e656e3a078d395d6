#!/bin/bash
# Boots the systemd of this machine as PID 1 of namespaces that the caller made (mount, pid, uts, ipc, cgroup), over a
# throw-away overlay of /. What it gets: WORK, an empty folder; SOURCE and SITE, shown at /opt/transitproof.
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$WORK"
mkdir -p "$WORK/upper" "$WORK/work" "$WORK/root"
mount -t overlay none -o "lowerdir=/,upperdir=$WORK/upper,workdir=$WORK/work" "$WORK/root"
cd "$WORK/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs none sys/fs/cgroup && umount sys/fs/cgroup
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=755 none run
mount -t tmpfs -o mode=1777 none tmp
mount -t tmpfs -o mode=755 none dev
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir -p dev/pts dev/shm
mount -t tmpfs none dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 none dev/pts
ln -s pts/ptmx dev/ptmx
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -s "/proc/self/${link#*:}" "dev/${link%%:*}"; done

mkdir -p opt/transitproof/bin opt/transitproof/source opt/transitproof/site etc/transitproof/conf.d
mount --bind "$SOURCE" opt/transitproof/source
mount --bind "$SITE" opt/transitproof/site
cat > opt/transitproof/bin/transitproof <<'PROGRAM'
#!/bin/sh
export PYTHONPATH=/opt/transitproof/source:/opt/transitproof/site PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -m probe "$@"
PROGRAM
chmod 755 opt/transitproof opt/transitproof/bin opt/transitproof/bin/transitproof
cp "$SOURCE/systemd/transitproof.service" etc/systemd/system/

head -c16 /dev/urandom | od -An -tx1 | tr -d ' \n' > etc/machine-id
: > etc/fstab
# Nothing of the machine itself is started: only what a service needs.
cat > etc/systemd/system/bench.target <<'TARGET'
[Unit]
Description=What the tests need
Requires=systemd-journald.service
After=systemd-journald.service
AllowIsolate=yes
TARGET
mkdir old
pivot_root . old
umount -l /old
exec env -i container=bench PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
  /lib/systemd/systemd --system --unit=bench.target --log-target=journal --show-status=no
