// Complaints about one file, collected until the whole of it has been read.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "rules/rule_set.h"
#include "rules/yaml.h"

namespace redthread {

class ProblemList {
 public:
  explicit ProblemList(std::shared_ptr<const std::string> file) : file_(std::move(file)) {}

  SourceLocation Place(const YamlNode& node) const { return {file_, node.line, node.column}; }

  void Add(const YamlNode& at, std::string message);
  // At the byte `offset` of a scalar's text. Where the text is folded or escaped in the file, the complaint
  // stands at its beginning and says which character is meant.
  void AddWithin(const YamlNode& scalar, size_t offset, std::string message);
  // The same of a value, which may come from another file.
  void AddWithin(const RawValue& value, size_t offset, std::string message);
  void Add(const SourceLocation& where, std::string message);
  void Add(const YamlProblem& problem);

  // Complains of each key of `map` that is not in `known`, with the nearest known one. `what` names the map:
  // "`logsource`".
  void RequireKnownKeys(const YamlNode& map, std::string_view what,
                        const std::vector<std::string_view>& known);

  bool empty() const { return problems_.empty(); }
  const std::shared_ptr<const std::string>& file() const { return file_; }
  std::vector<RuleProblem>& problems() { return problems_; }
  // Ok, or Invalid with every complaint, one a line.
  Status ToStatus() const;

 private:
  std::shared_ptr<const std::string> file_;
  std::vector<RuleProblem> problems_;
};

// The text of a scalar, "" for null. Complains of anything else, naming it by `what`.
std::string ReadText(const YamlNode& node, std::string_view what, ProblemList* problems);
// A list of scalars, or one scalar as a list of one; null is empty.
std::vector<std::string> ReadTextList(const YamlNode& node, std::string_view what, ProblemList* problems);

// Reads a settings file of one document whose root is a map. Invalid with all that is wrong; NotFound or Io
// when it cannot be read.
Result<YamlNode> ReadYamlMap(const std::string& path, ProblemList* problems);
// The same of a file's text.
Result<YamlNode> ParseYamlMap(std::string_view text, ProblemList* problems);

}  // namespace redthread
