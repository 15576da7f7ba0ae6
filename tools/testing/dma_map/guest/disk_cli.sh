# SPDX-License-Identifier: GPL-2.0
#
# nvme-cli says the same of a controller and its disk by both drivers.

. /lib/disk.sh

# What is asked, and of what.
commands() {
	cat <<-END
		controller id-ctrl
		controller id-ctrl -H
		controller list-ns
		controller id-ns -n 1
		controller smart-log
		controller fw-log
		controller get-feature -f 7
		controller get-feature -f 0x7f
		disk id-ns -H
		disk id-ns -n 1
		disk id-ctrl
		disk get-ns-id
		disk list-ns
		disk smart-log
		disk flush
		disk write -s 7 -z 512 -c 0 -d data
		disk read -s 7 -z 512 -c 0
		disk write -s 16 -z 4096 -c 7 -f -d data
		disk read -s 16 -z 4096 -c 7
		disk write-zeroes -s 17 -c 1
		disk read -s 17 -z 512 -c 0
		disk read -n 2 -s 7 -z 512 -c 0
		disk io-passthru -o 2 -n 1 -l 512 -r --cdw10=7
		disk io-passthru -o 2 -n 2 -l 512 -r --cdw10=7
		disk admin-passthru -o 6 -n 1 -l 4096 -r
		disk get-feature -f 7
		disk read -s 1000000000 -z 512 -c 0
		disk format -f -l 0
		controller format -f -n 1 -l 0
		controller reset
		disk id-ns
	END
}

# What changes by itself: the names of nodes, and what counts.
stable() {
	sed -e "s,/dev/$1,NVME,g" -e "s,$1,NVME,g" \
		-e '/^\([Dd]ata [Uu]nits\|data_units\|host_\|controller_busy\|power_\|temperature\)/d'
}

# said DRIVER
said() {
	take "$1" || return 1
	cd /tmp && head -c 4096 /bin/busybox > data || return 1
	mkdir -p "/tmp/cli.$1"
	commands | while read -r __of __what; do
		case $__of in
		controller) __node=$(controller_of $FILES) ;;
		disk) __node=$(disk_of $FILES) ;;
		esac
		{
			nvme $__what "$__node" 2>&1
			echo "status $?"
		} | stable "$(basename "$(controller_of $FILES)")" > "/tmp/cli.$1/$(echo "$__of $__what" | tr ' ' _)"
		wait_for 30 has_disk $FILES || return 1
	done
	# Not compared: it reads what only the kernel's own driver has in sysfs.
	nvme list
}

# same FILE
same() {
	[ -s "/tmp/cli.nvme/$1" ] && cmp -s "/tmp/cli.nvme/$1" "/tmp/cli.$OURS/$1" && return
	diff "/tmp/cli.nvme/$1" "/tmp/cli.$OURS/$1" | head -n 20
	return 1
}

plan $(($(commands | wc -l) + 2))
check "the kernel's own driver" said nvme
check "our driver" said "$OURS"
commands | tr ' ' _ > /tmp/names
while read -r name; do
	check "nvme $name" same "$name"
done < /tmp/names
ktap_finished
