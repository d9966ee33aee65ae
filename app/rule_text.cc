#include "app/rule_text.h"

#include <fstream>
#include <utility>
#include <vector>

#include "app/terminal.h"
#include "core/text.h"

namespace redthread {
namespace {

void AppendMember(const char* name, std::string_view value, std::string* json) {
  json->append(",\"").append(name).append("\":");
  AppendJsonString(value, json);
}

void AppendList(const char* name, const std::vector<std::string>& values, std::string* json) {
  json->append(",\"").append(name).append("\":[");
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) *json += ',';
    AppendJsonString(values[i], json);
  }
  *json += ']';
}

// A block of prose as the rule has it, each line behind two spaces.
std::string Indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    out += "  " + Visible(text.substr(0, end)) + "\n";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::string Paragraph(const char* heading, std::string_view text, bool color) {
  if (text.empty()) return "";
  return "\n" + Styled(heading, Style::kBold, color) + "\n" + Indented(text);
}

std::string ListParagraph(const char* heading, const std::vector<std::string>& items, bool numbered,
                          bool color) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    text += (numbered ? std::to_string(i + 1) + ". " : "- ") + items[i] + "\n";
  }
  return Paragraph(heading, text, color);
}

// The rule's own document: from its line to the next "---".
std::string SourceOf(const Rule& rule) {
  std::ifstream file(*rule.where.file, std::ios::binary);
  std::string text;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (number < rule.where.line) continue;
    if (number > rule.where.line && line.compare(0, 3, "---") == 0) break;
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string LogSourceText(const LogSource& log_source) {
  std::string text;
  for (const std::string* part : {&log_source.product, &log_source.category, &log_source.service}) {
    if (!part->empty()) text += (text.empty() ? "" : " / ") + *part;
  }
  return text.empty() ? "any" : text;
}

std::string RuleRecord(const Rule& rule) {
  std::string json = "{\"kind\":\"rule\",\"id\":";
  AppendJsonString(rule.id, &json);
  if (!rule.name.empty()) AppendMember("name", rule.name, &json);
  AppendMember("title", rule.title, &json);
  AppendMember("level", LevelName(rule.level), &json);
  AppendMember("status", rule.status, &json);
  AppendList("tags", rule.tags, &json);
  json += ",\"logsource\":{";
  const std::pair<const char*, const std::string*> parts[] = {{"product", &rule.log_source.product},
                                                              {"category", &rule.log_source.category},
                                                              {"service", &rule.log_source.service}};
  bool first = true;
  for (const auto& [name, value] : parts) {
    if (value->empty()) continue;
    json.append(first ? "\"" : ",\"").append(name).append("\":");
    AppendJsonString(*value, &json);
    first = false;
  }
  json += '}';
  AppendMember("path", *rule.where.file, &json);
  json += ",\"line\":" + std::to_string(rule.where.line);
  AppendMember("description", rule.description, &json);
  AppendList("falsepositives", rule.false_positives, &json);
  return json + "}";
}

std::string RuleText(const Rule& rule, bool color) {
  std::string out = Styled(Visible(rule.title), Style::kBold, color) + "\n";
  const auto line = [&out](const char* name, std::string_view value, const std::string& shown) {
    if (!value.empty())
      out += "  " + std::string(name) + std::string(12 - std::string_view(name).size(), ' ') + shown + "\n";
  };
  const auto plain = [&line](const char* name, std::string_view value) { line(name, value, Visible(value)); };
  std::string tags;
  for (const std::string& tag : rule.tags) tags += (tags.empty() ? "" : ", ") + tag;
  plain("id", rule.id);
  plain("name", rule.name);
  line("level", LevelName(rule.level), Styled(LevelName(rule.level), StyleOf(rule.level), color));
  plain("status", rule.status);
  plain("log source", LogSourceText(rule.log_source));
  plain("tags", tags);
  plain("author", rule.author);
  plain("date", rule.modified.empty() ? rule.date : rule.modified);
  plain("licence", rule.license);
  for (const RuleFilter& f : rule.filters) plain("filter", f.title.empty() ? f.id : f.title);
  plain("path", *rule.where.file + ":" + std::to_string(rule.where.line));
  out += Paragraph("Description", rule.description, color);
  out += Paragraph("What happened", rule.owner_what, color);
  out += Paragraph("What it may mean", rule.owner_meaning, color);
  out += ListParagraph("What to do", rule.owner_do, true, color);
  out += ListParagraph("Usual harmless causes", rule.owner_harmless, false, color);
  out += ListParagraph("False positives", rule.false_positives, false, color);
  out += ListParagraph("References", rule.references, false, color);
  return out + Paragraph("Rule", SourceOf(rule), color);
}

}  // namespace redthread
