/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text: years 1 to 9999 of the Gregorian calendar, and spans of up to 10,000 years. */
#include "dynamic/json_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_MIN  (-62135596800ll) /* 0001-01-01T00:00:00Z */
#define SECONDS_MAX  253402300799ll   /* 9999-12-31T23:59:59Z */
#define DURATION_MAX 315576000000ll
#define NANOS        1000000000

/* Days since 1970-01-01. Years begin in March here, so that a leap day is a year's last. */
static int64_t days_of(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day = days - era * 146097;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	*ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year + era * 400 + (*ret_month <= 2));
}

/* "", ".021", ".000021" or ".000000021" */
static void write_fraction(int32_t nanos, char text[16])
{
	text[0] = '\0';
	if (nanos % 1000)
		snprintf(text, 16, ".%09d", (int)nanos);
	else if (nanos % 1000000)
		snprintf(text, 16, ".%06d", (int)(nanos / 1000));
	else if (nanos)
		snprintf(text, 16, ".%03d", (int)(nanos / 1000000));
}

bool pyr__timestamp_write(int64_t seconds, int32_t nanos, char text[PYR__TIME_TEXT_MAX])
{
	char fraction[16];
	int year, month, day;
	if (seconds < SECONDS_MIN || seconds > SECONDS_MAX || nanos < 0 || nanos >= NANOS)
		return false;
	int64_t days = (seconds - SECONDS_MIN) / 86400 + SECONDS_MIN / 86400;
	int second = (int)((seconds - SECONDS_MIN) % 86400);
	date_of(days, &year, &month, &day);
	write_fraction(nanos, fraction);
	snprintf(text, PYR__TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", year, month, day,
		second / 3600, second / 60 % 60, second % 60, fraction);
	return true;
}

bool pyr__duration_write(int64_t seconds, int32_t nanos, char text[PYR__TIME_TEXT_MAX])
{
	char fraction[16];
	bool disagree = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
	if (seconds < -DURATION_MAX || seconds > DURATION_MAX || nanos <= -NANOS ||
		nanos >= NANOS || disagree)
		return false;
	bool negative = seconds < 0 || nanos < 0;
	write_fraction(negative ? -nanos : nanos, fraction);
	snprintf(text, PYR__TIME_TEXT_MAX, "%s%" PRId64 "%ss", negative ? "-" : "",
		negative ? -seconds : seconds, fraction);
	return true;
}

/* Exactly `digits` of them, at *at. */
static bool read_digits(const char **at, int digits, int *ret_value)
{
	int value = 0;
	for (int i = 0; i < digits; i++) {
		char c = (*at)[i];
		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*at += digits;
	*ret_value = value;
	return true;
}

static bool read_char(const char **at, char wanted)
{
	if (**at != wanted)
		return false;
	++*at;
	return true;
}

/* A point and 1 to 9 digits, or nothing. */
static bool read_fraction(const char **at, int32_t *ret_nanos)
{
	*ret_nanos = 0;
	if (**at != '.')
		return true;
	int32_t unit = NANOS;
	const char *begin = ++*at;
	for (; **at >= '0' && **at <= '9'; ++*at) {
		if (unit == 1)
			return false;
		unit /= 10;
		*ret_nanos += (**at - '0') * unit;
	}
	return *at > begin;
}

static int days_in(int year, int month)
{
	static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

/* "Z", "+01:00" or "-08:30" */
static bool read_offset(const char **at, int *ret_seconds)
{
	int hours, minutes;
	*ret_seconds = 0;
	if (read_char(at, 'Z'))
		return true;
	int sign = **at == '+' ? 1 : -1;
	if (**at != '+' && **at != '-')
		return false;
	++*at;
	if (!read_digits(at, 2, &hours) || !read_char(at, ':') || !read_digits(at, 2, &minutes) ||
		hours > 23 || minutes > 59)
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool pyr__timestamp_read(const char *at, int64_t *ret_seconds, int32_t *ret_nanos)
{
	int year, month, day, hour, minute, second, offset;
	if (!read_digits(&at, 4, &year) || !read_char(&at, '-') || !read_digits(&at, 2, &month) ||
		!read_char(&at, '-') || !read_digits(&at, 2, &day) || !read_char(&at, 'T') ||
		!read_digits(&at, 2, &hour) || !read_char(&at, ':') ||
		!read_digits(&at, 2, &minute) || !read_char(&at, ':') ||
		!read_digits(&at, 2, &second))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
		hour > 23 || minute > 59 || second > 59)
		return false;
	if (!read_fraction(&at, ret_nanos) || !read_offset(&at, &offset) || *at)
		return false;
	*ret_seconds =
		days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
	return *ret_seconds >= SECONDS_MIN && *ret_seconds <= SECONDS_MAX;
}

bool pyr__duration_read(const char *at, int64_t *ret_seconds, int32_t *ret_nanos)
{
	bool negative = read_char(&at, '-');
	int64_t seconds = 0;
	const char *begin = at;
	for (; *at >= '0' && *at <= '9'; at++) {
		seconds = seconds * 10 + (*at - '0');
		if (seconds > DURATION_MAX)
			return false;
	}
	if (at == begin || !read_fraction(&at, ret_nanos) || strcmp(at, "s") != 0)
		return false;
	*ret_seconds = negative ? -seconds : seconds;
	if (negative)
		*ret_nanos = -*ret_nanos;
	return seconds < DURATION_MAX || *ret_nanos == 0;
}
