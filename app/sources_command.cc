#include "app/sources_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "app/alert_text.h"
#include "app/alert_view.h"
#include "app/config_command.h"
#include "app/exit_code.h"
#include "app/numbers.h"
#include "app/replay_command.h"
#include "core/text.h"
#include "ingest/file_identity.h"
#include "ingest/journal_file.h"
#include "storage/database.h"
#include "storage/dead_letter_store.h"
#include "storage/event_store.h"
#include "storage/source_census.h"
#include "storage/source_fields.h"
#include "storage/source_registry.h"

namespace redthread {
namespace {

// What is known of a source.
struct SourceView {
  SourceState state;
  SourceCensus census;
  SourceFields fields;
  std::optional<StoredDeadLetter> dead;  // the first one that is kept
};

// The database of one process, to be looked at.
struct Stored {
  std::unique_ptr<Database> database;
  std::unique_ptr<StateReader> reader;
  Damage damage;
};

std::optional<Stored> OpenStored(CommandContext* context, int* exit_code) {
  const LoadedConfig loaded = LoadConfigFor(context);
  *exit_code = kExitConfig;
  if (!loaded.problems.empty()) return std::nullopt;
  if (loaded.config.pipeline.has_value()) {
    context->messages->Error(
        "workers that share the work keep no list of sources: `redthread kafka status` shows what they read");
    *exit_code = kExitUsage;
    return std::nullopt;
  }
  Stored stored;
  stored.database = OpenDatabaseToRead(loaded.config, context, exit_code);
  if (stored.database == nullptr) return std::nullopt;
  stored.reader = stored.database->Snapshot();
  *exit_code = kExitDone;
  return stored;
}

// The newest first.
Result<std::vector<SourceState>> SourcesOf(Stored* stored) {
  std::vector<SourceState> sources;
  const auto add = [&](const SourceState& state) {
    const auto file = FileIdentity::Decode(state.identity);
    // Of former content no copy has turned up.
    if (!file.has_value() || !file->is_former_content()) sources.push_back(state);
    return true;
  };
  RT_RETURN_IF_ERROR(ForEachSource(*stored->reader, add, &stored->damage));
  std::stable_sort(sources.begin(), sources.end(), [](const SourceState& a, const SourceState& b) {
    return a.last_heard.value_or(Timestamp::Min()) > b.last_heard.value_or(Timestamp::Min());
  });
  return sources;
}

Result<SourceView> ViewOf(const SourceState& state, Stored* stored) {
  SourceView view;
  view.state = state;
  Result<SourceCensus> census = GetCensus(*stored->reader, state.id);
  if (census.ok()) {
    view.census = *census;
  } else {
    stored->damage.Note(census.status());
  }
  Result<SourceFields> fields = GetSourceFields(*stored->reader, state.id);
  if (fields.ok()) {
    view.fields = std::move(*fields);
  } else {
    stored->damage.Note(fields.status());
  }
  if (state.dead_letters == 0) return view;
  const auto first = [&](const StoredDeadLetter& letter) {
    view.dead = letter;
    return false;
  };
  RT_RETURN_IF_ERROR(ForEachDeadLetter(*stored->reader, state.id, first, &stored->damage));
  return view;
}

const char* StateOf(const SourceView& view, Timestamp now) {
  if (!view.state.last_heard.has_value()) return "not heard";
  const bool is_journal = JournalIdentity::Decode(view.state.identity).has_value();
  if (is_journal && view.state.idle) return "archived";
  const bool is_file = FileIdentity::Decode(view.state.identity).has_value();
  if (is_file && access(view.state.path.c_str(), F_OK) != 0) return "gone";
  return view.census.IsSilent(now) ? "silent" : "heard";
}

// With how many records, the most frequent first.
std::vector<std::pair<std::string, uint64_t>> FormatsOf(const SourceCensus& census) {
  std::vector<std::pair<std::string, uint64_t>> formats;
  for (size_t n = 0; n < kSourceFormats; ++n) {
    if (census.formats[n] == 0) continue;
    const auto format = static_cast<SourceFormat>(n);
    formats.emplace_back(format == SourceFormat::kAuto ? "none" : NameOf(format), census.formats[n]);
  }
  std::stable_sort(formats.begin(), formats.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return formats;
}

std::string FormatsText(const SourceCensus& census) {
  std::string text;
  for (const auto& [name, count] : FormatsOf(census)) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "-" : text;
}

// "+2h", "-5m 30s"
std::string SkewText(Nanoseconds skew) {
  const bool behind = skew.count() < 0;
  return (behind ? "-" : "+") + DurationWords(behind ? -skew : skew);
}

void AppendFields(const SourceFields& fields, std::string* json) {
  *json += R"(,"fields":[)";
  for (const std::string& name : fields.names) {
    if (json->back() != '[') *json += ',';
    AppendJsonString(name, json);
  }
  *json += std::string(R"(],"more_fields":)") + (fields.more ? "true" : "false");
}

void AddSource(const SourceView& view, Timestamp now, ResultWriter* writer) {
  const SourceState& state = view.state;
  const std::optional<Nanoseconds> skew = view.census.SteadySkew();
  const char* heard = StateOf(view, now);
  if (writer->wants_rows()) {
    writer->AddRow({{state.path},
                    {heard, std::string_view(heard) == "silent" ? Style::kBold : Style::kPlain},
                    {FormatsText(view.census)},
                    {state.last_heard.has_value() ? ShortTime(*state.last_heard) : "-"},
                    {WithThousands(view.census.LastDay(now))},
                    {WithThousands(view.census.records)},
                    {std::to_string(view.fields.names.size()) + (view.fields.more ? "+" : "")},
                    {skew.has_value() ? SkewText(*skew) : "-"},
                    {WithThousands(state.dead_letters)}});
    return;
  }
  std::string json = R"({"kind":"source","source":)";
  AppendJsonString(state.path, &json);
  json += std::string(R"(,"state":")") + heard + R"(","formats":{)";
  bool first = true;
  for (const auto& [name, count] : FormatsOf(view.census)) {
    json += std::string(first ? "" : ",") + "\"" + name + "\":" + std::to_string(count);
    first = false;
  }
  json += "}";
  const auto add_time = [&json](const char* key, const std::optional<Timestamp>& time) {
    if (time.has_value()) json += std::string(",\"") + key + "\":\"" + FormatTimestamp(*time) + "\"";
  };
  add_time("first_heard", view.census.first_heard);
  add_time("last_heard", state.last_heard);
  add_time("newest_event", state.greatest_time);
  add_time("watermark", state.watermark);
  json += R"(,"records":)" + std::to_string(view.census.records) + R"(,"bytes":)" +
          std::to_string(view.census.bytes) + R"(,"last_day":)" + std::to_string(view.census.LastDay(now));
  const auto seconds = [](Nanoseconds d) { return std::to_string(d / std::chrono::seconds(1)); };
  if (skew.has_value()) json += R"(,"clock_off_seconds":)" + seconds(*skew);
  if (const auto zone = view.census.ZoneSkew()) json += R"(,"zone_off_seconds":)" + seconds(*zone);
  AppendFields(view.fields, &json);
  json += R"(,"dead_letters":)" + std::to_string(state.dead_letters);
  if (view.dead.has_value()) {
    json += R"(,"first_dead_letter":{"reason":)";
    AppendJsonString(view.dead->reason, &json);
    json += R"(,"raw":)";
    AppendJsonString(view.dead->raw_prefix, &json);
    json += "}";
  }
  writer->AddRecord(json + "}");
}

// What is to be done about a source, if anything.
void TellAdvice(const SourceView& view, Timestamp now, Messages* messages) {
  const std::string name = Visible(view.state.path);
  if (std::string_view(StateOf(view, now)) == "silent")
    messages->Warning(name + ": silent since " + FormatTimestamp(*view.state.last_heard));
  if (const auto zone = view.census.ZoneSkew()) {
    messages->Warning(name + ": its times are " + SkewText(*zone) +
                      " from when its records come: it writes local time without a zone; name the zone with "
                      "`time_zone` of that source");
  } else if (const auto skew = view.census.SteadySkew()) {
    messages->Warning(name + ": its clock is " + SkewText(*skew) + " off; set it right, best by NTP");
  }
  if (view.dead.has_value())
    messages->Warning(name + ": " + Counted(view.state.dead_letters, "record") +
                      " could not be read, the first: " + view.dead->reason + ": " +
                      Visible(view.dead->raw_prefix.substr(0, 100)) +
                      "; `redthread sources dead-letters` shows more");
}

void AddDeadLetter(const SourceState& source, const StoredDeadLetter& letter, ResultWriter* writer) {
  if (writer->wants_rows()) {
    writer->AddRow({{ShortTime(letter.arrival)},
                    {source.path},
                    {WithThousands(letter.position.index)},
                    {WithThousands(letter.offset)},
                    {letter.reason},
                    {letter.raw_prefix}});
    return;
  }
  std::string json = R"({"kind":"dead_letter","source":)";
  AppendJsonString(source.path, &json);
  json += R"(,"epoch":)" + std::to_string(letter.position.epoch) + R"(,"record":)" +
          std::to_string(letter.position.index) + R"(,"arrival":")" + FormatTimestamp(letter.arrival) +
          R"(","reason":)";
  AppendJsonString(letter.reason, &json);
  json += R"(,"byte":)" + std::to_string(letter.offset) + R"(,"size":)" + std::to_string(letter.raw_size) +
          R"(,"raw":)";
  AppendJsonString(letter.raw_prefix, &json);
  writer->AddRecord(json + "}");
}

// Visits the letters of all sources that are asked for.
Status ForEachLetter(Stored* stored, const DeadLettersOptions& options, uint64_t* left_out,
                     const std::function<Status(const SourceState&, const StoredDeadLetter&)>& visit) {
  const Result<std::vector<SourceState>> sources = SourcesOf(stored);
  if (!sources.ok()) return sources.status();
  for (const SourceState& source : *sources) {
    if (source.path.find(options.source) == std::string::npos) continue;
    uint64_t shown = 0;
    Status status;
    const auto add = [&](const StoredDeadLetter& letter) {
      if (options.limit != 0 && shown == options.limit) {
        ++*left_out;
      } else {
        ++shown;
        status = visit(source, letter);
      }
      return status.ok();
    };
    RT_RETURN_IF_ERROR(ForEachDeadLetter(*stored->reader, source.id, add, &stored->damage));
    RT_RETURN_IF_ERROR(status);
  }
  return Status::Ok();
}

// The record as it came; of one that is not kept any more its beginning. A log's text never goes to a
// terminal.
Status WriteRaw(const Stored& stored, const StoredDeadLetter& letter) {
  EventStore events;
  std::string text;
  StoredEvent event;
  const Status read = events.Read(*stored.reader, letter.position, &text, &event);
  if (!read.ok() && read.code() != StatusCode::kNotFound) return read;
  if (!read.ok()) text = letter.raw_prefix;
  text += '\n';
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    return Status::Io("standard output: " + std::generic_category().message(errno));
  return Status::Ok();
}

}  // namespace

void AddSourcesCommand(CommandTree* tree) {
  CLI::App* sources =
      tree->Add(tree->root(), {"sources",
                               "who sends what, who is silent, and what could not be read",
                               {"redthread sources list             every source, newest first",
                                "redthread sources dead-letters     what could not be read, and why",
                                "redthread sources replay           read it again, now that it can be"}});
  tree->Add(
      sources,
      {"list",
       "each source: last heard, silent or not, formats, how much, how its clock goes, unreadable records",
       {"redthread sources list              also while redthread runs",
        "redthread sources list -o jsonl | jq 'select(.state == \"silent\")'"}},
      RunSourcesList);
  AddReplayCommand(tree, sources);
  auto options = std::make_shared<DeadLettersOptions>();
  CLI::App* letters =
      tree->Add(sources,
                {"dead-letters",
                 "records that could not be read, with the reason and the place",
                 {"redthread sources dead-letters --source auth.log",
                  "redthread sources dead-letters --raw | redthread scan -     what they would lead to",
                  "redthread sources dead-letters --limit 0 -o jsonl > unread.jsonl"}},
                [options](CommandContext* c) { return RunSourcesDeadLetters(*options, c); });
  letters->add_option("--source", options->source, "only of sources whose path holds this")
      ->type_name("TEXT");
  letters->add_flag("--raw", options->raw, "the whole records as they came, a line each, to be read again");
  letters->add_option("--limit", options->limit, "so many of each source; 0 for all [100]")->type_name("N");
}

int RunSourcesList(CommandContext* context) {
  int exit_code = kExitDone;
  std::optional<Stored> stored = OpenStored(context, &exit_code);
  if (!stored.has_value()) return exit_code;
  const Result<std::vector<SourceState>> sources = SourcesOf(&*stored);
  if (!sources.ok()) return Fail(sources.status(), context);
  std::vector<SourceView> views;
  for (const SourceState& source : *sources) {
    Result<SourceView> view = ViewOf(source, &*stored);
    if (!view.ok()) return Fail(view.status(), context);
    views.push_back(std::move(*view));
  }
  ResultWriter writer(context->options.output, context->out, stdout,
                      {{"SOURCE", false, true, true},
                       {"STATE"},
                       {"FORMATS", false, true},
                       {"LAST HEARD"},
                       {"24 H", true},
                       {"RECORDS", true},
                       {"FIELDS", true},
                       {"CLOCK", true},
                       {"UNREAD", true}});
  const Timestamp now = context->clock->Now();
  for (const SourceView& view : views) AddSource(view, now, &writer);
  if (const Status status = writer.Finish(); !status.ok()) return Fail(status, context);
  for (const SourceView& view : views) TellAdvice(view, now, context->messages);
  return TellDamage(stored->damage, "row", context);
}

int RunSourcesDeadLetters(const DeadLettersOptions& options, CommandContext* context) {
  int exit_code = kExitDone;
  std::optional<Stored> stored = OpenStored(context, &exit_code);
  if (!stored.has_value()) return exit_code;
  if (options.raw && context->out.interactive) {
    context->messages->Error(
        "--raw gives records as they came, which may not be shown on a terminal: send them to a "
        "file or a pipe");
    return kExitUsage;
  }
  ResultWriter writer(context->options.output, context->out, stdout,
                      {{"TIME"},
                       {"SOURCE", false, true, true},
                       {"RECORD", true},
                       {"BYTE", true},
                       {"WHY", false, true},
                       {"BEGINNING", false, true}});
  uint64_t left_out = 0;
  const auto show = [&](const SourceState& source, const StoredDeadLetter& letter) {
    if (options.raw) return WriteRaw(*stored, letter);
    AddDeadLetter(source, letter, &writer);
    return Status::Ok();
  };
  if (const Status visited = ForEachLetter(&*stored, options, &left_out, show); !visited.ok())
    return Fail(visited, context);
  if (options.raw) {
    if (std::fflush(stdout) != 0) return Fail(Status::Io("standard output cannot be written"), context);
  } else if (const Status status = writer.Finish(); !status.ok()) {
    return Fail(status, context);
  }
  if (left_out > 0) context->messages->Notice(Counted(left_out, "record") + " left out (use --limit 0)");
  return TellDamage(stored->damage, "row", context);
}

}  // namespace redthread
