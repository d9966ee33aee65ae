// Conditions: any text is refused at a place within it, or becomes a tree that its own text gives again.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition.h"
#include "tests/fuzz/fuzz_check.h"

namespace redthread {
namespace {

bool SameTree(const ConditionNode& a, const ConditionNode& b) {
  if (a.kind != b.kind || a.children.size() != b.children.size()) return false;
  if (a.kind == ConditionNode::Kind::kSearch) return a.search == b.search;
  for (size_t i = 0; i < a.children.size(); ++i) {
    if (!SameTree(a.children[i], b.children[i])) return false;
  }
  return true;
}

int DepthOf(const ConditionNode& node) {
  int deepest = 0;
  for (const ConditionNode& child : node.children) deepest = std::max(deepest, DepthOf(child));
  return deepest + 1;
}

void CheckNode(const ConditionNode& node, size_t names) {
  if (node.kind == ConditionNode::Kind::kSearch) {
    FUZZ_CHECK(node.search < names);
    FUZZ_CHECK(node.children.empty());
    return;
  }
  FUZZ_CHECK(!node.children.empty());
  if (node.kind == ConditionNode::Kind::kNot) FUZZ_CHECK(node.children.size() == 1);
  for (const ConditionNode& child : node.children) CheckNode(child, names);
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  static const std::vector<std::string_view> kNames = {"selection", "filter_a", "filter_b", "_hidden",
                                                       "keywords",  "s-1",      "x"};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ConditionNode node;
  ConditionError error;
  if (!ParseCondition(text, kNames, &node, &error)) {
    FUZZ_CHECK(error.offset <= text.size());
    FUZZ_CHECK(!error.message.empty());
    return 0;
  }
  CheckNode(node, kNames.size());
  FUZZ_CHECK(DepthOf(node) <= 4 * (kMaxConditionDepth + 1));
  const std::string written = ConditionText(node, kNames);
  // Written out, a condition may pass the limits that its selectors kept it below.
  if (written.size() > kMaxConditionLength) return 0;
  ConditionNode again;
  if (!ParseCondition(written, kNames, &again, &error)) {
    FUZZ_CHECK(error.message.find("nested deeper") != std::string::npos);
    return 0;
  }
  FUZZ_CHECK(SameTree(node, again));
  return 0;
}
