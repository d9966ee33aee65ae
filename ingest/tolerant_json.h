// The tolerant reading of a JSON record: for lines that are cut short, broken by their writer, or hostile.
//
// It looks for the object's members and keeps each one that can be told apart, so that a broken value does
// not hide the others. Broken UTF-8 becomes U+FFFD; raw control characters are taken as they are; a bare word
// is kept as text; a last string without an end is a value; what is no member at all is skipped up to where
// the next one seems to begin. On a record that the strict reading accepts both give the same event.
//
// One pass, no recursion: time and memory are linear in the record, whatever it holds.
#pragma once

#include <string_view>

#include "core/decoder.h"
#include "ingest/key_cache.h"

namespace redthread {

// Fills tape and flat view of `event`, which is empty. Requires and promises what Decoder::Decode does; kDead
// leaves the whole text as field "raw", or nothing of a blank line. Sets *spaced when a key has spaces and
// its name without them is asked for.
DecodeResult ReadTolerantly(std::string_view record, KeyCache* keys, Event* event, bool* spaced);

}  // namespace redthread
