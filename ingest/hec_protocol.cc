#include "ingest/hec_protocol.h"

#include <optional>
#include <string>
#include <vector>

#include "core/text.h"
#include "ingest/json_scan.h"

namespace redthread {

namespace {

constexpr std::string_view kRoot = "/services/collector";
// Of the envelope, what is kept with the event.
constexpr std::string_view kMetadata[] = {"host", "source", "sourcetype", "index"};

// "/event", "/raw", "/ack", "/health": what is asked for; "/event" where nothing is said. Versions are one.
std::string_view EndpointOf(std::string_view path) {
  path.remove_prefix(kRoot.size());
  constexpr std::string_view kVersion = "/1.0";
  if (path.size() >= kVersion.size() && path.substr(path.size() - kVersion.size()) == kVersion)
    path.remove_suffix(kVersion.size());
  return path.empty() ? "/event" : path;
}

std::string ChannelOf(const HttpRequest& request) {
  const std::string_view header = request.Header("x-splunk-request-channel");
  return header.empty() ? request.Parameter("channel") : std::string(header);
}

HttpAnswer Answer(int status, int code, const char* text, const std::string& more = "") {
  HttpAnswer answer;
  answer.status = status;
  answer.body = "{\"text\":\"" + std::string(text) + "\",\"code\":" + std::to_string(code) + more + "}";
  return answer;
}

// A time in seconds, as a number or as a text.
std::optional<Timestamp> TimeOf(std::string_view value) {
  if (const std::optional<std::string> text = JsonText(value); text.has_value())
    return text->empty() ? std::nullopt : ParseNumericTimestamp(*text);
  return ParseNumericTimestamp(value);
}

// One object of a request.
struct Envelope {
  std::string_view event;
  std::string_view time;
  std::string host;
  bool fields_invalid = false;
  std::vector<RequestRecords::Member> members;
};

Envelope ReadEnvelope(std::string_view object, const HttpRequest& request) {
  Envelope envelope;
  std::string_view fields;
  ForEachMember(object, [&](std::string_view name, std::string_view value) {
    if (name == "event") envelope.event = value;
    if (name == "time") envelope.time = value;
    if (name == "fields") fields = value;
    if (name == "host") envelope.host = JsonText(value).value_or("");
    for (const std::string_view kept : kMetadata) {
      if (name == kept && value != "null") envelope.members.emplace_back(kept, value);
    }
  });
  // What stands in the query holds for events that say nothing else.
  for (const std::string_view kept : kMetadata) {
    const std::string value = request.Parameter(kept);
    if (value.empty()) continue;
    if (kept == "host" && envelope.host.empty()) envelope.host = value;
    AppendJsonString(value, &envelope.members.emplace_back(kept, "").second);
  }
  if (!fields.empty() && fields != "null") {
    envelope.fields_invalid =
        !ForEachMember(fields, [&envelope](std::string_view name, std::string_view value) {
          envelope.members.emplace_back(name, value);
        });
  }
  return envelope;
}

// What is wrong with an event; nothing when it can be kept.
std::optional<HecProtocol::Code> ProblemOf(const Envelope& envelope) {
  if (envelope.event.empty() || envelope.event == "null") return HecProtocol::kEventRequired;
  if (envelope.event == "\"\"") return HecProtocol::kEventBlank;
  if (envelope.fields_invalid) return HecProtocol::kFieldsInvalid;
  return std::nullopt;
}

// Those before it are kept, as Splunk does.
HttpAnswer InvalidEvent(HecProtocol::Code code, size_t number) {
  HttpAnswer answer = HecProtocol::Error(code);
  answer.body.back() = ',';
  answer.body += "\"invalid-event-number\":" + std::to_string(number) + "}";
  return answer;
}

}  // namespace

HttpAnswer HecProtocol::Error(Code code) {
  switch (code) {
    case kTokenRequired:
      return Answer(401, code, "Token is required");
    case kInvalidAuthorization:
      return Answer(401, code, "Invalid authorization");
    case kInvalidToken:
      return Answer(403, code, "Invalid token");
    case kNoData:
      return Answer(400, code, "No data");
    case kInvalidFormat:
      return Answer(400, code, "Invalid data format");
    case kBusy:
      return Answer(503, code, "Server is busy");
    case kChannelMissing:
      return Answer(400, code, "Data channel is missing");
    case kEventRequired:
      return Answer(400, code, "Event field is required");
    case kEventBlank:
      return Answer(400, code, "Event field cannot be blank");
    case kFieldsInvalid:
      return Answer(400, code, "Error in handling indexed fields");
  }
  return Answer(500, 8, "Internal server error");
}

bool HecProtocol::Owns(std::string_view path) {
  return path.substr(0, kRoot.size()) == kRoot && (path.size() == kRoot.size() || path[kRoot.size()] == '/');
}

bool HecProtocol::IsHealth(std::string_view path) { return EndpointOf(path) == "/health"; }

bool HecProtocol::BringsRecords(const HttpRequest& request) {
  const std::string_view endpoint = EndpointOf(request.path);
  return endpoint == "/event" || endpoint == "/raw";
}

HttpAnswer HecProtocol::Health(bool busy) {
  return busy ? Answer(503, 18, "HEC is unhealthy, queues are full") : Answer(200, 17, "HEC is healthy");
}

HttpAnswer HecProtocol::Serve(const HttpRequest& request, RequestRecords* records) {
  const std::string_view endpoint = EndpointOf(request.path);
  const bool is_known = endpoint == "/event" || endpoint == "/raw" || endpoint == "/ack";
  if (!is_known) return Answer(404, 404, "The requested URL was not found on this server.");
  if (request.method != "POST") return Answer(405, 405, "Method Not Allowed");
  if (endpoint == "/ack") return ServeAck(request);
  return endpoint == "/raw" ? ServeRaw(request, records) : ServeEvents(request, records);
}

HttpAnswer HecProtocol::ServeEvents(const HttpRequest& request, RequestRecords* records) {
  JsonScan scan(request.body);
  size_t number = 0;
  for (std::optional<std::string_view> object; (object = scan.Next()).has_value(); ++number) {
    if (object->front() != '{') return InvalidEvent(kInvalidFormat, number);
    const Envelope envelope = ReadEnvelope(*object, request);
    const std::optional<Code> problem = ProblemOf(envelope);
    if (problem.has_value()) return InvalidEvent(*problem, number);
    records->AddEnveloped(envelope.event, envelope.members, envelope.host, TimeOf(envelope.time));
  }
  if (scan.failed()) return InvalidEvent(kInvalidFormat, number);
  return number == 0 ? Error(kNoData) : Success(request);
}

HttpAnswer HecProtocol::ServeRaw(const HttpRequest& request, RequestRecords* records) {
  if (request.body.find_first_not_of(" \t\r\n") == std::string::npos) return Error(kNoData);
  records->AddLines(request.body, request.Parameter("host"));
  return Success(request);
}

HttpAnswer HecProtocol::ServeAck(const HttpRequest& request) {
  if (ChannelOf(request).empty()) return Error(kChannelMissing);
  std::string_view asked;
  JsonScan scan(request.body);
  const std::optional<std::string_view> object = scan.Next();
  bool is_list = false;
  if (object.has_value()) {
    ForEachMember(*object, [&asked](std::string_view name, std::string_view value) {
      if (name == "acks") asked = value;
    });
  }
  HttpAnswer answer;
  answer.body = "{\"acks\":{";
  bool are_numbers = true;
  is_list = ForEachElement(asked, [&](std::string_view value) {
    are_numbers &= value.size() < 20 && value.find_first_not_of("0123456789") == std::string_view::npos;
    if (!are_numbers) return;
    if (answer.body.back() != '{') answer.body += ',';
    answer.body.append("\"").append(value).append("\":true");
  });
  if (!is_list || !are_numbers) return Error(kInvalidFormat);
  answer.body += "}}";
  return answer;
}

HttpAnswer HecProtocol::Success(const HttpRequest& request) {
  const bool wants_ack = !ChannelOf(request).empty();
  return Answer(200, 0, "Success", wants_ack ? ",\"ackId\":" + std::to_string(next_ack_id_++) : "");
}

}  // namespace redthread
