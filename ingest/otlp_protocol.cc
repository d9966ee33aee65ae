#include "ingest/otlp_protocol.h"

#include <charconv>
#include <optional>
#include <vector>

#include "core/text.h"
#include "ingest/json_scan.h"
#include "ingest/otlp_protobuf.h"

namespace redthread {

namespace {

// Values nested deeper than this are kept as they came.
constexpr int kMaxValueDepth = 16;

using Members = std::vector<RequestRecords::Member>;

// The numbers of gRPC's codes.
int CodeOf(int status) {
  switch (status) {
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
    case 405:
      return 12;
    case 413:
    case 429:
      return 8;
    case 503:
      return 14;
    default:
      return 3;
  }
}

// A 64-bit number, which JSON holds as a text, and some as a number.
std::optional<int64_t> IntegerOf(std::string_view value) {
  const std::string text = JsonText(value).value_or(std::string(value));
  int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Timestamp> TimeOf(std::string_view value) {
  const std::optional<int64_t> ns = IntegerOf(value);
  if (!ns.has_value() || *ns <= 0) return std::nullopt;
  return Timestamp{*ns};
}

void AppendValue(std::string_view any_value, int depth, std::string* out);

// {"values":[...]} as an array.
void AppendArray(std::string_view list, int depth, std::string* out) {
  *out += '[';
  ForEachMember(list, [&](std::string_view name, std::string_view values) {
    if (name != "values") return;
    ForEachElement(values, [&](std::string_view value) {
      if (out->back() != '[') *out += ',';
      AppendValue(value, depth, out);
    });
  });
  *out += ']';
}

// One {"key":..,"value":..}: take(key, value), the key as it stands between its quotes.
template <typename Take>
void ReadPair(std::string_view pair, Take take) {
  std::string_view key, value = "{}";
  ForEachMember(pair, [&](std::string_view name, std::string_view part) {
    if (name == "key") key = part;
    if (name == "value") value = part;
  });
  if (key.size() >= 2 && key.front() == '"') take(key.substr(1, key.size() - 2), value);
}

// {"values":[{"key":..,"value":..},...]} as an object.
void AppendObject(std::string_view list, int depth, std::string* out) {
  *out += '{';
  bool first = true;
  ForEachMember(list, [&](std::string_view name, std::string_view values) {
    if (name != "values") return;
    ForEachElement(values, [&](std::string_view pair) {
      ReadPair(pair, [&](std::string_view key, std::string_view value) {
        out->append(first ? "\"" : ",\"").append(key).append("\":");
        AppendValue(value, depth, out);
        first = false;
      });
    });
  });
  *out += '}';
}

// An AnyValue as plain JSON: {"intValue":"5"} is 5.
void AppendValue(std::string_view any_value, int depth, std::string* out) {
  const size_t before = out->size();
  const bool is_object = ForEachMember(any_value, [&](std::string_view kind, std::string_view value) {
    if (out->size() > before) return;
    if (kind == "arrayValue" && depth < kMaxValueDepth) return AppendArray(value, depth + 1, out);
    if (kind == "kvlistValue" && depth < kMaxValueDepth) return AppendObject(value, depth + 1, out);
    const std::optional<int64_t> integer = kind == "intValue" ? IntegerOf(value) : std::nullopt;
    out->append(integer.has_value() ? std::to_string(*integer) : std::string(value));
  });
  if (out->size() == before) out->append(is_object ? "null" : any_value);
}

std::string ValueOf(std::string_view any_value) {
  std::string json;
  AppendValue(any_value, 0, &json);
  return json;
}

// [{"key":..,"value":..},...]
void ReadAttributes(std::string_view list, Members* members) {
  ForEachElement(list, [members](std::string_view pair) {
    ReadPair(pair, [members](std::string_view key, std::string_view value) {
      members->emplace_back(key, ValueOf(value));
    });
  });
}

// What the records of a scope share.
struct Surroundings {
  std::string host;
  Members members;  // of the scope, then of the resource
};

// Of {"attributes":[..]}: a resource. Of a scope also its name.
void ReadResource(std::string_view resource, Surroundings* shared) {
  ForEachMember(resource, [shared](std::string_view name, std::string_view value) {
    if (name == "attributes") ReadAttributes(value, &shared->members);
    if (name == "name" && value.size() > 2) shared->members.emplace_back("otel.scope.name", value);
  });
  for (const auto& [name, value] : shared->members) {
    if (name == "host.name") shared->host = JsonText(value).value_or("");
  }
}

// Adds one record. False when it is none.
bool AddRecord(std::string_view record, const Surroundings& shared, RequestRecords* records) {
  if (records->overflowed()) return true;  // the request is refused as a whole
  std::string body = "null";
  std::optional<Timestamp> time, observed;
  Members members;
  const bool is_object = ForEachMember(record, [&](std::string_view name, std::string_view value) {
    if (name == "body") body = ValueOf(value);
    if (name == "timeUnixNano") time = TimeOf(value);
    if (name == "observedTimeUnixNano") observed = TimeOf(value);
    if (name == "attributes") ReadAttributes(value, &members);
    const bool is_text = value.size() > 2 && value.front() == '"';
    if (name == "severityText" && is_text) members.emplace_back("severity_text", value);
    if (name == "severityNumber" && value != "0") members.emplace_back("severity_number", value);
    if (name == "traceId" && is_text) members.emplace_back("trace_id", value);
    if (name == "spanId" && is_text) members.emplace_back("span_id", value);
    if (name == "eventName" && is_text) members.emplace_back("event_name", value);
  });
  if (!is_object) return false;
  members.insert(members.end(), shared.members.begin(), shared.members.end());
  records->AddEnveloped(body, members, shared.host, time.has_value() ? time : observed);
  return true;
}

// Adds the records of one element of scopeLogs. Returns how many are none.
size_t AddScope(std::string_view scope_logs, const Surroundings& resource, RequestRecords* records) {
  std::string_view scope, list;
  ForEachMember(scope_logs, [&](std::string_view name, std::string_view value) {
    if (name == "scope") scope = value;
    if (name == "logRecords") list = value;
  });
  Surroundings shared;
  ReadResource(scope, &shared);
  shared.host = resource.host;
  shared.members.insert(shared.members.end(), resource.members.begin(), resource.members.end());
  size_t rejected = 0;
  ForEachElement(list,
                 [&](std::string_view record) { rejected += AddRecord(record, shared, records) ? 0 : 1; });
  return rejected;
}

size_t AddResource(std::string_view resource_logs, RequestRecords* records) {
  std::string_view resource, scopes;
  ForEachMember(resource_logs, [&](std::string_view name, std::string_view value) {
    if (name == "resource") resource = value;
    if (name == "scopeLogs") scopes = value;
  });
  Surroundings shared;
  ReadResource(resource, &shared);
  size_t rejected = 0;
  ForEachElement(scopes, [&](std::string_view scope) { rejected += AddScope(scope, shared, records); });
  return rejected;
}

// Adds all records of a request in JSON. Returns how many are none; nothing when `body` is no such request.
std::optional<size_t> AddRequest(std::string_view body, RequestRecords* records) {
  JsonScan scan(body);
  const std::optional<std::string_view> root = scan.Next();
  if (!root.has_value() || root->front() != '{' || scan.Next().has_value() || scan.failed())
    return std::nullopt;
  size_t rejected = 0;
  ForEachMember(*root, [&](std::string_view name, std::string_view value) {
    if (name != "resourceLogs") return;
    ForEachElement(value, [&](std::string_view resource) { rejected += AddResource(resource, records); });
  });
  return rejected;
}

constexpr const char* kProtobuf = "application/x-protobuf";

std::string_view TypeOf(const HttpRequest& request) {
  const std::string_view type = request.Header("content-type");
  return type.substr(0, type.find(';'));
}

}  // namespace

HttpAnswer OtlpProtocol::Error(const HttpRequest& request, int status, const std::string& message) {
  HttpAnswer answer;
  answer.status = status;
  if (TypeOf(request) == kProtobuf) {
    answer.content_type = kProtobuf;
    answer.body = ProtobufStatus(CodeOf(status), message);
  } else {
    answer.body = "{\"code\":" + std::to_string(CodeOf(status)) + ",\"message\":\"" + message + "\"}";
  }
  return answer;
}

bool OtlpProtocol::Owns(std::string_view path) {
  return path == "/v1/logs" || path == "/v1/traces" || path == "/v1/metrics";
}

HttpAnswer OtlpProtocol::Judge(const HttpRequest& request) {
  if (request.path != "/v1/logs")
    return Error(request, 404, "only logs are taken here, no traces and no metrics");
  if (request.method != "POST") return Error(request, 405, "logs are sent with POST");
  const std::string_view type = TypeOf(request);
  if (type == kProtobuf || type == "application/json") return {};
  return Error(request, 415, "logs come as application/x-protobuf or application/json");
}

HttpAnswer OtlpProtocol::Serve(const HttpRequest& request, RequestRecords* records) {
  HttpAnswer answer;
  if (TypeOf(request) != kProtobuf) {
    const std::optional<size_t> rejected = AddRequest(request.body, records);
    if (!rejected.has_value()) return Error(request, 400, "the body is no JSON object");
    // Left out when all were taken. Source: OTLP 1.5, "Partial Success".
    answer.body = *rejected == 0
                      ? "{}"
                      : "{\"partialSuccess\":{\"rejectedLogRecords\":\"" + std::to_string(*rejected) +
                            "\",\"errorMessage\":\"not every element of logRecords is an object\"}}";
    return answer;
  }
  const Result<std::string> json = OtlpJsonOf(request.body);
  if (!json.ok()) return Error(request, 400, json.status().message());
  AddRequest(*json, records);
  answer.content_type = kProtobuf;  // of an ExportLogsServiceResponse that says nothing: all were taken
  return answer;
}

}  // namespace redthread
