// SPDX-License-Identifier: Apache-2.0
// filter_regex.h over RE2: the only C++ of this tree. No exception leaves it.
#include "collector/filter/filter_regex.h"
#include <cstdio>
#include <new>
#include <re2/re2.h>

struct regex {
	RE2 re;

	regex(const re2::StringPiece &pattern, const RE2::Options &o) : re(pattern, o)
	{
	}
};

struct regex *
regex_new(const char *p, size_t n, char *why, size_t why_size)
{
	try {
		RE2::Options o(RE2::POSIX);

		o.set_log_errors(false);
		struct regex *r = new struct regex(re2::StringPiece(p, n), o);

		if (r->re.ok())
			return r;
		(void) snprintf(why, why_size, "%s", r->re.error().c_str());
		delete r;
	} catch (...) {
		(void) snprintf(why, why_size, "out of memory");
	}
	return nullptr;
}

bool
regex_match(const struct regex *r, const char *p, size_t n)
{
	try {
		return RE2::FullMatch(re2::StringPiece(p, n), r->re);
	} catch (...) {
		return false;
	}
}

void
regex_free(void *r)
{
	delete static_cast<struct regex *>(r);
}
