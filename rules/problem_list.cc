#include "rules/problem_list.h"

#include <utility>

#include "core/text.h"
#include "rules/nearest_name.h"
#include "rules/read_file.h"

namespace redthread {
namespace {

// The column of a byte of a scalar's text. Where its text does not stand in the file as it is, *message says
// which character is meant.
int ColumnWithin(const YamlNode& scalar, size_t offset, std::string* message) {
  if (scalar.text_column == 0 && offset > 0) {
    *message += " (at character " + std::to_string(YamlCharacters(scalar.text, offset) + 1) + " of the text)";
  }
  return YamlColumnAt(scalar, offset);
}

}  // namespace

void ProblemList::Add(const YamlNode& at, std::string message) { Add(Place(at), std::move(message)); }

void ProblemList::AddWithin(const YamlNode& scalar, size_t offset, std::string message) {
  const int column = ColumnWithin(scalar, offset, &message);
  Add(SourceLocation{file_, scalar.line, column}, std::move(message));
}

void ProblemList::AddWithin(const RawValue& value, size_t offset, std::string message) {
  YamlNode scalar;
  scalar.column = value.where.column;
  scalar.text_column = value.text_column;
  scalar.text = value.text;
  const int column = ColumnWithin(scalar, offset, &message);
  Add(SourceLocation{value.where.file, value.where.line, column}, std::move(message));
}

void ProblemList::Add(const SourceLocation& where, std::string message) {
  problems_.push_back({where, std::move(message), {}});
}

void ProblemList::Add(const YamlProblem& problem) {
  Add(SourceLocation{file_, problem.line, problem.column}, problem.message);
}

void ProblemList::RequireKnownKeys(const YamlNode& map, std::string_view what,
                                   const std::vector<std::string_view>& known) {
  for (size_t i = 0; i < map.entries(); ++i) {
    const std::string& key = map.key(i).text;
    bool found = false;
    for (const std::string_view name : known) found = found || key == name;
    if (found) continue;
    Add(map.key(i), "`" + key + "` is no key of " + std::string(what) +
                        Suggestion(key, known, ", which has " + JoinNames(known)));
  }
}

Status ProblemList::ToStatus() const {
  if (problems_.empty()) return Status::Ok();
  std::string message;
  for (const RuleProblem& p : problems_) {
    if (!message.empty()) message += '\n';
    message += p.Render();
  }
  return Status::Invalid(std::move(message));
}

std::string ReadText(const YamlNode& node, std::string_view what, ProblemList* problems) {
  if (node.IsScalar()) return node.IsNull() ? std::string() : node.text;
  problems->Add(node, std::string(what) + " must be text, not a " + (node.IsMap() ? "map" : "list"));
  return {};
}

std::vector<std::string> ReadTextList(const YamlNode& node, std::string_view what, ProblemList* problems) {
  std::vector<std::string> list;
  if (node.IsSequence()) {
    list.reserve(node.children.size());
    for (const YamlNode& item : node.children) list.push_back(ReadText(item, what, problems));
  } else if (!node.IsNull()) {
    list.push_back(ReadText(node, what, problems));
  }
  return list;
}

Result<YamlNode> ReadYamlMap(const std::string& path, ProblemList* problems) {
  Result<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  return ParseYamlMap(*text, problems);
}

Result<YamlNode> ParseYamlMap(std::string_view text, ProblemList* problems) {
  std::vector<YamlDocument> documents = ParseYaml(text);
  for (const YamlDocument& document : documents) {
    for (const YamlProblem& p : document.problems) problems->Add(p);
  }
  if (problems->empty() && (documents.size() != 1 || !documents[0].root.IsMap())) {
    problems->Add(YamlProblem{1, 1, "the file must hold one document with `key: value` entries"});
  }
  if (!problems->empty()) return problems->ToStatus();
  return std::move(documents[0].root);
}

}  // namespace redthread
