// The suites of the reference data: sets of correlations, the logs that they are made for, and orders in
// which their lines may arrive.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/log_source.h"
#include "core/timestamp.h"
#include "runtime/engine.h"
#include "tests/oracle/dice.h"

namespace redthread {

struct Suite {
  struct File {
    std::string path;
    nlohmann::json
        log_source;  // what the operator would say that it is: {"product": "linux", "service": ["sshd"]}
  };
  std::string name;
  std::string rules;
  std::vector<File> files;
};

// A line of a suite.
struct SuiteLine {
  std::string text;
  size_t log_source = 0;  // of SuiteLines
  std::optional<Timestamp> time;
};

struct SuiteLines {
  std::vector<SuiteLine> lines;
  std::vector<DeclaredLogSource> log_sources;  // different ones
};

// All, or the one that REDTHREAD_SUITE names. Only where there is reference data.
std::vector<Suite> ReferenceSuites();

// What a scan of the suite's own files gives, in the canonical form.
std::string ScannedSuite(const Suite& suite);

std::shared_ptr<const Engine> EngineOf(const Suite& suite);

// The lines of all its files, with the times that they are judged by.
SuiteLines LinesOf(const Suite& suite, const std::shared_ptr<const Engine>& engine);

// One order of arrival: each line up to the lateness behind its time, those without a time anywhere.
std::vector<const SuiteLine*> Arrivals(const SuiteLines& suite, Nanoseconds lateness, Dice* dice);

}  // namespace redthread
