// SPDX-License-Identifier: GPL-2.0
/* Checks, and bytes to check. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailbox.h"

unsigned long checks, mismatches;

void die(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("mailbox: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(2);
}

bool check(bool right, const char *format, ...)
{
	va_list arguments;

	checks++;
	if (right)
		return true;

	mismatches++;
	fputs("  MISMATCH: ", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	return false;
}

bool check_number(const char *what, long long expected, long long got)
{
	return check(expected == got, "%s: expected %lld, got %lld", what, expected, got);
}

const char *errno_name(int error)
{
	const char *name = error ? strerrorname_np(error) : "success";

	return name ? name : "an unknown error";
}

int errno_number(const char *name)
{
	int error;

	for (error = 1; error < 4096; error++) {
		const char *candidate = strerrorname_np(error);

		if (candidate && !strcmp(candidate, name))
			return error;
	}
	die("%s is no error", name);
}

bool check_errno(const char *what, int expected, int got)
{
	return check(expected == got, "%s: expected %s, got %s", what, errno_name(expected),
		     errno_name(got));
}

bool check_status(const char *what, int expected, const struct answer *answer)
{
	return check_errno(what, expected, -answer->head.status);
}

bool check_payload(const char *what, const void *expected, size_t size,
		   const struct answer *answer)
{
	const u8 *bytes = expected;
	size_t i, wrong = 0, first = 0;

	if (!check(answer->head.length == size, "%s: expected %zu bytes, got %u", what, size,
		   answer->head.length))
		return false;

	for (i = 0; i < size; i++) {
		if (bytes[i] == answer->payload[i])
			continue;
		if (!wrong++)
			first = i;
	}
	if (!wrong)
		return check(true, "%s", what);
	return check(false, "%s: %zu of %zu bytes differ, first at %zu: expected %#04x, got %#04x",
		     what, wrong, size, first, bytes[first], answer->payload[first]);
}

int report(const char *test)
{
	printf("mailbox %s: %lu checks, %lu mismatches\n", test, checks, mismatches);
	return mismatches ? 1 : 0;
}

void pattern(u8 *bytes, size_t size, u64 seed)
{
	size_t i;

	/* The high bits of a product depend on all bits of its factors. */
	for (i = 0; i < size; i++)
		bytes[i] = ((seed << 32 | i) + 1) * 0x9e3779b97f4a7c15ull >> 56;
}
