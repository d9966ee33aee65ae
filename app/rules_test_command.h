// redthread rules test: runs the events that stand beside rules.
#pragma once

#include "app/command.h"
#include "app/rule_options.h"

namespace redthread {

void AddRulesTestCommand(CommandTree* tree, CLI::App* parent);

// Exit code 1 when some event went wrong, 2 when some rule is bad.
int RunRulesTest(const RuleOptions& options, CommandContext* context);

}  // namespace redthread
