// Numbers as people read them: thousands separators, sizes, counts.
#pragma once

#include <cstdint>
#include <string>

#include "ingest/ingest_counts.h"

namespace redthread {

// 3780 -> "3,780". Always commas: output is read by scripts too.
std::string WithThousands(uint64_t n);

// 20 * 2^30 -> "20 GiB", 1536 -> "1.5 KiB".
std::string FormatSize(uint64_t bytes);

// "3 rules", "1 rule": `n` with thousands separators and the noun, which takes an s unless n is 1
// or it has another plural.
std::string Counted(uint64_t n, const char* noun, const char* plural = nullptr);

// "3 lines without a year: taken to be of 2016 to 2017"
std::string TextOf(const AssumedYears& years);

}  // namespace redthread
