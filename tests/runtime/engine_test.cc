// An engine made of a bundle answers as one made of the files.
#include "runtime/engine.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

Engine::Options OptionsFor(const std::string& rules) {
  Engine::Options options;
  options.rule_paths = {rules};
  options.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
  options.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
  options.own_addresses = {"203.0.113.7"};
  return options;
}

// Ids of the rules that match a record, and its entities.
std::string Answer(const std::shared_ptr<const Engine>& engine, std::string record) {
  record.append(Decoder::kPadding, '\0');
  Pipeline pipeline(engine);
  pipeline.Process({record.data(), record.size() - Decoder::kPadding}, engine->facts()->Declare({}), {}, {});
  std::string answer;
  for (const RuleIndex rule : pipeline.matches()) answer += engine->rules().rules[rule].id + "\n";
  for (const auto& [name, value] : pipeline.Entities()) answer += name + "=" + value + "\n";
  return answer;
}

TEST(EngineTest, ABundleGivesTheAnswersOfItsFiles) {
  const TemporaryFolder folder;
  folder.Write("rules/a.yml",
               "title: Sign-in\nid: a\nlogsource: {product: windows, service: security}\n"
               "detection: {s: {EventID: 4625, TargetUserName|expand: '%admins%'}, condition: s}\n");
  folder.Write("rules/b.yml",
               "title: Whoami\nid: b\nlogsource: {product: windows, category: process_creation}\n"
               "detection: {s: {Image|endswith: whoami.exe}, condition: s}\n");
  Engine::Options options = OptionsFor(folder.path() + "/rules");
  options.variables = {{"admins", {"root"}}};
  Result<RuleBundle> bundle = Engine::Bundle(options);
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  const auto from_files = Engine::Load(options), from_bundle = Engine::Load(*bundle);
  ASSERT_TRUE(from_files.ok());
  ASSERT_TRUE(from_bundle.ok()) << from_bundle.status().message();
  EXPECT_EQ((*from_bundle)->own_addresses(), options.own_addresses);
  for (
      const char* record :
      {R"({"Channel":"Security","EventID":4625,"TargetUserName":"root","Computer":"pc","IpAddress":"203.0.113.7"})",
       R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\whoami.exe","Computer":"pc"})"}) {
    const std::string answer = Answer(*from_files, record);
    EXPECT_NE(answer.find("host"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("203.0.113.7"), std::string::npos) << answer;
    EXPECT_EQ(Answer(*from_bundle, record), answer);
  }
  EXPECT_NE(Answer(*from_files, R"({"Channel":"Security","EventID":4625,"TargetUserName":"root"})"),
            Answer(*from_files, R"({"Channel":"Security","EventID":4625,"TargetUserName":"other"})"));
}

TEST(EngineTest, WrongMapsAreRefusedAndABundleNeedsAllFiles) {
  const Engine::Options options = OptionsFor(REDTHREAD_SOURCE_DIR "/rules/packs");
  Result<RuleBundle> bundle = Engine::Bundle(options);
  ASSERT_TRUE(bundle.ok());
  RuleBundle wrong = *bundle;
  wrong.log_sources = "version: 2\n";
  EXPECT_EQ(Engine::Load(wrong).status().code(), StatusCode::kInvalid);
  wrong = *bundle;
  wrong.entities.clear();
  EXPECT_EQ(Engine::Load(wrong).status().code(), StatusCode::kInvalid);
  Engine::Options missing = options;
  missing.entities_path += ".missing";
  EXPECT_EQ(Engine::Bundle(missing).status().code(), StatusCode::kNotFound);
  missing = options;
  missing.rule_paths.emplace_back("missing");
  EXPECT_FALSE(Engine::Bundle(missing).ok());
}

}  // namespace
}  // namespace redthread
