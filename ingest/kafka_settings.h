// KafkaSettings: which cluster, and how to talk to it. What librdkafka calls its properties is passed through
// as it is, so that everything it can do (SASL, SCRAM, TLS, Kerberos) is there without a word of ours.
#pragma once

#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"

namespace redthread {

struct KafkaSettings {
  std::vector<std::string> brokers;  // "host:port", some of the cluster's
  std::string group;                 // consumer group: under this name lag is shown
  std::vector<std::pair<std::string, std::string>> properties;
};

// What is wrong with a property, by librdkafka's own check: unknown, a wrong value, or ours to set. "" when
// nothing is.
std::string KafkaPropertyProblem(const std::string& name, const std::string& value);

// What is wrong with all of them together: a file that cannot be read, SASL without a password. "" when
// nothing is. Asks no broker.
std::string KafkaSettingsProblem(const KafkaSettings& settings);

// Whether the library signs in by SCRAM to brokers of Kafka 4.0 and later too: it does from 2.6.1 on, those
// before are refused as if the password were wrong. Source: https://github.com/edenhill/kcat/issues/462.
bool HasScramOfKafka4();

// Whether the value of a property is to be kept from view: a password, a key.
bool IsKafkaSecret(std::string_view name);

// Which topics to read: names, and patterns, which begin with `^` as librdkafka's do (POSIX extended).
// Topics whose names begin with `__` are Kafka's own, and match no pattern.
class TopicFilter {
 public:
  // kInvalid: not a name, or not a regular expression.
  static Result<TopicFilter> Of(const std::vector<std::string>& topics);
  bool Matches(const std::string& topic) const;
  // Those that are no patterns.
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::vector<std::regex> patterns_;
};

}  // namespace redthread
