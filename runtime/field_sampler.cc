#include "runtime/field_sampler.h"

#include <random>

#include "core/hash.h"

namespace redthread {

namespace {

constexpr size_t kMaxTold = size_t{1} << 16;
constexpr int kMaxDepth = 8;

}  // namespace

FieldSampler::FieldSampler() : seed_((uint64_t{std::random_device{}()} << 32) | std::random_device{}()) {}

void FieldSampler::Sample(SourceId source, const Event& event, std::vector<std::string>* names) {
  source_ = source;
  for (const Event::Field& field : event.fields()) {
    path_.assign(field.name);
    Walk(event, field.node, 1, names);
  }
}

void FieldSampler::Walk(const Event& event, NodeIndex node, int depth, std::vector<std::string>* names) {
  const Node& value = event.node(node);
  const NodeIndex end = value.end;
  if (value.type < ValueType::kObject || depth == kMaxDepth || end == node + 1) return Tell(names);
  const bool is_array = value.type == ValueType::kArray;
  const size_t size = path_.size();
  for (NodeIndex child = node + 1; child < end; child = event.node(child).end) {
    if (!is_array) path_.append(".").append(event.node(child).Key());
    Walk(event, child, is_array ? depth : depth + 1, names);
    path_.resize(size);
  }
}

void FieldSampler::Tell(std::vector<std::string>* names) {
  if (names->size() == kMaxNames) return;
  if (told_.size() == kMaxTold) told_.clear();
  if (told_.insert(SeededHash(path_, seed_ ^ source_)).second) names->push_back(path_);
}

}  // namespace redthread
