#include "tests/oracle/correlation_vectors.h"

#include <cmath>
#include <fstream>

namespace redthread {

std::vector<CorrelationVector> ReadCorrelationVectors(const std::string& path) {
  std::vector<CorrelationVector> vectors;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const SlowJson v = SlowJson::parse(line);
    CorrelationVector vector;
    vector.name = std::to_string(v.at("n").get<int>()) + ": " + v.at("note").get<std::string>();
    vector.rules = v.at("rules").get<std::string>();
    for (const SlowJson& event : v.at("events")) vector.events.push_back(event);
    const auto read = [](const SlowJson& lines, bool with_value, std::multiset<CorrelationLine>* out) {
      for (const SlowJson& l : lines) {
        std::string value;
        if (with_value)
          value = l.at("value").is_null() ? "null" : CorrelationValueText(l.at("value").get<double>());
        out->emplace(l.at("rule_id").get<std::string>(), nlohmann::json(l.at("group")).dump(),
                     l.at("window_end").get<std::string>(), value);
      }
    };
    read(v.at("hits"), true, &vector.hits);
    read(v.at("alerts"), false, &vector.alerts);
    if (v.contains("rejected")) {
      for (const auto& [id, why] : v.at("rejected").items()) vector.rejected.insert(id);
    }
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

std::string CorrelationValueText(double value) {
  const double rounded = std::round(value * 1e6) / 1e6;
  return nlohmann::json(rounded).dump();
}

std::string CorrelationGroupText(const std::vector<std::string>& names,
                                 const std::vector<std::string>& values) {
  nlohmann::json group = nlohmann::json::object();
  for (size_t i = 0; i < names.size(); ++i) group[names[i]] = values[i];
  return group.dump();
}

}  // namespace redthread
