#include "app/config_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <string>

#include "app/config_value.h"
#include "app/exit_code.h"
#include "app/json_schema.h"
#include "app/numbers.h"
#include "app/sample_config.h"
#include "core/text.h"
#include "ingest/kafka_settings.h"

namespace redthread {
namespace {

ConfigOptions OptionsOf(const GlobalOptions& globals) {
  ConfigOptions options;
  options.path = globals.config_path;
  options.data_dir = globals.data_dir;
  options.data_dir_origin = globals.data_dir_by_flag ? "--data-dir" : "REDTHREAD_DATA_DIR";
  return options;
}

const char* OriginName(Origin origin) {
  switch (origin) {
    case Origin::kDefault:
      return "default";
    case Origin::kFile:
      return "file";
    case Origin::kVariable:
      return "variable";
    case Origin::kFlag:
      return "flag";
  }
  return "";
}

// A value as it may be shown: never a secret, and never what a variable or a file held.
std::string Shown(const Setting& setting, size_t i) {
  const std::string& written = setting.written[i];
  const SettingType type = setting.spec->type;
  if (type == SettingType::kProperties || type == SettingType::kSecrets) {
    const std::string name = written.substr(0, written.find('='));
    const std::string text = written.substr(name.size() + 1);
    const bool is_elsewhere = text.find("${") != std::string::npos || text.compare(0, 5, "file:") == 0;
    const bool is_secret = type == SettingType::kSecrets || IsKafkaSecret(name);
    return is_elsewhere || !is_secret ? written : name + "=********";
  }
  if (setting.origin == Origin::kVariable) return MaskCredentials(setting.values[i]);
  if (written.find("${") != std::string::npos) return written;
  if (setting.spec->type == SettingType::kSecret)
    return written.compare(0, 5, "file:") == 0 ? written : "********";
  return MaskCredentials(setting.values[i]);
}

std::string ShownList(const Setting& setting) {
  std::string text;
  for (size_t i = 0; i < setting.written.size(); ++i) text += (i == 0 ? "" : ", ") + Shown(setting, i);
  return setting.spec->list ? "[" + text + "]" : text;
}

std::string SettingRecord(const Setting& setting) {
  std::string json = "{\"setting\":";
  AppendJsonString(setting.path, &json);
  json += ",\"value\":";
  if (setting.spec->list) json += '[';
  for (size_t i = 0; i < setting.written.size(); ++i) {
    if (i > 0) json += ',';
    AppendJsonString(Shown(setting, i), &json);
  }
  if (setting.spec->list) json += ']';
  json.append(",\"origin\":\"").append(OriginName(setting.origin)).append("\",\"place\":");
  AppendJsonString(setting.place, &json);
  return json + "}";
}

// Creates `path` with `text`; fails when it is there already.
Status CreateFile(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0) {
    const std::string reason =
        errno == EEXIST ? "it is there already, and is never overwritten" : std::strerror(errno);
    return {errno == EEXIST ? StatusCode::kInvalid : StatusCode::kIo,
            "cannot create " + path + ": " + reason};
  }
  const ssize_t written = write(fd, text.data(), text.size());
  const bool failed = written != static_cast<ssize_t>(text.size());
  const int error = errno;
  if (close(fd) == 0 && !failed) return Status::Ok();
  unlink(path.c_str());
  return Status::Io("cannot write " + path + ": " + std::strerror(failed ? error : errno));
}

int Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? kExitDone : kExitInput;
}

}  // namespace

void AddConfigCommand(CommandTree* tree) {
  CLI::App* config = tree->Add(
      tree->root(), {"config",
                     "write, check and show the configuration",
                     {"redthread config init -c redthread.yml     a commented file to begin with",
                      "redthread config check -c redthread.yml    what is wrong in it, all at once"}});
  tree->Add(config,
            {"init",
             "write a commented configuration; never over another",
             {"redthread config init                        /etc/redthread/redthread.yml",
              "redthread config init -c ./redthread.yml     here"}},
            RunConfigInit);
  tree->Add(config,
            {"check",
             "report everything that is wrong; exit code 0 or 3",
             {"redthread config check                        /etc/redthread/redthread.yml",
              "redthread config check -c ./redthread.yml     this one"}},
            RunConfigCheck);
  tree->Add(
      config,
      {"show",
       "every setting in effect and where it comes from; secrets masked",
       {"redthread config show                        all settings",
        "redthread config show -o json | jq -r '.[] | select(.origin != \"default\")'     what was changed"}},
      RunConfigShow);
  tree->Add(config,
            {"schema",
             "print the JSON Schema of the configuration",
             {"redthread config schema > redthread.schema.json     for an editor's completion",
              "redthread config schema | jq '.properties | keys'   what there is to set"}},
            RunConfigSchema);
}

LoadedConfig LoadConfigFor(CommandContext* context) {
  LoadedConfig loaded = LoadConfig(OptionsOf(context->options));
  for (const PlacedProblem& p : loaded.problems) TellProblem(p, context->messages);
  for (const PlacedProblem& p : loaded.warnings) TellWarning(p, context->messages);
  return loaded;
}

int RunConfigInit(CommandContext* context) {
  const std::string path =
      context->options.config_path.empty() ? kDefaultConfigPath : context->options.config_path;
  const Status status = CreateFile(path, SampleConfig());
  if (!status.ok()) return Fail(status, context);
  context->messages->Count("wrote " + path + "; next: `redthread config check -c " + path + "`");
  return kExitDone;
}

int RunConfigCheck(CommandContext* context) {
  const LoadedConfig loaded = LoadConfigFor(context);
  if (loaded.file.empty()) {
    context->messages->Error(std::string("there is no configuration at ") + kDefaultConfigPath +
                             ", name one with -c or make one with `redthread config init`");
    return kExitConfig;
  }
  if (!loaded.problems.empty()) {
    context->messages->Error(loaded.file + ": " + Counted(loaded.problems.size(), "problem"));
    return kExitConfig;
  }
  context->messages->Count(loaded.file + ": " + Counted(loaded.config.sources(), "source") + ", no problems");
  return kExitDone;
}

int RunConfigShow(CommandContext* context) {
  const LoadedConfig loaded = LoadConfigFor(context);
  if (!loaded.problems.empty()) return kExitConfig;
  ResultWriter writer(context->options.output, context->out, stdout,
                      {{"SETTING"}, {"VALUE", false, true}, {"FROM"}, {"PLACE", false, true}});
  for (const Setting& s : loaded.settings) {
    if (!writer.wants_rows()) {
      writer.AddRecord(SettingRecord(s));
      continue;
    }
    const Style style = s.origin == Origin::kDefault ? Style::kDim : Style::kPlain;
    writer.AddRow({{s.path}, {ShownList(s)}, {OriginName(s.origin), style}, {s.place}});
  }
  const Status status = writer.Finish();
  if (!status.ok()) context->messages->Error(status.message());
  return ExitCodeOf(status);
}

int RunConfigSchema(CommandContext*) { return Print(ConfigJsonSchema()); }

}  // namespace redthread
