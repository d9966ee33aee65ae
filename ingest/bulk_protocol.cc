#include "ingest/bulk_protocol.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "ingest/json_scan.h"

namespace redthread {

namespace {

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

HttpAnswer Answer(int status, std::string body) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  // Clients of 7.14 and later talk to nobody who lacks it.
  answer.headers.emplace_back("X-Elastic-Product", "Elasticsearch");
  return answer;
}

// ---- the start

bool IsVersion(std::string_view text) {
  return !text.empty() && text.size() <= 16 &&
         text.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::count(text.begin(), text.end(), '.') == 2 && text.front() != '.' && text.back() != '.';
}

// Beats refuse an Elasticsearch that is older than they are, so each is told its own version:
// "Elastic-filebeat/8.11.1 (linux; ...)", "Filebeat/7.10.0 (...)".
std::string VersionFor(std::string_view agent) {
  const size_t beat = agent.find("beat/");
  if (beat != std::string_view::npos) {
    std::string_view version = agent.substr(beat + 5);
    version = version.substr(0, std::min(version.find_first_not_of("0123456789."), version.size()));
    if (IsVersion(version)) return std::string(version);
  }
  return "8.17.0";
}

std::string Information(const HttpRequest& request) {
  return R"({"name":"redthread","cluster_name":"redthread","cluster_uuid":"redthread-redthread-ru",)"
         R"("version":{"number":")" +
         VersionFor(request.Header("user-agent")) +
         R"(","build_flavor":"default","build_type":"tar","build_hash":"unknown",)"
         R"("build_date":"2024-12-11T12:08:05.663969764Z","build_snapshot":false,"lucene_version":"9.12.0",)"
         R"("minimum_wire_compatibility_version":"7.17.0","minimum_index_compatibility_version":"7.0.0"},)"
         R"("tagline":"You Know, for Search"})";
}

constexpr char kLicense[] =
    R"("license":{"status":"active","uid":"00000000-0000-4000-8000-000000000000","type":"basic",)"
    R"("mode":"basic","issued_to":"redthread","issuer":"elasticsearch","start_date_in_millis":-1})";
constexpr char kFeatures[] =
    R"("features":{"ilm":{"available":true,"enabled":true},"security":{"available":true,"enabled":true}})";
constexpr char kHealth[] =
    R"({"cluster_name":"redthread","status":"green","timed_out":false,"number_of_nodes":1,)"
    R"("number_of_data_nodes":1,"active_shards":1,"active_shards_percent_as_number":100.0})";

// What is asked for there is there.
constexpr std::string_view kExists[] = {"_index_template",
                                        "_component_template",
                                        "_template",
                                        "_ilm",
                                        "_data_stream",
                                        "_ingest",
                                        "_cat",
                                        "_cluster",
                                        "_nodes",
                                        "_security",
                                        "_lifecycle"};

// "/_cat/templates/NAME": the list is the name itself, where it is plain.
std::string ListOf(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
  return is_plain ? std::string(name) + "\n" : "";
}

HttpAnswer AskedFor(const HttpRequest& request, std::string_view first) {
  const std::string_view path = request.path;
  if (path == "/") return Answer(200, Information(request));
  if (first == "_license") return Answer(200, "{" + std::string(kLicense) + "}");
  if (first == "_xpack") return Answer(200, "{" + std::string(kLicense) + "," + kFeatures + "}");
  if (path == "/_cluster/health") return Answer(200, kHealth);
  if (path == "/_nodes" || path.substr(0, 8) == "/_nodes/")
    return Answer(200, R"({"cluster_name":"redthread","nodes":{}})");
  if (path.substr(0, 6) == "/_cat/") {
    HttpAnswer list = Answer(200, ListOf(path));
    list.content_type = "text/plain; charset=UTF-8";
    return list;
  }
  if (first == "_data_stream") return Answer(200, R"({"data_streams":[]})");
  if (std::find(std::begin(kExists), std::end(kExists), first) != std::end(kExists)) return Answer(200, "{}");
  // An alias would have to be one: the client is to make it anew.
  return BulkProtocol::Error(404, "index_not_found_exception", "there is nothing to be read here");
}

// ---- _bulk

enum class Action { kIndex, kCreate, kUpdate, kDelete };
constexpr const char* kActionNames[] = {"index", "create", "update", "delete"};

struct Item {
  Action action = Action::kIndex;
  std::string_view source;
};

std::string_view NextLine(std::string_view* body) {
  const size_t end = std::min(body->find('\n'), body->size());
  std::string_view line = body->substr(0, end);
  body->remove_prefix(std::min(end + 1, body->size()));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// {"create":{"_index":"..."}}: one member, whose name is the action.
std::optional<Action> ActionOf(std::string_view line) {
  std::optional<Action> action;
  size_t members = 0;
  if (!IsJson(line)) return std::nullopt;
  ForEachMember(line, [&](std::string_view name, std::string_view value) {
    ++members;
    for (size_t i = 0; i < std::size(kActionNames); ++i) {
      if (name == kActionNames[i] && value.front() == '{') action = static_cast<Action>(i);
    }
  });
  return members == 1 ? action : std::nullopt;
}

// The number of the first line that is no action, from 1; 0 when all are.
size_t ReadItems(std::string_view body, std::vector<Item>* items) {
  size_t number = 0;
  while (!body.empty()) {
    ++number;
    const std::string_view line = NextLine(&body);
    if (line.empty()) continue;
    const std::optional<Action> action = ActionOf(line);
    if (!action.has_value()) return number;
    Item& item = items->emplace_back();
    item.action = *action;
    if (*action == Action::kDelete) continue;
    ++number;
    if (body.empty()) return number;
    item.source = NextLine(&body);
  }
  return 0;
}

}  // namespace

HttpAnswer BulkProtocol::Error(int status, const std::string& type, const std::string& reason) {
  return Answer(status, R"({"error":{"root_cause":[{"type":")" + type + R"(","reason":")" + reason +
                            R"("}],"type":")" + type + R"(","reason":")" + reason + R"("},"status":)" +
                            std::to_string(status) + "}");
}

bool BulkProtocol::BringsRecords(const HttpRequest& request) {
  return EndsWith(request.path, "/_bulk") && (request.method == "POST" || request.method == "PUT");
}

HttpAnswer BulkProtocol::Serve(const HttpRequest& request, RequestRecords* records) {
  return BringsRecords(request) ? ServeBulk(request, records) : ServeStart(request);
}

HttpAnswer BulkProtocol::ServeStart(const HttpRequest& request) {
  const std::string_view path = request.path;
  const std::string_view first = path.substr(1, path.find('/', 1) - 1);
  const bool is_index = !first.empty() && first.front() != '_' && path.size() == first.size() + 1;
  if (request.method == "GET" || request.method == "HEAD") {
    if (request.method == "HEAD" && is_index) return Answer(200, "");
    return AskedFor(request, first);
  }
  const bool is_setting = std::find(std::begin(kExists), std::end(kExists), first) != std::end(kExists);
  if (is_index && request.method == "PUT")
    return Answer(200, R"({"acknowledged":true,"shards_acknowledged":true})");
  if (is_setting && (request.method == "PUT" || request.method == "POST"))
    return Answer(200, R"({"acknowledged":true})");
  return Error(404, "invalid_request", "only _bulk takes documents here");
}

HttpAnswer BulkProtocol::ServeBulk(const HttpRequest& request, RequestRecords* records) {
  std::vector<Item> items;
  if (const size_t line = ReadItems(request.body, &items); line > 0) {
    return Error(400, "illegal_argument_exception",
                 "Malformed action/metadata line [" + std::to_string(line) +
                     "], expected an action such as create and a document on the line behind it");
  }
  if (items.empty()) return Error(400, "parse_exception", "request body is required");
  std::string body;
  bool errors = false;
  for (const Item& item : items) {
    body.append(body.empty() ? "{\"" : ",{\"").append(kActionNames[static_cast<size_t>(item.action)]);
    if (item.action == Action::kIndex || item.action == Action::kCreate) {
      records->Add(item.source);
      body += R"(":{"_version":1,"result":"created","status":201}})";
    } else {
      errors = true;
      body += R"(":{"status":400,"error":{"type":"illegal_argument_exception",)"
              R"("reason":"what has happened is neither changed nor deleted, use create or index"}}})";
    }
  }
  return Answer(
      200, R"({"took":0,"errors":)" + std::string(errors ? "true" : "false") + R"(,"items":[)" + body + "]}");
}

}  // namespace redthread
