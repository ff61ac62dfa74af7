/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of each type of frame: its name, and the flags it may have. */
#include "native/frame.h"

static const char *const names[PYR__FRAME_TYPES] = {
	[PYR__FRAME_HELLO] = "HELLO",
	[PYR__FRAME_CALL] = "CALL",
	[PYR__FRAME_MESSAGE] = "MESSAGE",
	[PYR__FRAME_METADATA] = "METADATA",
	[PYR__FRAME_FINAL] = "FINAL",
	[PYR__FRAME_RESET] = "RESET",
	[PYR__FRAME_WINDOW] = "WINDOW",
	[PYR__FRAME_PING] = "PING",
	[PYR__FRAME_PONG] = "PONG",
	[PYR__FRAME_GOAWAY] = "GOAWAY",
	[PYR__FRAME_SHARE] = "SHARE",
};

const uint8_t pyr__frame_flags[PYR__FRAME_TYPES] = {
	[PYR__FRAME_CALL] = PYR__MSG | PYR__MORE | PYR__END | PYR__ONEWAY | PYR__DEFLATED,
	[PYR__FRAME_MESSAGE] = PYR__MSG | PYR__MORE | PYR__CONT | PYR__END | PYR__DEFLATED,
	[PYR__FRAME_FINAL] = PYR__MSG | PYR__DEFLATED,
	[PYR__FRAME_GOAWAY] = PYR__END,
};

const char *pyr__frame_name(uint8_t type)
{
	return type < PYR__FRAME_TYPES && names[type] ? names[type] : "frame";
}
