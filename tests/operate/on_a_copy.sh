#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# on_a_copy.sh SCRIPT [ARGUMENT …]: runs a shell script as root in a copy of this system, in which it may change what it
# likes. To be called by `unshare -m`: the copy is an overlay on a file system in memory and goes with the namespace.
# At the end it lists the files that are new or changed.
set -euo pipefail

mount --make-rprivate /
layers=$(mktemp -d)
trap 'umount -l "$layers"; rmdir "$layers"' EXIT
mount -t tmpfs none "$layers"
mkdir "$layers"/{changed,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$layers/changed,workdir=$layers/work" "$layers/root"
mount -t proc proc "$layers/root/proc"
mount --rbind /dev "$layers/root/dev"

script=$1
shift
chroot "$layers/root" bash "$script" "$@"
echo "== left behind"
cd "$layers/changed"
find . -path ./proc -prune -o -path ./dev -prune -o ! -type c ! -type d -print
