// Entities of an event: the hosts, users and addresses it is about, in one spelling each.
//
// What two events share of these makes them one story: matches of a rule fold while their entities are the
// same, and alerts that share one join an incident. So CORP\Alice, alice@corp.example and alice are one user,
// ws01.corp.example and WS01 one host; SYSTEM, "-" and 127.0.0.1 are nobody. Source:
// docs/decisions/0001-identity-time-revision.md, "Folding".
#pragma once

#include <string>
#include <vector>

#include "core/alert.h"
#include "core/entity_map.h"
#include "core/event.h"
#include "core/facts_table.h"

namespace redthread {

// Immutable after construction but for a cache by facts: one per thread.
class EntityExtractor {
 public:
  // Names the fields that the map looks at. To be called before the table is used.
  static void RegisterFields(const EntityMap& map, FieldTable* fields);
  // `own_addresses`: addresses that the site's hosts share (its own NAT address): nobody. All but the strings
  // outlive the extractor.
  EntityExtractor(const EntityMap& map, const FieldTable& fields, const FactsTable& facts,
                  const std::vector<std::string>& own_addresses);

  // The entities as an alert's group: "host", "user", "address" of whoever acts or recorded; "target_host",
  // "target_user", "target_address" of what it was done to; "source_host" of an acting host. Several values
  // of one name are one composite value, a sorted JSON array.
  AlertGroup Extract(const Event& event, FactsId facts);

 private:
  struct Field {
    EntityKind kind;
    EntityRole role;
    FieldId field;
    FieldId domain;  // kNoField: the log has none
  };
  struct Source {
    LogSource log_source;
    std::vector<Field> fields;
  };
  static bool Fits(const LogSource& wanted, const LogSourceFacts& facts);
  const Source& SourceFor(FactsId facts);

  const FactsTable* facts_;
  std::vector<Source> sources_;
  std::vector<const Source*> by_facts_;
  std::vector<std::string> own_addresses_;
};

// One value in its one spelling; empty when it is nobody. For tests, and for owners who ask why.
std::string NormaliseHost(std::string_view text);
std::string NormaliseAddress(std::string_view text);
// `domain`: the log's own field for it, may be empty; `host`: the event's observing host, normalised: an
// account of that very host becomes user@host. A machine account (HOST$) is returned as it is: the caller
// takes it for a host.
std::string NormaliseUser(std::string_view text, std::string_view domain, std::string_view host);

}  // namespace redthread
