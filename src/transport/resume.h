/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a caller asks for a stream that outlives its connection.
 *
 * The first call of a method with one request and a stream of answers has the metadata
 *
 *   pyrite-resume       32 hexadecimal digits that nobody can guess: whose stream it is
 *
 * and is greeted (pyr__incall_ops.greet) if it is taken as such. When its connection is lost, and
 * all that has come is taken, another call of the same method of the same object has that and
 *
 *   pyrite-resume-from  how many items have been taken
 *   pyrite-resume-age   how many ms ago the stream was begun, or a little more
 *
 * and, if nothing has been taken, the request again. If it is greeted, what follows is the rest of
 * the stream and its end. If not, its end is a refusal: the stream is not known, or not now. A
 * greeted call that ends with UNAVAILABLE and pyrite-resume "replaced" has been replaced by another
 * that the daemon saw later; it is the caller's to say which was right, by one more.
 */
#ifndef PYR_TRANSPORT_RESUME_H
#define PYR_TRANSPORT_RESUME_H

#define PYR__RESUME_KEY      "pyrite-resume"
#define PYR__RESUME_FROM_KEY "pyrite-resume-from"
#define PYR__RESUME_AGE_KEY  "pyrite-resume-age"
#define PYR__RESUME_REPLACED "replaced"

#define PYR__RESUME_TOKEN_SIZE 32u /* digits */

#endif
