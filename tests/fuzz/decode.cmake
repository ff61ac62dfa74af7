# SPDX-License-Identifier: Apache-2.0
pyrite_fuzz(decode decode.c LIBS codec_judge)
