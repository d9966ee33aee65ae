// Log sources: what an event is (product, service, category), and which sources a rule asks for.
//
// The map says how events are recognised by content and which field renames hold for rules of a category. It
// is data, read from rules/logsources.yml by the rules folder and applied by the classifier in ingest; both
// meet here.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace redthread {

// What a rule asks for; empty means any. Lower case.
struct LogSource {
  std::string product;
  std::string category;
  std::string service;
  bool empty() const { return product.empty() && category.empty() && service.empty(); }
  bool operator==(const LogSource&) const = default;
};

// What the operator says an input is. Declared facts win over content (docs/decisions/0001).
struct DeclaredLogSource {
  std::vector<std::string> products;  // more than one: either
  std::vector<std::string> services;
  std::vector<std::string> categories;
  bool empty() const { return products.empty() && services.empty() && categories.empty(); }
  bool operator==(const DeclaredLogSource&) const = default;
};

// Renames of field names, from the rule's name to the event's, while a rule runs on a source.
using FieldRenames = std::vector<std::pair<std::string, std::string>>;

// A test on one field: equals one of the values (text, any case). "*": the field is there.
struct FieldCondition {
  std::string field;
  std::vector<std::string> values;
};

struct LogSourceMap {
  // Windows: service -> channels.
  struct Service {
    std::string name;
    std::vector<std::string> channels;
  };
  // Windows: an event of `service` for which all of `when` hold is of `category`; rules of that category see
  // `renames`.
  struct Category {
    std::string name;      // of the source, "sysmon-1"
    std::string category;  // "process_creation"
    std::string service;
    std::string profile;  // "core" or "extended"
    std::vector<FieldCondition> when;
    FieldRenames renames;
  };
  // Anything else, recognised by content.
  struct Other {
    std::string name;
    std::vector<FieldCondition> all_of;
    std::vector<std::string> any_field_of;  // at least one of these fields is there (when not empty)
    std::vector<std::string> service_from;  // the text of the first of these fields is the service
    LogSource log_source;
    FieldRenames renames;  // for every rule of that product
    std::string profile = "core";
  };
  std::vector<Service> services;
  std::vector<Category> categories;
  std::vector<Other> others;
};

// What is known of one event, or of a stream of events alike. Interned by the classifier: equal facts have
// the same number.
struct LogSourceFacts {
  struct CategoryFact {
    std::string category;
    FieldRenames renames;
    bool operator==(const CategoryFact&) const = default;
  };
  std::vector<std::string> products;  // normally one; none when nothing was recognised or declared
  std::vector<std::string> services;
  std::vector<CategoryFact> categories;  // the same category may stand here twice with different renames
  FieldRenames renames;  // for rules without a category; also underneath those of each category
  bool operator==(const LogSourceFacts&) const = default;

  bool empty() const { return products.empty() && services.empty() && categories.empty(); }
};

using FactsId = uint32_t;

}  // namespace redthread
