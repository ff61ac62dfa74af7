# SPDX-License-Identifier: Apache-2.0
# Descriptors made at run time, and JSON.
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pyrite_fuzz(pool pool.c)
pyrite_fuzz(json json.c LIBS PkgConfig::JANSSON)
