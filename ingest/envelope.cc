#include "ingest/envelope.h"

#include <algorithm>

namespace redthread {

void Envelope::Take(Event* event) {
  nodes_.clear();
  for (NodeIndex i = 0; i < event->node_count(); ++i) nodes_.push_back(event->node(i));
  fields_ = event->fields();
  event->ClearTape();
}

void Envelope::AddMissing(std::string_view without, std::string_view or_without, Event* event) {
  names_.clear();
  for (const Event::Field& field : event->fields()) names_.push_back(field.name);
  std::sort(names_.begin(), names_.end());
  for (const Event::Field& field : fields_) {
    if (field.name == without || field.name == or_without) continue;
    if (std::binary_search(names_.begin(), names_.end(), field.name)) continue;
    event->AddField(field.name, AddSubtree(field.node, event), field.id);
  }
}

// As deep as decoders nest at most.
NodeIndex Envelope::AddSubtree(NodeIndex i, Event* event) const {  // NOLINT(misc-no-recursion)
  const NodeIndex added = event->AddNode(nodes_[i]);
  if (nodes_[i].end == i + 1) return added;
  for (NodeIndex child = i + 1; child < nodes_[i].end; child = nodes_[child].end) AddSubtree(child, event);
  event->CloseContainer(added);
  return added;
}

}  // namespace redthread
