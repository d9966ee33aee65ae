#include "rules/rule_bundle.h"

#include <cstdint>
#include <utility>

#include "core/text.h"
#include "rules/rule_files.h"

namespace redthread {
namespace {

constexpr std::string_view kMagic = "redthread rules";
constexpr uint8_t kVersion = 1;

Status TooLarge() {
  return Status::Limit("the rules with all that belongs to them are over 64 MiB: leave rule files out");
}
Status Damaged() { return Status::Corrupt("a bundle of rules is damaged"); }

void AppendCount(uint64_t n, std::string* out) {
  for (; n >= 0x80; n >>= 7) out->push_back(static_cast<char>(n | 0x80));
  out->push_back(static_cast<char>(n));
}
void AppendText(std::string_view text, std::string* out) {
  AppendCount(text.size(), out);
  out->append(text);
}
void AppendTexts(const std::vector<std::string>& texts, std::string* out) {
  AppendCount(texts.size(), out);
  for (const std::string& text : texts) AppendText(text, out);
}

// Each function returns false, and all the following ones too, once the bytes end too early.
class BundleReader {
 public:
  explicit BundleReader(std::string_view bytes) : rest_(bytes) {}

  bool Count(size_t* n) {
    uint64_t value = 0;
    for (unsigned shift = 0; good_ && shift < 63; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte >= 0x80) continue;
      *n = static_cast<size_t>(value);
      return true;
    }
    return good_ = false;
  }
  bool Time(Nanoseconds* time) {
    size_t n = 0;
    if (!Count(&n)) return false;
    *time = Nanoseconds(n);
    return true;
  }
  bool Text(std::string* text) {
    size_t size = 0;
    if (!Count(&size) || size > rest_.size()) return good_ = false;
    *text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  bool Texts(std::vector<std::string>* texts) {
    return Each([texts](BundleReader* reader) { return reader->Text(&texts->emplace_back()); });
  }
  // Reads a number, and calls read so many times.
  template <typename Read>
  bool Each(Read&& read) {
    size_t n = 0;
    if (!Count(&n)) return false;
    for (size_t i = 0; i < n; ++i) {
      if (!read(this)) return false;
    }
    return true;
  }
  bool Done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

Result<std::string> RuleBundle::Encode() const {
  std::string bytes(kMagic);
  bytes.push_back(static_cast<char>(kVersion));
  AppendCount(rules.size(), &bytes);
  for (const File& file : rules) {
    AppendText(file.name, &bytes);
    AppendText(file.text, &bytes);
  }
  AppendCount(variables.size(), &bytes);
  for (const auto& [name, values] : variables) {
    AppendText(name, &bytes);
    AppendTexts(values, &bytes);
  }
  AppendText(log_sources, &bytes);
  AppendText(entities, &bytes);
  AppendTexts(profiles, &bytes);
  AppendTexts(own_addresses, &bytes);
  AppendText(sources, &bytes);
  AppendCount(pipelines.size(), &bytes);
  for (const PipelineFile& file : pipelines) {
    AppendText(file.name, &bytes);
    AppendText(file.text, &bytes);
  }
  for (const Nanoseconds time : {times.lateness, times.late_horizon, times.fold})
    AppendCount(static_cast<uint64_t>(time.count()), &bytes);
  if (bytes.size() > kMaxBytes) return TooLarge();
  return bytes;
}

Result<RuleBundle> RuleBundle::Decode(std::string_view bytes) {
  if (bytes.size() > kMaxBytes) return TooLarge();
  if (bytes.size() <= kMagic.size() || bytes.substr(0, kMagic.size()) != kMagic) return Damaged();
  const auto version = static_cast<uint8_t>(bytes[kMagic.size()]);
  if (version != kVersion)
    return Status::Invalid("a newer version of redthread made the bundle of rules: use that one here too");
  BundleReader reader(bytes.substr(kMagic.size() + 1));
  RuleBundle bundle;
  bool good = reader.Each([&](BundleReader* r) {
    File& file = bundle.rules.emplace_back();
    return r->Text(&file.name) && r->Text(&file.text);
  });
  good = good && reader.Each([&](BundleReader* r) {
    std::string name;
    return r->Text(&name) && r->Texts(&bundle.variables[name]);
  });
  good = good && reader.Text(&bundle.log_sources) && reader.Text(&bundle.entities) &&
         reader.Texts(&bundle.profiles) && reader.Texts(&bundle.own_addresses) &&
         reader.Text(&bundle.sources);
  good = good && reader.Each([&](BundleReader* r) {
    PipelineFile& file = bundle.pipelines.emplace_back();
    return r->Text(&file.name) && r->Text(&file.text);
  });
  good = good && reader.Time(&bundle.times.lateness) && reader.Time(&bundle.times.late_horizon) &&
         reader.Time(&bundle.times.fold) && reader.Done();
  if (!good) return Damaged();
  return bundle;
}

Status ReadRuleFiles(const std::vector<std::string>& paths, RuleBundle* bundle) {
  std::string problems;
  size_t bytes = 0;
  for (const FoundRuleFile& file : FindRuleFiles(paths)) {
    Result<std::string> text = file.Read();
    if (!text.ok()) {
      problems += (problems.empty() ? "" : "\n") + Visible(file.path) + ": " + text.status().message();
      continue;
    }
    bytes += file.name.size() + text->size();
    if (bytes > RuleBundle::kMaxBytes) return TooLarge();
    bundle->rules.push_back({file.name, std::move(*text)});
  }
  return problems.empty() ? Status::Ok() : Status::Invalid(problems);
}

}  // namespace redthread
