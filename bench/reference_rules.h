// The whole corpus of SigmaHQ, from the reference data that may lie beside the checkout.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "runtime/engine.h"

namespace redthread {

// Where the reference data is expected when nothing else is said.
inline std::string DefaultReference() {
  return (std::filesystem::path(REDTHREAD_SOURCE_DIR).parent_path() / "shared").string();
}

// Options of an engine over all of them; unpacked once, into the build folder. Nothing when they are not in
// the folder `reference`, or cannot be unpacked.
inline std::optional<Engine::Options> ReferenceRules(const std::string& reference) {
  namespace fs = std::filesystem;
  const fs::path corpus = fs::path(REDTHREAD_BINARY_DIR) / "reference" / "bench-sigma";
  if (!fs::exists(corpus)) {
    if (!fs::exists(reference + "/data/sigma")) return std::nullopt;
    fs::create_directories(corpus);
    const std::string command = "tar --zstd -xf " + reference + "/data/sigma/*.tar.zst -C " + corpus.string();
    if (std::system(command.c_str()) != 0) return std::nullopt;
  }
  Engine::Options options;
  for (const char* folder :
       {"rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting"}) {
    options.rule_paths.push_back((corpus / "sigma" / folder).string());
  }
  options.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
  options.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
  return options;
}

}  // namespace redthread
