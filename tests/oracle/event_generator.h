// EventGenerator: draws events out of a rule's own values.
//
// Random events match no rule. So an event is put together from what the rule asks for: each value that must
// match gives a text that it should match (case changed, wildcards filled in, the open sides padded, encoded,
// numbers as strings), each that must not is left out or missed by a little. Whether the event really matches
// is not promised; that is what the slow evaluator is for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/log_source.h"
#include "tests/oracle/dice.h"
#include "tests/oracle/slow_value.h"

namespace redthread {

class EventGenerator {
 public:
  // Both outlive the generator.
  EventGenerator(Dice* dice, const SiteVariables& variables) : dice_(dice), variables_(variables) {}

  // An event meant to match the rule (or to miss it), flat but for what dotted fields make of it.
  SlowJson Draw(const Rule& rule, const FieldRenames& renames, bool matching);

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
  void WantFieldRef(const std::string& field, const SlowFieldRef& ref, bool cased);
  void Miss(const std::string& field, const SlowItem& item);

  Wish DrawWish(const SlowValue& value, bool cased);
  SlowJson DrawChecked(const SlowValue& value);
  Wish DrawText(const SlowText& text, bool cased);
  std::u32string Recased(const std::u32string& text);
  std::u32string Noise(size_t most);
  SlowJson DrawNumber(const Number& number);
  std::string DrawAddress(const SlowNetwork& network);
  std::string DrawTime();

  std::string Renamed(const std::string& field) const;
  SlowJson Compose(std::vector<Wish> wishes);
  SlowJson Join(std::vector<Wish> wishes);
  SlowJson Wrap(SlowJson value);
  void Place(const std::string& field, const SlowJson& value, SlowJson* event);

  Dice* dice_;
  const SiteVariables& variables_;
  FieldRenames renames_;
  std::map<std::string, std::vector<Wish>> wishes_;
};

// The event as JSON text: members and strings with random escapes, where JSON leaves the choice.
std::string WriteJson(const SlowJson& value, Dice* dice);

}  // namespace redthread
