#include "tests/oracle/slow_logsource.h"

#include <algorithm>

namespace redthread {
namespace {

std::u32string Folded(const std::string& text) { return SlowFold(Utf8ToCodePoints(text)); }

bool Has(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

void AddOnce(const std::string& value, std::vector<std::string>* list) {
  if (!value.empty() && !Has(*list, value)) list->push_back(value);
}

bool Holds(const FieldCondition& condition, const SlowJson& flat) {
  if (!flat.contains(condition.field)) return false;
  const std::optional<std::string> text = ScalarText(flat.at(condition.field));
  for (const std::string& value : condition.values) {
    if (value == "*" || (text && Folded(*text) == Folded(value))) return true;
  }
  return false;
}

bool AllHold(const std::vector<FieldCondition>& conditions, const SlowJson& flat) {
  for (const FieldCondition& condition : conditions) {
    if (!Holds(condition, flat)) return false;
  }
  return true;
}

bool AnyFieldThere(const std::vector<std::string>& fields, const SlowJson& flat) {
  for (const std::string& field : fields) {
    if (flat.contains(field)) return true;
  }
  return fields.empty();
}

bool Recognised(const LogSourceMap::Other& other, const SlowJson& flat) {
  if (other.all_of.empty() && other.any_field_of.empty()) return false;
  return AllHold(other.all_of, flat) && AnyFieldThere(other.any_field_of, flat);
}

void AddWindows(const LogSourceMap& map, const SlowJson& flat, LogSourceFacts* facts) {
  const std::optional<std::string> channel =
      flat.contains("Channel") ? ScalarText(flat.at("Channel")) : std::nullopt;
  for (const LogSourceMap::Service& service : map.services) {
    for (const std::string& name : service.channels) {
      if (channel && Folded(*channel) == Folded(name)) AddOnce(service.name, &facts->services);
    }
  }
  for (const LogSourceMap::Category& category : map.categories) {
    if (Has(facts->services, category.service) && AllHold(category.when, flat)) {
      facts->categories.push_back({category.category, category.renames});
    }
  }
}

// Renames hold for all events of the product, however it became known; the rest for what is recognised.
void AddOther(const LogSourceMap::Other& other, const SlowJson& flat, LogSourceFacts* facts) {
  for (const auto& rename : other.renames) {
    if (std::find(facts->renames.begin(), facts->renames.end(), rename) == facts->renames.end()) {
      facts->renames.push_back(rename);
    }
  }
  if (!Recognised(other, flat)) return;
  AddOnce(other.log_source.service, &facts->services);
  for (const std::string& field : other.service_from) {
    if (flat.contains(field) && flat.at(field).is_string()) AddOnce(flat.at(field), &facts->services);
  }
  const LogSourceFacts::CategoryFact category = {other.log_source.category, {}};
  if (!category.category.empty() &&
      std::find(facts->categories.begin(), facts->categories.end(), category) == facts->categories.end()) {
    facts->categories.push_back(category);
  }
}

// A channel that some other source asks for (Sysmon for Linux writes Windows' fields) decides first, then
// what every Windows event has, then the first source that is recognised.
std::string ProductByContent(const LogSourceMap& map, const SlowJson& flat) {
  for (const LogSourceMap::Other& other : map.others) {
    for (const FieldCondition& condition : other.all_of) {
      if (condition.field == "Channel" && !Has(condition.values, "*") && Holds(condition, flat)) {
        return other.log_source.product;
      }
    }
  }
  if (flat.contains("Channel") && flat.contains("EventID")) return "windows";
  for (const LogSourceMap::Other& other : map.others) {
    if (Recognised(other, flat)) return other.log_source.product;
  }
  return "";
}

}  // namespace

LogSourceFacts SlowClassify(const LogSourceMap& map, const SlowJson& flat,
                            const DeclaredLogSource& declared) {
  LogSourceFacts facts;
  facts.products = declared.products;
  facts.services = declared.services;
  for (const std::string& category : declared.categories) facts.categories.push_back({category, {}});
  if (facts.products.empty()) AddOnce(ProductByContent(map, flat), &facts.products);
  if (Has(facts.products, "windows")) AddWindows(map, flat, &facts);
  for (const LogSourceMap::Other& other : map.others) {
    // A source without a product, such as a web access log, goes with any.
    if (other.log_source.product.empty() || Has(facts.products, other.log_source.product))
      AddOther(other, flat, &facts);
  }
  std::sort(facts.services.begin(), facts.services.end());
  return facts;
}

std::vector<FieldRenames> SlowRoutes(const LogSource& rule, const LogSourceFacts& facts) {
  if (rule.empty()) return {};
  if (!rule.product.empty() && !Has(facts.products, rule.product)) return {};
  if (!rule.service.empty() && !Has(facts.services, rule.service)) return {};
  if (rule.category.empty()) return {facts.renames};
  std::vector<FieldRenames> routes;
  for (const LogSourceFacts::CategoryFact& fact : facts.categories) {
    if (fact.category != rule.category) continue;
    FieldRenames renames = fact.renames;  // they come first, so they win over the product's
    renames.insert(renames.end(), facts.renames.begin(), facts.renames.end());
    routes.push_back(renames);
  }
  return routes;
}

}  // namespace redthread
