#include "app/alert_view.h"

#include <chrono>
#include <optional>
#include <utility>

#include "app/exit_code.h"
#include "app/topic_alerts.h"
#include "ingest/topic_dump.h"
#include "storage/event_store.h"

namespace redthread {
namespace {

class DatabaseAlerts final : public AlertView {
 public:
  explicit DatabaseAlerts(std::unique_ptr<Database> database)
      : database_(std::move(database)), reader_(database_->Snapshot()) {}

  Status ForEach(const AlertQuery& query, const std::function<bool(const Alert&)>& visit,
                 Damage* damage) const override {
    return ForEachAlert(*reader_, query, visit, damage);
  }
  Result<Alert> Find(std::string_view prefix) const override { return FindAlert(*reader_, prefix); }
  EvidenceLines Lines(const Alert& alert, Messages* messages) const override {
    EventStore events;
    EvidenceLines lines;
    for (const Evidence& e : alert.evidence) {
      std::string text;
      StoredEvent stored;
      const Status status = events.Read(*reader_, e.position, &text, &stored);
      if (!status.ok() && status.code() != StatusCode::kNotFound) {
        messages->Warning(e.source + ", record " + std::to_string(e.position.index) + ": " +
                          status.message());
      }
      lines.push_back(status.ok() ? std::optional<std::string>(std::move(text)) : std::nullopt);
    }
    return lines;
  }

 private:
  std::unique_ptr<Database> database_;
  std::unique_ptr<StateReader> reader_;
};

Result<std::unique_ptr<AlertView>> ReadAlertsTopic(const PipelineConfig& pipeline) {
  auto alerts = std::make_unique<TopicAlerts>();
  const auto add = [&](const TopicRecord& record) {
    const std::string place = pipeline.alerts + "/" + std::to_string(record.partition) + ", record " +
                              std::to_string(record.offset);
    if (record.value.has_value()) alerts->Add(*record.value, place);
    return Status::Ok();
  };
  const Result<TopicOffsets> read =
      ReadTopic(pipeline.settings, pipeline.alerts, add, std::chrono::seconds(30));
  if (!read.ok()) return read.status();
  alerts->Finish();
  return std::unique_ptr<AlertView>(std::move(alerts));
}

}  // namespace

std::string DatabasePath(const std::string& data_dir) { return data_dir + "/state"; }

std::unique_ptr<AlertView> OpenAlerts(const Config& config, CommandContext* context, int* exit_code) {
  if (config.pipeline.has_value()) {
    Result<std::unique_ptr<AlertView>> alerts = ReadAlertsTopic(*config.pipeline);
    if (alerts.ok()) return std::move(*alerts);
    *exit_code = alerts.status().code() == StatusCode::kNotFound ? kExitInput : ExitCodeOf(alerts.status());
    context->messages->Error("`kafka`: " + alerts.status().message());
    return nullptr;
  }
  std::unique_ptr<Database> database = OpenDatabaseToRead(config, context, exit_code);
  return database == nullptr ? nullptr : std::make_unique<DatabaseAlerts>(std::move(database));
}

std::unique_ptr<Database> OpenDatabaseToRead(const Config& config, CommandContext* context, int* exit_code) {
  Database::Options options;
  options.path = DatabasePath(config.data_dir);
  options.create = false;
  options.read_only = true;
  Result<std::unique_ptr<Database>> database = Database::Open(options);
  if (database.ok()) return std::move(*database);
  *exit_code = ExitCodeOf(database.status());
  if (database.status().code() != StatusCode::kNotFound) {
    context->messages->Error(database.status().message());
  } else {
    *exit_code = kExitInput;
    context->messages->Error(
        "there is nothing in " + config.data_dir +
        " yet: `redthread run` keeps what it finds there; name another folder with --data-dir");
  }
  return nullptr;
}

}  // namespace redthread
