/* SPDX-License-Identifier: Apache-2.0 */
/* SHARE: who may say what of it, and when. */
#include <stdio.h>
#include "native/hand.h"

#define BOTH (PYR__FEATURE_DEFLATED | PYR__FEATURE_SHARED)

static hand greeted(bool server, uint64_t features)
{
	pyr__session_config config;
	pyr__session_config_init(&config, server);
	config.shares = true;
	hand h = hand_new(&config, false);
	hand_give_features(&h, features);
	hand_event(&h, PYR__EVENT_READY);
	hand_skip_frames(&h);
	return h;
}

static void give_share(hand *h, uint32_t share, uint32_t bytes)
{
	uint8_t data[8];
	pyr__store32(data, share);
	pyr__store32(data + 4, bytes);
	hand_give_frame(h, PYR__FRAME_SHARE, 0, 0, data, sizeof data);
}

static void expect_share(hand *h, uint32_t share, uint32_t bytes)
{
	pyr__frame frame = hand_frame(h, PYR__FRAME_SHARE);
	cr_assert_eq(frame.length, 8);
	cr_assert_eq(pyr__load32(frame.data), share);
	cr_assert_eq(pyr__load32(frame.data + 4), bytes);
}

static uint64_t features_of_hello(bool shares)
{
	uint64_t features = 0;
	pyr__field f;
	pyr__fields fields;
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	config.shares = shares;
	hand h = hand_new(&config, false);
	hand_give_hello(&h);
	hand_event(&h, PYR__EVENT_READY);
	pyr__frame hello = hand_frame(&h, PYR__FRAME_HELLO);
	pyr__fields_init(&fields, hello.data, hello.length);
	while (pyr__fields_next(&fields, &f))
		if (f.number == PYR__HELLO_FEATURES)
			features = pyr__load64(f.data);
	hand_end(&h);
	return features;
}

Test(session_share, only_who_can_says_so)
{
	cr_assert_eq(features_of_hello(true), BOTH);
	cr_assert_eq(features_of_hello(false), PYR__FEATURE_DEFLATED);
}

Test(session_share, only_a_client_offers_and_only_who_knows_it)
{
	hand knows = greeted(false, BOTH), old = greeted(false, PYR__FEATURE_DEFLATED),
	     server = greeted(true, BOTH), unable = hand_client();
	cr_assert(pyr__session_may_offer(knows.session));
	cr_assert_not(pyr__session_may_offer(old.session));
	cr_assert_not(pyr__session_may_offer(server.session));
	cr_assert_not(pyr__session_may_offer(unable.session));
	hand_end(&knows);
	hand_end(&old);
	hand_end(&server);
	hand_end(&unable);
}

Test(session_share, an_offer_is_answered_and_both_switch)
{
	hand c = greeted(false, BOTH), s = greeted(true, BOTH);
	pyr__session_share(c.session, PYR__SHARE_OFFERED, 65536);
	expect_share(&c, PYR__SHARE_OFFERED, 65536);
	cr_assert_not(pyr__session_may_offer(c.session), "once");
	give_share(&s, PYR__SHARE_OFFERED, 65536);
	pyr__event event = hand_event(&s, PYR__EVENT_SHARE);
	cr_assert(event.share == PYR__SHARE_OFFERED && event.share_bytes == 65536);
	pyr__session_share(s.session, PYR__SHARE_SWITCHED, 0);
	expect_share(&s, PYR__SHARE_SWITCHED, 0);
	give_share(&c, PYR__SHARE_SWITCHED, 0);
	cr_assert_eq(hand_event(&c, PYR__EVENT_SHARE).share, PYR__SHARE_SWITCHED);
	pyr__session_share(c.session, PYR__SHARE_SWITCHED, 0);
	expect_share(&c, PYR__SHARE_SWITCHED, 0);
	give_share(&s, PYR__SHARE_SWITCHED, 0);
	cr_assert_eq(hand_event(&s, PYR__EVENT_SHARE).share, PYR__SHARE_SWITCHED);
	hand_end(&c);
	hand_end(&s);
}

Test(session_share, a_refusal_is_the_end_of_it)
{
	hand c = greeted(false, BOTH);
	pyr__session_share(c.session, PYR__SHARE_OFFERED, 65536);
	hand_skip_frames(&c);
	give_share(&c, PYR__SHARE_REFUSED, 0);
	cr_assert_eq(hand_event(&c, PYR__EVENT_SHARE).share, PYR__SHARE_REFUSED);
	cr_assert_not(pyr__session_may_offer(c.session));
	give_share(&c, PYR__SHARE_SWITCHED, 0);
	hand_expect_violation(&c, "SHARE says 2, which it may not say now");
}

Test(session_share, what_was_queued_before_goes_the_old_way)
{
	hand s = greeted(true, BOTH);
	give_share(&s, PYR__SHARE_OFFERED, 65536);
	hand_event(&s, PYR__EVENT_SHARE);
	pyr__session_ping(s.session, 1);
	size_t old = pyr__session_share(s.session, PYR__SHARE_SWITCHED, 0);
	pyr__session_ping(s.session, 2);
	cr_assert_eq(old, 2 * (PYR__FRAME_HEADER + 8));
	cr_assert_eq(pyr__session_queued(s.session), 3 * (PYR__FRAME_HEADER + 8));
	hand_skip_frames(&s);
	hand_end(&s);
}

/* They only say that there is something in the rings; a frame behind them would be one. */
Test(session_share, bytes_behind_the_peers_switch_mean_nothing)
{
	hand c = greeted(false, BOTH);
	uint8_t bytes[PYR__FRAME_HEADER + 8 + 3] = {0};
	pyr__session_share(c.session, PYR__SHARE_OFFERED, 65536);
	hand_skip_frames(&c);
	pyr__frame_store(bytes, 8, PYR__FRAME_SHARE, 0, 0);
	bytes[PYR__FRAME_HEADER] = PYR__SHARE_SWITCHED;
	bytes[sizeof bytes - 1] = 0xff;
	hand_give(&c, bytes, sizeof bytes);
	hand_event(&c, PYR__EVENT_SHARE);
	hand_no_event(&c);
	uint8_t ping[8] = {7};
	hand_give_frame(&c, PYR__FRAME_PING, 0, 0, ping, sizeof ping);
	hand_no_event(&c);
	hand_frame(&c, PYR__FRAME_PONG);
	hand_end(&c);
}

static void refuses_at_once(bool server, uint32_t share)
{
	char reason[64];
	hand h = greeted(server, BOTH);
	give_share(&h, share, 65536);
	snprintf(reason, sizeof reason, "SHARE says %u, which it may not say now", share);
	hand_expect_violation(&h, reason);
}

Test(session_share, what_is_out_of_turn_is_a_violation)
{
	refuses_at_once(true, PYR__SHARE_REFUSED);
	refuses_at_once(true, PYR__SHARE_SWITCHED);
	refuses_at_once(true, 3);
	refuses_at_once(false, PYR__SHARE_REFUSED);
	refuses_at_once(false, PYR__SHARE_OFFERED);
	refuses_at_once(false, PYR__SHARE_SWITCHED);
	refuses_at_once(false, UINT32_MAX);
}

Test(session_share, a_second_offer_is_a_violation)
{
	hand s = greeted(true, BOTH);
	give_share(&s, PYR__SHARE_OFFERED, 65536);
	hand_event(&s, PYR__EVENT_SHARE);
	pyr__session_share(s.session, PYR__SHARE_REFUSED, 0);
	give_share(&s, PYR__SHARE_OFFERED, 65536);
	hand_skip_frames(&s);
	hand_expect_violation(&s, "SHARE says 1, which it may not say now");
}

Test(session_share, a_second_switch_is_a_violation)
{
	hand c = greeted(false, BOTH);
	pyr__session_share(c.session, PYR__SHARE_OFFERED, 65536);
	hand_skip_frames(&c);
	give_share(&c, PYR__SHARE_SWITCHED, 0);
	hand_event(&c, PYR__EVENT_SHARE);
	give_share(&c, PYR__SHARE_SWITCHED, 0);
	hand_expect_violation(&c, "SHARE says 2, which it may not say now");
}

Test(session_share, other_sizes_flags_and_streams_are_violations)
{
	static const uint8_t bytes[9] = {PYR__SHARE_OFFERED};
	hand shorter = greeted(true, BOTH), longer = greeted(true, BOTH),
	     stream = greeted(true, BOTH), flags = greeted(true, BOTH);
	hand_give_frame(&shorter, PYR__FRAME_SHARE, 0, 0, bytes, 7);
	hand_expect_violation(&shorter, "SHARE has 7 bytes, not 8");
	hand_give_frame(&longer, PYR__FRAME_SHARE, 0, 0, bytes, 9);
	hand_expect_violation(&longer, "SHARE has 9 bytes, not 8");
	hand_give_frame(&stream, PYR__FRAME_SHARE, 0, STREAM, bytes, 8);
	hand_expect_violation(&stream, "SHARE on the stream 00010000");
	hand_give_frame(&flags, PYR__FRAME_SHARE, PYR__END, 0, bytes, 8);
	hand_expect_violation(&flags, "SHARE with unknown flags: 08");
}
