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
std::string SourceOf(const RuleDescription& rule) {
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

// What every record of a rule begins with.
std::string RecordHead(const RuleDescription& rule) {
  std::string json = "{\"kind\":\"rule\",\"id\":";
  AppendJsonString(rule.id, &json);
  if (!rule.name.empty()) AppendMember("name", rule.name, &json);
  AppendMember("title", rule.title, &json);
  AppendMember("level", LevelName(rule.level), &json);
  AppendMember("status", rule.status, &json);
  AppendList("tags", rule.tags, &json);
  return json;
}

// And what it ends with.
void AppendRecordTail(const RuleDescription& rule, std::string* json) {
  AppendMember("path", *rule.where.file, json);
  *json += ",\"line\":" + std::to_string(rule.where.line);
  AppendMember("description", rule.description, json);
  AppendList("falsepositives", rule.false_positives, json);
  *json += '}';
}

// The lines under a rule's title: name and value, aligned.
class Facts {
 public:
  explicit Facts(std::string* out) : out_(out) {}
  void Styled(const char* name, std::string_view value, const std::string& shown) {
    constexpr size_t kWidth = 12;
    if (value.empty()) return;
    *out_ +=
        "  " + std::string(name) + std::string(kWidth - std::string_view(name).size(), ' ') + shown + "\n";
  }
  void Plain(const char* name, std::string_view value) { Styled(name, value, Visible(value)); }

 private:
  std::string* out_;
};

std::string Joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

// Title and facts of a rule; `own` adds those of its kind.
template <typename Own>
std::string TextHead(const RuleDescription& rule, bool color, Own&& own) {
  std::string out = Styled(Visible(rule.title), Style::kBold, color) + "\n";
  Facts facts(&out);
  facts.Plain("id", rule.id);
  facts.Plain("name", rule.name);
  facts.Styled("level", LevelName(rule.level), Styled(LevelName(rule.level), StyleOf(rule.level), color));
  facts.Plain("status", rule.status);
  own(&facts);
  facts.Plain("tags", Joined(rule.tags));
  facts.Plain("author", rule.author);
  facts.Plain("date", rule.modified.empty() ? rule.date : rule.modified);
  facts.Plain("licence", rule.license);
  return out;
}

std::string TextTail(const RuleDescription& rule, bool color) {
  std::string out = Paragraph("Description", rule.description, color);
  out += Paragraph("What happened", rule.owner_what, color);
  out += Paragraph("What it may mean", rule.owner_meaning, color);
  out += ListParagraph("What to do", rule.owner_do, true, color);
  out += ListParagraph("Usual harmless causes", rule.owner_harmless, false, color);
  out += ListParagraph("False positives", rule.false_positives, false, color);
  out += ListParagraph("References", rule.references, false, color);
  return out + Paragraph("Rule", SourceOf(rule), color);
}

std::vector<std::string> ReferredTo(const Correlation& correlation) {
  std::vector<std::string> names;
  for (const CorrelationReference& reference : correlation.rules) names.push_back(reference.written);
  return names;
}

// When the answer is there, and why not sooner.
std::string AnswerText(const Correlation& c) {
  const std::string span = FormatTimespan(c.timespan);
  std::string text;
  if (c.answers_at_once) {
    text = "at once, early; final when the watermark has passed";
  } else if (c.judgement() == Judgement::kTumbling) {
    text = "by the watermark, at the end of each full " + span +
           ": an upper bound is judged when no more can come";
  } else if (c.judgement() == Judgement::kWaiting) {
    text = "by the watermark, " + span + " after the match: until then what `not` names may still come";
  } else if (c.judgement() == Judgement::kSilence) {
    text = "by the watermark, " + span + " after the last match";
  } else {
    text = "by the watermark: what comes out of order may still change it";
  }
  text += "\n" + std::string(14, ' ') + "delay: ";
  text += c.delay.count() > 0 ? "at most " + FormatTimespan(c.delay) : "none";
  return text + ", and `correlate.lateness` (5m unless configured) until it is final";
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
  std::string json = RecordHead(rule);
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
  AppendRecordTail(rule, &json);
  return json;
}

std::string RuleRecord(const Correlation& correlation) {
  std::string json = RecordHead(correlation);
  AppendMember("type", CorrelationTypeName(correlation.type), &json);
  AppendList("rules", ReferredTo(correlation), &json);
  AppendList("group_by", correlation.group_by, &json);
  AppendMember("timespan", FormatTimespan(correlation.timespan), &json);
  AppendMember("condition", ConditionWords(correlation), &json);
  AppendMember("answers", correlation.answers_at_once ? "at once" : "watermark", &json);
  json += ",\"delay_seconds\":" + std::to_string(correlation.delay.count() / 1'000'000'000);
  AppendRecordTail(correlation, &json);
  return json;
}

std::string CorrelationSourceText(const Correlation& correlation) {
  return std::string(CorrelationTypeName(correlation.type)) + " over " + Joined(ReferredTo(correlation));
}

std::string RuleText(const Rule& rule, bool color) {
  std::string out = TextHead(rule, color, [&rule](Facts* facts) {
    facts->Plain("log source", LogSourceText(rule.log_source));
    for (const RuleFilter& f : rule.filters) facts->Plain("filter", f.title.empty() ? f.id : f.title);
    if (rule.muted) facts->Plain("alerts", "none of its own: a correlation refers to it");
    facts->Plain("path", *rule.where.file + ":" + std::to_string(rule.where.line));
  });
  return out + TextTail(rule, color);
}

std::string RuleText(const Correlation& correlation, bool color) {
  std::string out = TextHead(correlation, color, [&correlation](Facts* facts) {
    facts->Plain("type", CorrelationTypeName(correlation.type));
    facts->Plain("rules", Joined(ReferredTo(correlation)));
    facts->Plain("group by", Joined(correlation.group_by));
    facts->Plain("timespan", FormatTimespan(correlation.timespan));
    facts->Plain("condition", ConditionWords(correlation));
    const std::string answer = AnswerText(correlation);
    facts->Styled("answers", answer, answer);
    facts->Plain("path", *correlation.where.file + ":" + std::to_string(correlation.where.line));
  });
  return out + TextTail(correlation, color);
}

}  // namespace redthread
