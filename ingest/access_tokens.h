// AccessTokens: who may send, by the secret they show.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace redthread {

// Immutable and thread-safe.
class AccessTokens {
 public:
  // What a request says in its header Authorization.
  enum class Shown {
    kNothing,  // no such header
    kOther,    // a scheme that holds no token, or one that cannot be read
    kWrong,    // a token that is none of ours
    kToken,
  };
  struct Answer {
    Shown shown = Shown::kNothing;
    std::string name;  // of kToken
  };

  // Names and secrets. None: everybody may send.
  explicit AccessTokens(const std::vector<std::pair<std::string, std::string>>& tokens);

  bool empty() const { return digests_.empty(); }
  // "Bearer SECRET", "Splunk SECRET", "Basic BASE64(ANYBODY:SECRET)", "ApiKey BASE64(ANYTHING:SECRET)". How
  // long it takes says nothing of our secrets: digests are compared, all of them, in constant time.
  Answer Judge(std::string_view authorization) const;

 private:
  using Digest = std::array<uint8_t, 32>;  // SHA-256
  static Digest DigestOf(std::string_view secret);

  std::vector<std::pair<std::string, Digest>> digests_;  // by name
};

}  // namespace redthread
