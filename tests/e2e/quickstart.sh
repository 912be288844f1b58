#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The README's first command, with its demonstration: every attack is detected, and nothing is left behind.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
before=$(ls -d /var/tmp/mews-quickstart.* 2>/dev/null || true)

"$root/deploy/quickstart.sh" --demo --no-build
[ "$(ls -d /var/tmp/mews-quickstart.* 2>/dev/null || true)" = "$before" ] || { echo "FAIL: a scratch folder is left"; exit 1; }
[ -z "$(ls /dev/shm/mews-quickstart.* /var/log/mews-quickstart.* /etc/cron.d/mews-quickstart-* 2>/dev/null)" ] ||
	{ echo "FAIL: a file of an attack is left"; exit 1; }
