// EventGenerator: draws events out of a rule's own values, on top of real ones.
//
// Random events match no rule, and real ones match few. So an event, mostly a real one, is changed toward
// what a rule asks for: each value that must match gives a text that it should match (case changed, wildcards
// filled in, the open sides padded, encoded, numbers as strings), each that must not is left out or missed by
// a little. Whether the event really matches is not promised; that is what the slow evaluator is for.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/log_source.h"
#include "tests/oracle/dice.h"
#include "tests/oracle/slow_evaluator.h"

namespace redthread {

class EventGenerator {
 public:
  // The dice outlive the generator.
  explicit EventGenerator(Dice* dice) : dice_(dice) {}

  // An event meant to match the rule (or to miss it): `base`, a flat event, with the fields changed that the
  // rule asks for. Flat but for what dotted fields make of it.
  SlowJson Draw(const SlowEvaluator& rule, const FieldRenames& renames, bool matching,
                SlowJson base = SlowJson::object());

 private:
  // One value asked for at a field. Open texts may be joined with others.
  struct Wish {
    SlowJson value;
    bool open_left = false, open_right = false;
  };

  void Want(const RuleLogic& logic, const ConditionNode& condition, bool truth);
  void Want(const SearchNode& node, bool truth);
  void WantItem(const DetectionItem& item, bool truth);
  void WantValue(const std::string& field, const SlowItem& item, const SlowValue& value);
  void WantAbsent(const std::string& field);
  void WantFieldRef(const std::string& field, const SlowFieldRef& ref, bool cased);
  void Miss(const std::string& field, const SlowItem& item);

  Wish DrawWish(const SlowValue& value, bool cased);
  SlowJson DrawChecked(const SlowValue& value);
  Wish DrawText(const SlowText& text, bool cased);
  std::u32string Recased(const std::u32string& text);
  std::u32string Noise(size_t most);
  std::u32string NearMiss(std::u32string text);
  std::string LongText(const std::string& near);
  SlowJson DrawNumber(const Number& number);
  std::string DrawAddress(const SlowNetwork& network);
  std::string DrawTime();

  std::string Renamed(const std::string& field) const;
  void AddSurroundings(const SlowJson& base);
  SlowJson Compose(std::vector<Wish> wishes);
  SlowJson Join(std::vector<Wish> wishes);
  SlowJson Wrap(SlowJson value);
  void Place(const std::string& field, const SlowJson& value, SlowJson* event);
  void SwapTypes(SlowJson* event);
  void Spoil(SlowJson* event);

  Dice* dice_;
  const SlowEvaluator* rule_ = nullptr;
  FieldRenames renames_;
  std::map<std::string, std::vector<Wish>> wishes_;
  std::set<std::string> absent_;
};

}  // namespace redthread
