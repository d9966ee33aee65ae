#include "ingest/access_tokens.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>

namespace redthread {

namespace {

// Nothing when it is no base64.
std::optional<std::string> FromBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  // It counts the padding as zeros.
  const size_t padding = static_cast<size_t>(std::count(text.end() - 2, text.end(), '='));
  out.resize(static_cast<size_t>(size) - padding);
  return out;
}

bool IsScheme(std::string_view text, std::string_view name) {
  return text.size() == name.size() && std::equal(text.begin(), text.end(), name.begin(),
                                                  [](char a, char b) { return (a | 0x20) == (b | 0x20); });
}

// The secret in what stands behind a scheme. Nothing when there is none.
std::optional<std::string> SecretOf(std::string_view authorization) {
  const size_t space = authorization.find(' ');
  const size_t begin = authorization.find_first_not_of(' ', space);
  if (space == std::string_view::npos || begin == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = authorization.substr(0, space);
  const std::string_view rest = authorization.substr(begin);
  if (IsScheme(scheme, "Bearer") || IsScheme(scheme, "Splunk")) return std::string(rest);
  if (!IsScheme(scheme, "Basic") && !IsScheme(scheme, "ApiKey")) return std::nullopt;
  std::optional<std::string> pair = FromBase64(rest);
  const size_t colon = pair.has_value() ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  return pair->substr(colon + 1);
}

}  // namespace

AccessTokens::AccessTokens(const std::vector<std::pair<std::string, std::string>>& tokens) {
  for (const auto& [name, secret] : tokens) digests_.emplace_back(name, DigestOf(secret));
}

AccessTokens::Digest AccessTokens::DigestOf(std::string_view secret) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
  return digest;
}

AccessTokens::Answer AccessTokens::Judge(std::string_view authorization) const {
  if (authorization.empty()) return {Shown::kNothing, {}};
  const std::optional<std::string> secret = SecretOf(authorization);
  if (!secret.has_value()) return {Shown::kOther, {}};
  const Digest digest = DigestOf(*secret);
  const std::string* name = nullptr;
  for (const auto& [known, expected] : digests_) {
    if (CRYPTO_memcmp(digest.data(), expected.data(), digest.size()) == 0) name = &known;
  }
  return name == nullptr ? Answer{Shown::kWrong, {}} : Answer{Shown::kToken, *name};
}

}  // namespace redthread
