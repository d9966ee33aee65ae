// The rules that a configuration names, as an engine: what `run` starts with and changes to, and what a
// replay of dead letters takes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/messages.h"
#include "runtime/engine.h"
#include "runtime/rule_reload.h"

namespace redthread {

// Bad rules are refused whole. Tells nothing: at a reload it runs in another thread.
RuleReload::Loaded LoadEngine(const Config& config);

// Tells what is wrong with the rules. Returns the engine over them; null, and told as well, when there is
// none. `refused`: what that means.
std::shared_ptr<const Engine> Told(RuleReload::Loaded loaded, const char* refused, Messages* messages);

// The files that LoadEngine reads, but for the shipped maps.
std::vector<std::string> RuleFiles(const Config& config);

}  // namespace redthread
