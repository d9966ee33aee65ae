#include "ingest/kafka_settings.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "ingest/rdkafka.h"

namespace redthread {

namespace {

// Our part of the contract: what each of these is set to is what makes a record count exactly once.
constexpr char kNoScramOfKafka4[] =
    ". If they are right: this librdkafka cannot sign in by SCRAM to brokers of Kafka 4.0 or later, it takes "
    "2.6.1; use "
    "PLAIN over TLS";
constexpr const char* kOurs[] = {
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "partition.assignment.strategy",
    "enable.auto.commit",
    "auto.commit.enable",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "enable.partition.eof",
    "check.crcs",
    "acks",
    "request.required.acks",
    "enable.idempotence",
    "enable.gapless.guarantee",
    "transactional.id",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "retries",
    "message.send.max.retries",
    "log.queue",
};

constexpr size_t kErrorText = 512;
constexpr size_t kMaxTopicName = 249;  // Source: Kafka, Topic.java

bool IsTopicName(const std::string& topic) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  };
  return !topic.empty() && topic.size() <= kMaxTopicName && std::all_of(topic.begin(), topic.end(), allowed);
}

Status Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char why[kErrorText] = "";
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) == RD_KAFKA_CONF_OK)
    return Status::Ok();
  return Status::Invalid(why);
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ",") + text;
  return all;
}

}  // namespace

std::string KafkaPropertyProblem(const std::string& name, const std::string& value) {
  if (std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs))
    return "`" + name + "` is not yours to set, remove it";
  const RdConf conf(rd_kafka_conf_new());
  return Set(conf.get(), name, value).message();
}

std::string KafkaSettingsProblem(const KafkaSettings& settings) {
  // Without brokers: a client begins to connect as soon as it is there.
  Result<RdConf> conf = ConfOf({{}, settings.group, settings.properties});
  if (!conf.ok()) return conf.status().message();
  return ClientOf(RD_KAFKA_CONSUMER, std::move(*conf)).status().message();
}

bool IsKafkaSecret(std::string_view name) {
  for (const std::string_view part : {"password", "secret", "jaas", ".pem", "token", "oauthbearer.config"}) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  return false;
}

Result<RdConf> ConfOf(const KafkaSettings& settings) {
  RdConf conf(rd_kafka_conf_new());
  // Standard error is not the library's.
  rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  if (!settings.brokers.empty())
    RT_RETURN_IF_ERROR(Set(conf.get(), "bootstrap.servers", Joined(settings.brokers)));
  if (!settings.group.empty()) RT_RETURN_IF_ERROR(Set(conf.get(), "group.id", settings.group));
  RT_RETURN_IF_ERROR(Set(conf.get(), "client.id", "redthread"));
  // Brokers close idle connections; that is no news.
  RT_RETURN_IF_ERROR(Set(conf.get(), "log.connection.close", "false"));
  for (const auto& [name, value] : settings.properties) RT_RETURN_IF_ERROR(Set(conf.get(), name, value));
  return conf;
}

Result<RdKafka> ClientOf(rd_kafka_type_t type, RdConf conf) {
  char why[kErrorText] = "";
  rd_kafka_t* const client = rd_kafka_new(type, conf.get(), why, sizeof why);
  if (client == nullptr) return Status::Invalid(why);
  (void)conf.release();  // it is the client's now
  return RdKafka(client);
}

bool HasScramOfKafka4() { return rd_kafka_version() >= 0x020601FF; }

bool IsForeignProperty(const std::string& log_line) {
  return log_line.find("CONFWARN") != std::string::npos &&
         log_line.find(" property and will be ignored by this ") != std::string::npos;
}

Status RdStatus(const std::string& what, rd_kafka_resp_err_t error, const std::string& detail) {
  const std::string why = what + ": " + (detail.empty() ? std::string(rd_kafka_err2str(error)) : detail) +
                          " (" + rd_kafka_err2name(error) + ")";
  switch (error) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return Status::Denied(
          why + "; check `sasl.username` and `sasl.password` in `settings`" +
          (why.find("SCRAM") == std::string::npos || HasScramOfKafka4() ? "" : kNoScramOfKafka4));
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Status::Denied(why + "; grant the user that right (kafka-acls), see docs/kafka.md");
    case RD_KAFKA_RESP_ERR__SSL:
      return Status::Denied(why + "; check `ssl.ca.location` and the broker's certificate");
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return Status::NotFound(why);
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
      return Status::Invalid(why);
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
      return Status::Unavailable(
          why + "; check `brokers`, that they run, and that `settings` speak their protocol");
    default:
      return Status::Unavailable(why);
  }
}

Status RdStatus(const std::string& what, const RdError& error) {
  if (error == nullptr) return Status::Ok();
  return RdStatus(what, rd_kafka_error_code(error.get()), rd_kafka_error_string(error.get()));
}

Result<TopicFilter> TopicFilter::Of(const std::vector<std::string>& topics) {
  TopicFilter filter;
  for (const std::string& topic : topics) {
    if (topic.empty() || topic.front() != '^') {
      if (!IsTopicName(topic))
        return Status::Invalid(
            "`" + topic +
            "` is no topic: letters, digits, `.`, `_` and `-`, at most 249; a pattern begins with `^`");
      filter.names_.push_back(topic);
      continue;
    }
    try {
      filter.patterns_.emplace_back(topic, std::regex::extended);
    } catch (const std::regex_error& e) {
      return Status::Invalid("`" + topic + "` is no regular expression: " + e.what());
    }
  }
  return filter;
}

bool TopicFilter::Matches(const std::string& topic) const {
  if (std::find(names_.begin(), names_.end(), topic) != names_.end()) return true;
  if (topic.compare(0, 2, "__") == 0) return false;
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&topic](const std::regex& pattern) { return std::regex_search(topic, pattern); });
}

}  // namespace redthread
