#include "rules/processing_pipeline.h"

#include <algorithm>
#include <iterator>

#include "core/text.h"
#include "rules/problem_list.h"
#include "rules/processing_transformation_parser.h"
#include "rules/rule_files.h"
#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

// A file on its own.
struct Pipeline {
  std::string path;
  double priority = 0;
  ProcessingPipelines content;
};

// Reads one file.
class PipelineReader {
 public:
  explicit PipelineReader(const PipelineFile& file)
      : problems_(std::make_shared<const std::string>(file.name)), notices_(problems_.file()) {
    pipeline_.path = file.name;
    const Result<YamlNode> root = ParseYamlMap(file.text, &problems_);
    if (root.ok()) Read(*root);
    pipeline_.content.notices = std::move(notices_.problems());
  }

  Pipeline& pipeline() { return pipeline_; }
  const std::vector<RuleProblem>& problems() { return problems_.problems(); }

 private:
  void Read(const YamlNode& root) {
    problems_.RequireKnownKeys(
        root, "a processing pipeline",
        {"name", "priority", "vars", "transformations", "postprocessing", "finalizers", "allowed_backends"});
    if (const YamlNode* name = root.Find("name")) ReadText(*name, "`name`", &problems_);
    if (const YamlNode* priority = root.Find("priority")) ReadPriority(*priority);
    if (const YamlNode* vars = root.Find("vars")) ReadVariables(*vars);
    if (const YamlNode* items = root.Find("transformations")) ReadItems(*items);
    Ignore(root, "postprocessing", "rewrites the text of a query, and there is none here: it is ignored");
    Ignore(root, "finalizers", "put queries together, and there are none here: they are ignored");
    Ignore(root, "allowed_backends", "names query languages, and there is none here: it is ignored");
  }

  void ReadPriority(const YamlNode& node) {
    const std::optional<Number> number =
        node.IsScalar() && node.plain ? ParseYamlNumber(node.text) : std::nullopt;
    if (!number.has_value()) {
      problems_.Add(node, "`priority` must be a number");
      return;
    }
    pipeline_.priority = number->integral ? static_cast<double>(number->integer) : number->real;
  }

  void ReadVariables(const YamlNode& node) {
    if (node.IsNull()) return;
    if (!node.IsMap()) {
      problems_.Add(node, "`vars` must be a map of names and values");
      return;
    }
    for (size_t i = 0; i < node.entries(); ++i) {
      const std::string& name = node.key(i).text;
      std::vector<std::string> values =
          ReadTextList(node.value(i), "the value of `" + name + "`", &problems_);
      if (values.empty()) problems_.Add(node.value(i), "`" + name + "` has no values, write at least one");
      pipeline_.content.variables[name] = std::move(values);
    }
  }

  void ReadItems(const YamlNode& node) {
    if (node.IsNull()) return;
    if (!node.IsSequence()) {
      problems_.Add(node, "`transformations` must be a list");
      return;
    }
    for (const YamlNode& item : node.children)
      pipeline_.content.items.push_back(ParseProcessingItem(item, &problems_, &notices_));
  }

  void Ignore(const YamlNode& root, std::string_view key, const char* why) {
    const YamlNode* node = root.Find(key);
    if (node == nullptr || (node->IsSequence() && node->children.empty()) || node->IsNull()) return;
    notices_.Add(*node, "`" + std::string(key) + "` " + why);
  }

  Pipeline pipeline_;
  ProblemList problems_;
  ProblemList notices_;
};

template <typename T>
void MoveTo(std::vector<T>* from, std::vector<T>* to) {
  std::move(from->begin(), from->end(), std::back_inserter(*to));
}

void AppendLine(const std::string& line, std::string* text) { *text += (text->empty() ? "" : "\n") + line; }

}  // namespace

Result<std::vector<PipelineFile>> ReadPipelineFiles(const std::vector<std::string>& paths) {
  std::vector<PipelineFile> files;
  std::string problems;
  for (const FoundRuleFile& file : FindRuleFiles(paths)) {
    Result<std::string> text = file.Read();
    if (text.ok()) {
      files.push_back({file.path, std::move(*text)});
    } else {
      AppendLine(Visible(file.path) + ": " + text.status().message(), &problems);
    }
  }
  if (!problems.empty()) return Status::Invalid(problems);
  return files;
}

Result<std::shared_ptr<const ProcessingPipelines>> ParsePipelines(const std::vector<PipelineFile>& files) {
  std::vector<Pipeline> pipelines;
  std::string problems;
  for (const PipelineFile& file : files) {
    PipelineReader reader(file);
    for (const RuleProblem& p : reader.problems()) AppendLine(p.Render(), &problems);
    pipelines.push_back(std::move(reader.pipeline()));
  }
  if (!problems.empty()) return Status::Invalid(problems);
  // Source: pySigma 1.5.1, ProcessingPipelineResolver.resolve.
  std::stable_sort(pipelines.begin(), pipelines.end(), [](const Pipeline& a, const Pipeline& b) {
    return a.priority != b.priority ? a.priority < b.priority : a.path < b.path;
  });
  auto all = std::make_shared<ProcessingPipelines>();
  for (Pipeline& pipeline : pipelines) {
    MoveTo(&pipeline.content.items, &all->items);
    MoveTo(&pipeline.content.notices, &all->notices);
    for (auto& [name, values] : pipeline.content.variables) all->variables[name] = std::move(values);
  }
  return std::shared_ptr<const ProcessingPipelines>(std::move(all));
}

Result<std::shared_ptr<const ProcessingPipelines>> LoadPipelines(const std::vector<std::string>& paths) {
  if (paths.empty()) return std::shared_ptr<const ProcessingPipelines>();
  Result<std::vector<PipelineFile>> files = ReadPipelineFiles(paths);
  if (!files.ok()) return files.status();
  return ParsePipelines(*files);
}

}  // namespace redthread
