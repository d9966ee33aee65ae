// The slow twin of the classifier and of rule routing: which log sources an event belongs to, and by which
// of them a rule comes to it.
#pragma once

#include "core/log_source.h"
#include "tests/oracle/slow_text.h"

namespace redthread {

// `flat`: the event, its shape taken off. Declared facts win: with a product declared, content adds only
// services and categories of that product.
LogSourceFacts SlowClassify(const LogSourceMap& map, const SlowJson& flat, const DeclaredLogSource& declared);

// The renames under which the rule runs on such an event, one entry for each way it comes to it; empty when
// it does not run at all.
std::vector<FieldRenames> SlowRoutes(const LogSource& rule, const LogSourceFacts& facts);

}  // namespace redthread
