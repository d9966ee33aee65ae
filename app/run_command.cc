#include "app/run_command.h"

#include <csignal>

#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "app/config.h"
#include "app/config_command.h"
#include "app/configured_engine.h"
#include "app/exit_code.h"
#include "app/input_options.h"
#include "app/numbers.h"
#include "app/pipeline_command.h"
#include "app/rule_options.h"
#include "runtime/embedded.h"
#include "runtime/rule_reload.h"

namespace redthread {
namespace {

std::atomic<bool> stop_requested{false};
std::atomic<bool> reload_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers set them");

void OnStopSignal(int) { stop_requested = true; }
void OnReloadSignal(int) { reload_requested = true; }

void HandleSignals() {
  struct sigaction action{};
  action.sa_handler = OnStopSignal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = OnReloadSignal;
  sigaction(SIGHUP, &action, nullptr);
}

// Asked by the running pipeline between batches.
std::shared_ptr<const Engine> NextEngine(RuleReload* reload, Messages* messages) {
  if (reload_requested.exchange(false)) reload->Request();
  std::optional<RuleReload::Loaded> loaded = reload->Poll();
  if (!loaded.has_value()) return nullptr;
  const std::shared_ptr<const RuleSet> rules = loaded->rules;
  std::shared_ptr<const Engine> engine =
      Told(std::move(*loaded), "the changed rule set is refused, the old one goes on", messages);
  if (engine != nullptr) messages->Count("rules reloaded: " + RuleCounts(*rules));
  return engine;
}

ListenerInput ListenerOf(const SyslogSourceConfig& source) {
  ListenerInput input = InputOf<ListenerInput>(source);
  input.name = source.name;
  input.by_host = source.by_host;
  SyslogListener::Options listener;
  listener.address = source.address;
  listener.udp = source.udp;
  listener.tcp = source.tcp;
  listener.tls = source.tls;
  listener.allowed = source.allowed;
  listener.max_message_bytes = source.max_message_bytes;
  listener.max_connections = source.max_connections;
  input.listener = std::move(listener);
  return input;
}

ListenerInput ListenerOf(const HttpSourceConfig& source) {
  ListenerInput input = InputOf<ListenerInput>(source);
  input.name = source.name;
  HttpListener::Options listener;
  listener.address = source.address;
  listener.service = {source.hec, source.bulk, source.otlp, source.ndjson, source.tokens};
  listener.tls = source.tls;
  listener.allowed = source.allowed;
  listener.format = input.format;
  listener.max_body_bytes = source.max_body_bytes;
  listener.max_unpacked_bytes = source.max_unpacked_bytes;
  listener.max_connections = source.max_connections;
  input.listener = std::move(listener);
  return input;
}

Embedded::Options OptionsOf(CommandContext* context, const Config& config, const RunFlags& flags) {
  Embedded::Options options;
  options.data_dir = config.data_dir;
  options.until_idle = flags.until_idle;
  options.jobs = flags.jobs;
  for (const FileSourceConfig& source : config.file_sources) {
    FileInput input = InputOf<FileInput>(source);
    input.name = source.name;
    input.patterns = source.paths;
    options.inputs.push_back(std::move(input));
  }
  options.idle_after = {
      .udp = config.udp_idle_after, .tcp = config.tcp_idle_after, .http = config.http_idle_after};
  for (const SyslogSourceConfig& source : config.syslog_sources)
    options.listeners.push_back(ListenerOf(source));
  for (const HttpSourceConfig& source : config.http_sources) options.listeners.push_back(ListenerOf(source));
  for (const JournalSourceConfig& source : config.journal_sources) {
    options.journals.push_back({source.name, source.folders, source.log_source, ZoneOf(source.time_zone),
                                NetworksOf(source.trusted_proxies)});
  }
  for (const KafkaSourceConfig& source : config.kafka_sources) options.kafka.push_back(KafkaInputOf(source));
  options.on_problem = [context](const std::string& text) { context->messages->Warning(text); };
  return options;
}

// What correlations did not look at.
void TellLeftOut(const Embedded::Report& report, Messages* messages) {
  if (report.without_group > 0) {
    messages->Count(Counted(report.without_group, "match", "matches") +
                    " took no part in a correlation, for lack of a field of its group");
  }
  if (report.correlation.beyond_horizon > 0) {
    messages->Warning(Counted(report.correlation.beyond_horizon, "match", "matches") +
                      " came later than correlate.late_horizon and took no part in a correlation");
  }
}

// What became of those who sent to listeners, as far as it is not as it should be.
void TellListeners(const Embedded::Report& report, Messages* messages) {
  const SyslogListener::Counts& counts = report.listeners;
  const auto tell = [messages](uint64_t n, const char* one, const char* many, const std::string& what) {
    if (n > 0) messages->Warning(Counted(n, one, many) + " " + what);
  };
  tell(counts.datagrams_lost, "datagram", "datagrams", "lost: they came faster than they could be taken");
  tell(counts.datagrams_not_allowed, "datagram", "datagrams", "refused: not of the allowed senders");
  tell(counts.connections_not_allowed, "connection", "connections", "refused: not of the allowed senders");
  tell(counts.connections_over_limit, "connection", "connections", "refused: more than max_connections");
  tell(counts.connections_lost_frame, "connection", "connections",
       "closed: no length where a message begins");
  tell(counts.connections_out_of_time, "connection", "connections", "closed: a message took over a minute");
  tell(counts.connections_no_session, "connection", "connections",
       "closed: no TLS session came about, often for want of a certificate that we trust");
  const HttpListener::Counts& http = report.http;
  tell(http.connections_not_allowed, "connection", "connections", "refused: not of the allowed senders");
  tell(http.connections_over_limit, "connection", "connections", "refused: more than max_connections");
  tell(http.connections_out_of_time, "connection", "connections", "closed: a request took over a minute");
  tell(http.connections_no_session, "connection", "connections", "closed: no TLS session came about");
  tell(http.requests_unauthorized, "request", "requests", "refused: without a token of the source");
  tell(http.requests_busy, "request", "requests", "put off: they came faster than they could be stored");
  tell(http.requests_invalid, "request", "requests", "refused: not as their protocol or the limits demand");
  tell(
      report.disbelieved, "message", "messages",
      "that happened when they came, as redthread takes it: the time that they say is further from that than "
      "max_skew of their source");
  tell(report.off_time, "message", "messages",
       "whose time is more than 5 minutes from their arrival; they keep their time");
}

// The same of topics.
void TellTopics(const Embedded::Report& report, Messages* messages) {
  const KafkaInputs::Counts& counts = report.kafka;
  if (counts.tombstones > 0)
    messages->Count(Counted(counts.tombstones, "record") + " of topics without a value");
  if (counts.stopped > 0)
    messages->Warning(Counted(counts.stopped, "partition") + " not read any more, see above");
}

// The same of journals.
void TellJournals(const Embedded::Report& report, Messages* messages) {
  const JournalInputs::Counts& counts = report.journals;
  if (counts.removed > 0)
    messages->Warning("up to " + Counted(counts.removed, "entry", "entries") +
                      " of the journal removed before they were read");
  if (counts.unreadable > 0)
    messages->Warning("up to " + Counted(counts.unreadable, "entry", "entries") +
                      " of the journal in damaged files");
}

// One process with a database of its own.
int RunEmbedded(CommandContext* context, const Config& config, const RunFlags& flags) {
  RuleReload reload({.paths = RuleFiles(config),
                     .watch = config.watch_rules,
                     .load = [&config] { return LoadEngine(config); }},
                    context->clock);
  std::shared_ptr<const Engine> engine =
      Told(LoadEngine(config), "the rule set is not started with", context->messages);
  if (engine == nullptr) return kExitUsage;

  const size_t rules = engine->rules().loaded();
  Embedded::Options options = OptionsOf(context, config, flags);
  options.next_engine = [&reload, context] { return NextEngine(&reload, context->messages); };
  Result<std::unique_ptr<Embedded>> embedded =
      Embedded::Open(std::move(engine), std::move(options), context->clock);
  if (!embedded.ok()) return Fail(embedded.status(), context);
  for (const SyslogSourceConfig& source : config.syslog_sources)
    context->messages->Count("listening on " + source.address + " for source `" + source.name + "`");
  for (const HttpSourceConfig& source : config.http_sources)
    context->messages->Count("listening on " + source.address + " for source `" + source.name + "`");
  for (const JournalSourceConfig& source : config.journal_sources)
    context->messages->Count("following the journal for source `" + source.name + "`");
  for (const KafkaSourceConfig& source : config.kafka_sources)
    context->messages->Count("reading topics from " + source.settings.brokers[0] + " for source `" +
                             source.name + "`");
  context->messages->Count("running with " + Counted(rules, "rule") + ", state in " + config.data_dir);
  const Status status = (*embedded)->Run(stop_requested);
  const Embedded::Report& report = (*embedded)->report();
  context->messages->Count(Counted(report.counts.records, "line") + " read, " +
                           Counted(report.detections, "detection") + ", " +
                           Counted(report.commits, "commit"));
  if (report.counts.years.records > 0) {
    context->messages->Count(
        TextOf(report.counts.years) +
        ", the latest that is not after the message's arrival or the file's last change");
  }
  TellLeftOut(report, context->messages);
  TellListeners(report, context->messages);
  TellTopics(report, context->messages);
  TellJournals(report, context->messages);
  if (!status.ok()) return Fail(status, context);
  return flags.until_idle && report.input_lost ? kExitInput : kExitDone;
}

}  // namespace

RoleProblem CheckRole(const std::string& role, const Config& config) {
  if (role == "store" || role == "forward" || role == "api")
    return {kExitUsage, "--role: `" + role + "` is not available yet; write all, detect or correlate"};
  if (!role.empty()) {
    const std::string problem = ChoiceProblem(role, {"all", "detect", "correlate"});
    if (!problem.empty()) return {kExitUsage, "--role: " + problem};
    if (!config.pipeline.has_value())
      return {kExitConfig,
              "--role is for workers that share the work over Kafka: name the brokers in the configuration, "
              "`kafka: {brokers: [HOST:PORT]}`, or leave --role out"};
  }
  return {kExitDone, ""};
}

int RunDaemon(CommandContext* context, const RunFlags& flags) {
  const LoadedConfig loaded = LoadConfigFor(context);
  if (!loaded.problems.empty()) return kExitConfig;
  if (const RoleProblem problem = CheckRole(flags.role, loaded.config); problem.exit_code != kExitDone) {
    context->messages->Error(problem.text);
    return problem.exit_code;
  }
  if (loaded.config.sources() == 0) {
    context->messages->Error(
        "the configuration names no source; `redthread config init` writes one to begin with");
    return kExitConfig;
  }
  HandleSignals();
  if (loaded.config.pipeline.has_value())
    return RunPipeline(context, loaded.config, flags, stop_requested, reload_requested);
  return RunEmbedded(context, loaded.config, flags);
}

void AddRunCommand(CommandTree* tree) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* run = tree->Add(
      tree->root(),
      {"run",
       "the daemon: reads the configured sources as they grow",
       {"redthread run                               /etc/redthread/redthread.yml",
        "redthread run -c redthread.yml --until-idle   read everything to its end, finish it, stop"}},
      [flags](CommandContext* context) { return RunDaemon(context, *flags); });
  run->add_flag("--until-idle", flags->until_idle, "read everything to its end, finish it, stop");
  run->add_option("--jobs", flags->jobs, "threads that run rules [one a core]")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  run->add_option("--role", flags->role,
                  "with `kafka:` in the configuration, what this worker does: all, detect or correlate [all]")
      ->type_name("ROLE");
}

}  // namespace redthread
