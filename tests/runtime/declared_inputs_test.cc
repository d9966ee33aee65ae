#include "runtime/declared_inputs.h"

#include <gtest/gtest.h>

namespace redthread {
namespace {

TEST(DeclaredInputsTest, WhatIsWrittenIsReadAndEveryPartOfItCounts) {
  const DeclaredInput input{"logs",          {"a", "^b"}, "json",
                            "Europe/Berlin", 1000,        {{"windows", "linux"}, {"sshd"}, {"firewall"}},
                            {"10.0.0.0/8"}};
  const std::vector<DeclaredInput> inputs = {input, {}};
  const std::string bytes = EncodeInputs(inputs);
  const Result<std::vector<DeclaredInput>> read = DecodeInputs(bytes);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(*read, inputs);
  std::vector<DeclaredInput> others(9, input);
  others[0].name = "other";
  others[1].topics.pop_back();
  others[2].format = "auto";
  others[3].time_zone = "UTC";
  others[4].max_record_bytes = 1001;
  others[5].log_source.products.pop_back();
  others[6].log_source.services.clear();
  others[7].log_source.categories.clear();
  others[8].trusted_proxies.clear();
  for (const DeclaredInput& other : others) EXPECT_NE(EncodeInputs({other, {}}), bytes);
}

TEST(DeclaredInputsTest, WhatIsCutIsNotRead) {
  const std::string bytes = EncodeInputs({{"logs", {"a"}, "json", "UTC", 1, {}, {}}});
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(DecodeInputs(bytes.substr(0, n)).ok()) << n;
  EXPECT_TRUE(DecodeInputs(EncodeInputs({})).ok());
}

}  // namespace
}  // namespace redthread
