// Entities: which fields of a log source name a host, a user or an address. What two alerts share of these
// ties them together; what tells one story from another is how a rule's matches fold.
//
// Data only, read from rules/entities.yml. What becomes of a value (case, domains, who is nobody) is told
// there and done where alerts are made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/log_source.h"

namespace redthread {

enum class EntityKind : uint8_t { kHost, kUser, kAddress };
// What the entity does in the event: it acts, something is done to it, or it only saw and recorded it.
enum class EntityRole : uint8_t { kActor, kTarget, kObserver };

struct EntityField {
  EntityKind kind = EntityKind::kHost;
  EntityRole role = EntityRole::kActor;
  std::string field;   // as the event calls it, dotted paths too
  std::string domain;  // of users: the field with the user's domain, "" where the log has none
};

struct EntityMap {
  struct Source {
    LogSource log_source;  // empty keys fit any
    std::vector<EntityField> fields;
  };
  // An event has the entities of the first source that fits it. The last one fits every event.
  std::vector<Source> sources;
};

}  // namespace redthread
