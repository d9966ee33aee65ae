#include "ingest/key_cache.h"

#include <limits>
#include <string>

namespace redthread {

KeyCache::KeyCache(const FieldTable& fields)
    : fields_(fields),
      keys_(std::make_unique<Key[]>(kMaxKeys)),
      text_(std::make_unique<char[]>(kMaxKeys * kMaxKeySize + 16)) {
  none_.size = std::numeric_limits<uint32_t>::max();
  for (Key* key : {&none_, &start_, &uncached_}) key->next = key->other = &none_;
}

const KeyCache::Key& KeyCache::FindSlow(const char* text, size_t size) {
  const std::string_view key(text, size);
  if (size > kMaxKeySize) {
    Describe(key, &uncached_);
    last_ = &uncached_;
    return uncached_;
  }
  Key* found = nullptr;
  if (const auto it = by_text_.find(key); it != by_text_.end()) {
    found = it->second;
  } else {
    if (count_ == kMaxKeys) Forget();
    found = &keys_[count_++];
    char* copy = text_.get() + text_used_;
    std::memcpy(copy, text, size);
    text_used_ += size;
    *found = Key{};
    found->text = copy;
    found->size = static_cast<uint32_t>(size);
    found->next = found->other = &none_;
    Describe({copy, size}, found);
    by_text_.emplace(std::string_view(copy, size), found);
  }
  last_->other = last_->next;
  last_->next = found;
  last_ = found;
  return *found;
}

void KeyCache::Describe(std::string_view text, Key* key) const {
  key->plain = text.find('\\') == std::string_view::npos;
  key->id = fields_.Find(text);
  key->spaceless = kNoField;
  if (text.find(' ') == std::string_view::npos) return;
  std::string spaceless;
  for (const char c : text) {
    if (c != ' ') spaceless.push_back(c);
  }
  key->spaceless = fields_.Find(spaceless);
}

void KeyCache::Forget() {
  by_text_.clear();
  count_ = 0;
  text_used_ = 0;
  // No guess may lead to a key whose bytes are about to be overwritten.
  for (Key* key : {&start_, &uncached_}) key->next = key->other = &none_;
  last_ = &start_;
}

}  // namespace redthread
