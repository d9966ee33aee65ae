#include "ingest/classifier.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/text.h"

namespace redthread {

namespace {

constexpr const char* kWindows = "windows";

template <typename T>
bool Contains(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

template <typename T>
void AddOnce(const T& one, std::vector<T>* all) {
  if (!Contains(*all, one)) all->push_back(one);
}

}  // namespace

// ---- compiling the map

void Classifier::RegisterFields(const LogSourceMap& map, FieldTable* fields) {
  fields->Add("Channel");
  fields->Add("EventID");
  for (const LogSourceMap::Category& category : map.categories) {
    for (const FieldCondition& condition : category.when) fields->Add(condition.field);
  }
  for (const LogSourceMap::Other& other : map.others) {
    for (const FieldCondition& condition : other.all_of) fields->Add(condition.field);
    for (const std::string& field : other.any_field_of) fields->Add(field);
    for (const std::string& field : other.service_from) fields->Add(field);
  }
}

Classifier::Classifier(LogSourceMap map, const FieldTable& fields, FactsTable* facts)
    : map_(std::move(map)), facts_(facts) {
  channel_ = ProbeFor("Channel", fields);
  event_id_ = ProbeFor("EventID", fields);
  for (const LogSourceMap::Service& service : map_.services) {
    for (const ValueNumber channel : CompileTest({"Channel", service.channels}, fields).values) {
      services_.emplace_back(channel, &service.name);
    }
  }
  for (const LogSourceMap::Category& category : map_.categories) {
    WindowsCategory compiled{&category, {}};
    for (const FieldCondition& c : category.when) compiled.when.push_back(CompileTest(c, fields));
    categories_.push_back(std::move(compiled));
  }
  for (const LogSourceMap::Other& other : map_.others) {
    OtherSource compiled{&other, {}, {}, {}};
    for (const FieldCondition& c : other.all_of) compiled.all_of.push_back(CompileTest(c, fields));
    for (const std::string& field : other.any_field_of) compiled.any_of.push_back(ProbeFor(field, fields));
    for (const std::string& field : other.service_from) {
      const size_t probe = ProbeFor(field, fields);
      probes_[probe].names_service = true;
      compiled.service_from.push_back(probe);
    }
    others_.push_back(std::move(compiled));
  }
}

size_t Classifier::ProbeFor(const std::string& field, const FieldTable& fields) {
  const FieldId id = fields.Find(field);
  for (size_t i = 0; i < probes_.size(); ++i) {
    if (probes_[i].field == id) return i;
  }
  probes_.emplace_back();
  probes_.back().field = id;
  return probes_.size() - 1;
}

Classifier::Test Classifier::CompileTest(const FieldCondition& condition, const FieldTable& fields) {
  Test test;
  test.probe = ProbeFor(condition.field, fields);
  Probe& probe = probes_[test.probe];
  for (const std::string& value : condition.values) {
    if (value == "*") return {test.probe, {}};
    const auto next = static_cast<ValueNumber>(probe.service_names.size() + 2);
    const auto [it, is_new] = probe.values.emplace(Fold(value), next);
    if (is_new) probe.service_names.push_back(value);
    test.values.push_back(it->second);
  }
  return test;
}

// ---- events

FactsId Classifier::Classify(const Event& event, uint32_t declared) {
  key_.resize(sizeof(declared) + probes_.size() * sizeof(ValueNumber));
  char* out = key_.data();
  std::memcpy(out, &declared, sizeof(declared));
  out += sizeof(declared);
  for (Probe& probe : probes_) {
    ValueNumber number = kAbsent;
    if (const uint32_t f = event.FirstField(probe.field); f != Event::kNoFieldIndex) {
      const Event::Field& field = event.fields()[f];
      if (field.next != Event::kNoFieldIndex) [[unlikely]]
        return ClassifyDuplicates(event, declared);
      number = probe.values.empty() && !probe.names_service ? kUnknown : Number(event, field.node, &probe);
    }
    std::memcpy(out, &number, sizeof(number));
    out += sizeof(number);
  }
  if (key_ == last_key_) return last_;
  const auto it = known_.find(key_);
  if (it != known_.end()) {
    last_ = it->second;
  } else {
    Signature signature(probes_.size());
    for (size_t i = 0; i < probes_.size(); ++i) {
      ValueNumber number = kAbsent;
      std::memcpy(&number, key_.data() + sizeof(declared) + i * sizeof(number), sizeof(number));
      if (number != kAbsent) signature[i].push_back(number);
    }
    last_ = Intern(signature, declared, false);
    if (known_.size() >= kMaxSignatures) known_.clear();
    known_.emplace(key_, last_);
  }
  last_key_ = key_;
  return last_;
}

Classifier::ValueNumber Classifier::Number(const Event& event, NodeIndex node, Probe* probe) {
  const std::optional<std::string_view> folded = event.FoldedText(node);
  // No value the map asks for is as long, and no text of a hostile length needs hashing.
  if (!folded.has_value() || folded->size() > 4 * kMaxServiceSize) return kUnknown;
  text_.assign(*folded);
  if (const auto it = probe->values.find(text_); it != probe->values.end()) return it->second;
  if (!probe->names_service || event.node(node).type != ValueType::kString) return kUnknown;
  return LearnService(*event.Text(node), *folded, probe);
}

Classifier::ValueNumber Classifier::LearnService(std::string_view text, std::string_view folded,
                                                 Probe* probe) {
  if (text.size() > kMaxServiceSize || probe->service_names.size() >= kMaxLearnedServices) return kUnknown;
  const auto number = static_cast<ValueNumber>(probe->service_names.size() + 2);
  probe->values.emplace(folded, number);
  probe->service_names.emplace_back(folded);
  return number;
}

// A key that stands there twice: each of its values counts, as it does for rules. Rare, so nothing is
// remembered.
FactsId Classifier::ClassifyDuplicates(const Event& event, uint32_t declared) {
  constexpr size_t kMaxValues = 8;  // of one field
  Signature signature(probes_.size());
  for (size_t i = 0; i < probes_.size(); ++i) {
    for (uint32_t f = event.FirstField(probes_[i].field); f != Event::kNoFieldIndex;
         f = event.fields()[f].next) {
      const ValueNumber number = Number(event, event.fields()[f].node, &probes_[i]);
      if (signature[i].size() < kMaxValues) AddOnce(number, &signature[i]);
    }
  }
  return Intern(signature, declared, true);
}

// ---- signature -> facts

FactsId Classifier::Intern(const Signature& signature, uint32_t declared, bool duplicates) {
  const DeclaredLogSource& said = facts_->Declared(declared);
  bool learned = false;
  const LogSourceFacts facts = Work(signature, said, true, &learned);
  if (!learned && !duplicates) return facts_->Intern(facts);
  if (const std::optional<FactsId> id = facts_->InternFromContent(facts); id.has_value()) return *id;
  // The table is full of what logs made up: only what the map itself knows, and of each field one value.
  Signature first = signature;
  for (std::vector<ValueNumber>& values : first) {
    const auto known = std::find_if(values.begin(), values.end(), [](ValueNumber v) { return v > kUnknown; });
    if (!values.empty()) values = {known != values.end() ? *known : kUnknown};
  }
  return facts_->Intern(Work(first, said, false, &learned));
}

bool Classifier::Holds(const Test& test, const Signature& signature) {
  const std::vector<ValueNumber>& held = signature[test.probe];
  if (test.values.empty()) return !held.empty();
  return std::any_of(held.begin(), held.end(), [&](ValueNumber v) { return Contains(test.values, v); });
}

bool Classifier::Recognises(const OtherSource& other, const Signature& signature) const {
  const auto holds = [&](const Test& test) { return Holds(test, signature); };
  const auto there = [&](size_t probe) { return !signature[probe].empty(); };
  return std::all_of(other.all_of.begin(), other.all_of.end(), holds) &&
         (other.any_of.empty() || std::any_of(other.any_of.begin(), other.any_of.end(), there));
}

// What content says alone; empty when nothing is recognised.
std::string Classifier::ProductOf(const Signature& signature) const {
  // A channel that some other source asks for (Linux-Sysmon) is none of Windows', whatever the event's
  // number.
  for (const OtherSource& other : others_) {
    for (const Test& test : other.all_of) {
      if (test.probe == channel_ && !test.values.empty() && Holds(test, signature)) {
        return other.source->log_source.product;
      }
    }
  }
  if (!signature[channel_].empty() && !signature[event_id_].empty()) return kWindows;
  for (const OtherSource& other : others_) {
    if (Recognises(other, signature)) return other.source->log_source.product;
  }
  return "";
}

LogSourceFacts Classifier::Work(const Signature& signature, const DeclaredLogSource& declared,
                                bool with_learned, bool* learned) const {
  LogSourceFacts facts;
  facts.products = declared.products;
  facts.services = declared.services;
  for (const std::string& category : declared.categories) facts.categories.push_back({category, {}});
  if (facts.products.empty()) {
    if (std::string product = ProductOf(signature); !product.empty()) {
      facts.products.push_back(std::move(product));
    }
  }
  if (Contains(facts.products, std::string(kWindows))) AddWindows(signature, &facts);
  for (const OtherSource& other : others_) {
    const LogSource& source = other.source->log_source;
    // A source without a product (a web access log of whatever server) goes with any.
    if (!source.product.empty() && !Contains(facts.products, source.product)) continue;
    for (const auto& rename : other.source->renames) AddOnce(rename, &facts.renames);
    if (!Recognises(other, signature)) continue;
    if (!source.service.empty()) AddOnce(source.service, &facts.services);
    if (!source.category.empty()) AddOnce({source.category, {}}, &facts.categories);
    for (const size_t probe : other.service_from) {
      for (const ValueNumber v : signature[probe]) {
        if (v == kUnknown || !with_learned) continue;
        *learned = true;
        AddOnce(probes_[probe].service_names[v - 2], &facts.services);
      }
    }
  }
  std::sort(facts.services.begin(), facts.services.end());
  return facts;
}

void Classifier::AddWindows(const Signature& signature, LogSourceFacts* facts) const {
  for (const auto& [channel, service] : services_) {
    if (Contains(signature[channel_], channel)) AddOnce(*service, &facts->services);
  }
  for (const WindowsCategory& category : categories_) {
    const bool all = std::all_of(category.when.begin(), category.when.end(),
                                 [&](const Test& test) { return Holds(test, signature); });
    if (!all || !Contains(facts->services, category.source->service)) continue;
    AddOnce({category.source->category, category.source->renames}, &facts->categories);
  }
}

}  // namespace redthread
