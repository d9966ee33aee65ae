// The rules that the comparisons of the detector with the slow evaluator run on, and the choice of their
// course.
#pragma once

#include <optional>

#include "tests/oracle/differential.h"

namespace redthread {

// One rule for each construct of Sigma.
Differential OnConstructs();

// The active rules of SigmaHQ, placeholders filled in; nothing when there is no reference data.
std::optional<Differential> OnSigmaCorpus();

// An environment variable that is a number, such as REDTHREAD_SEED.
size_t FromEnvironment(const char* name, size_t otherwise);
uint64_t DifferentialSeed();

}  // namespace redthread
