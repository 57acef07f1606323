#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh checkout to the default benchmark, or to what the arguments ask of siov-testpmd.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

setup_packages "${build_packages[@]}"
setup_hugepages || true # siov-testpmd says so itself and goes on with --no-huge
setup_build || die "the build failed"
exec "$siov_build/apps/siov-testpmd/siov-testpmd" "$@"
