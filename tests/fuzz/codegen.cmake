# SPDX-License-Identifier: Apache-2.0
pyrite_fuzz(codegen codegen.c LIBS pyrite_codegen)
