// What a configuration of workers says of rules, as one bundle.
#include "app/pipeline_rules.h"

#include <gtest/gtest.h>

#include "runtime/declared_inputs.h"
#include "runtime/engine.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

Config Workers() {
  Config config;
  config.pipeline.emplace();
  KafkaSourceConfig& source = config.kafka_sources.emplace_back();
  source.name = "logs";
  source.topics = {"logs"};
  source.settings.brokers = {"a:9092"};
  source.format = "json";
  source.time_zone = "UTC";
  source.max_record_bytes = 1000;
  source.log_source.products = {"linux"};
  return config;
}

std::string Bytes(const Config& config) {
  const Result<RuleBundle> bundle = BundleFor(config);
  EXPECT_TRUE(bundle.ok()) << bundle.status().message();
  return bundle.ok() ? *bundle->Encode() : "";
}

TEST(PipelineRulesTest, TheShippedRulesAndWhatSourcesDeclareAreInTheBundle) {
  const Result<RuleBundle> bundle = BundleFor(Workers());
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  const Result<std::shared_ptr<const Engine>> engine = Engine::Load(*bundle);
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  EXPECT_GT((*engine)->rules().loaded(), 10U);
  EXPECT_TRUE((*engine)->rules().problems.empty());
  const Result<std::vector<DeclaredInput>> inputs = DecodeInputs(bundle->sources);
  ASSERT_TRUE(inputs.ok());
  EXPECT_EQ(*inputs,
            (std::vector<DeclaredInput>{{"logs", {"logs"}, "json", "UTC", 1000, {{"linux"}, {}, {}}}}));
}

TEST(PipelineRulesTest, WorkersOfOneConfigurationHaveOneBundleWhereverTheirFilesLie) {
  const TemporaryFolder here, there;
  Config a = Workers(), b = Workers();
  for (const auto& [folder, config] : {std::pair(&here, &a), std::pair(&there, &b)}) {
    config->rule_paths = {folder->path() + "/rules"};
    folder->Write("rules/r.yml",
                  "title: T\nlogsource: {product: linux}\ndetection: {s: {a: b}, condition: s}\n");
    config->rule_variables = folder->Write("site.yml", "v: [1, 2]\n");
  }
  b.kafka_sources[0].settings.brokers = {"b:9092"};  // of the same cluster
  b.data_dir = "/elsewhere";
  EXPECT_EQ(Bytes(a), Bytes(b));
  b.own_addresses = {"203.0.113.7"};
  EXPECT_NE(Bytes(a), Bytes(b));
  b.own_addresses.clear();
  there.Write("site.yml", "v: [1]\n");
  EXPECT_NE(Bytes(a), Bytes(b));
  b.rule_variables = there.path() + "/missing.yml";
  EXPECT_FALSE(BundleFor(b).ok());
}

}  // namespace
}  // namespace redthread
